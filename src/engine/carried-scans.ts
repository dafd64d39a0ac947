/**
 * What scanners of an engine thread need besides clock, metrics and DNS: the server's own, and the way to conversations
 * that the main thread has open.
 *
 * Runs in:   engine threads. Implements `ports/carried-scans.ts`.
 */

import type { AskUpwards } from '../actors/ask.ts';
import {
  carriedAsks,
  type PackedClaim,
  type PackedExchange,
  type PackedRelease,
} from '../actors/asks/carried-asks.ts';
import { noShard, systemAsk } from '../actors/asks/system.ts';
import { emptyBytes } from '../base/bytes.ts';
import { ownScanners } from '../mail/trust/own-scanners.ts';
import type {
  CarriedFault,
  CarriedKnown,
  CarriedScans,
  ClaimedConversation,
} from '../ports/carried-scans.ts';

interface Upwards {
  readonly ask: AskUpwards;
}

export function scannerNeeds(uplink: Upwards) {
  return { ...ownScanners, carried: carriedScans(uplink) };
}

function carriedScans(uplink: Upwards): CarriedScans {
  return {
    async claim(id, msMax) {
      const ask = systemAsk(carriedAsks.claim, noShard, [id, msMax] satisfies PackedClaim);
      const answer = await uplink.ask(ask);
      const known = answer.ok ? (answer.value as CarriedKnown | undefined) : undefined;
      return known === undefined ? undefined : new Claimed(uplink, id, known);
    },
  };
}

class Claimed implements ClaimedConversation {
  readonly known: CarriedKnown;
  readonly #uplink: Upwards;
  readonly #id: number;

  constructor(uplink: Upwards, id: number, known: CarriedKnown) {
    this.#uplink = uplink;
    this.#id = id;
    this.known = known;
  }

  async exchange(parts: readonly Uint8Array[], isAnswerDue: boolean) {
    const meta: PackedExchange = [this.#id, isAnswerDue];
    const ask = systemAsk(carriedAsks.exchange, noShard, meta);
    const answer = await this.#uplink.ask({ ...ask, body: parts });
    // Too much is under way, or the server is going down.
    if (!answer.ok) return { fault: 'busy', detail: answer.detail } satisfies CarriedFault;
    const fault = answer.value as CarriedFault | undefined;
    return fault ?? { bytes: answer.body ?? emptyBytes };
  }

  async release(parts: readonly Uint8Array[], isGood: boolean): Promise<void> {
    const meta: PackedRelease = [this.#id, isGood];
    const ask = systemAsk(carriedAsks.release, noShard, meta);
    // Where it does not get there, its time ends it.
    await this.#uplink.ask({ ...ask, body: parts });
  }
}
