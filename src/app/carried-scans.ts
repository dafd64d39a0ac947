/**
 * Lets engine threads speak by conversations with scanners that sessions began.
 *
 * Runs in: main thread.
 */

import type { UpwardAnswers } from '../actors/ask.ts';
import {
  carriedAsks,
  type PackedClaim,
  type PackedExchange,
  type PackedRelease,
} from '../actors/asks/carried-asks.ts';
import type { CarriedDesk } from '../adapters/scanning/carried-desk.ts';
import { scanErrorOf } from '../adapters/scanning/scan-error.ts';
import { concat } from '../base/bytes.ts';
import type { CarriedFault } from '../ports/carried-scans.ts';

export function carriedAnswers(desk: CarriedDesk): UpwardAnswers {
  return {
    [carriedAsks.claim]: async ({ meta }) => ({
      ok: true,
      value: desk.claim(...(meta as PackedClaim)),
    }),
    [carriedAsks.exchange]: async ({ meta, body }) => {
      const [id, isAnswerDue] = meta as PackedExchange;
      try {
        const bytes = await desk.exchange(id, concat(body), isAnswerDue);
        return { ok: true, value: undefined, body: bytes };
      } catch (error) {
        const { fault, message: detail } = scanErrorOf(error);
        return { ok: true, value: { fault, detail } satisfies CarriedFault };
      }
    },
    [carriedAsks.release]: async ({ meta, body }) => {
      const [id, isGood] = meta as PackedRelease;
      await desk.release(id, concat(body), isGood);
      return { ok: true, value: undefined };
    },
  };
}
