/**
 * Answers asks about accounts' quarantines.
 *
 * Runs in:   engine threads.
 * Invariant: none holds its parcel: each may read bodies or write records.
 */

import type { Answer, ArrivedAsk, Handlers } from '../../../actors/ask.ts';
import {
  type HeldText,
  type PackedHeldIds,
  type PackedHeldList,
  type PackedOwnLevels,
  quarantineAsks,
} from '../../../actors/asks/quarantine-asks.ts';
import { failure, failureOf } from '../../../base/errors.ts';
import type { AccountId, TenantId } from '../../../base/ids.ts';
import type { Quarantine } from './quarantine.ts';

type Work = (quarantine: Quarantine, ask: ArrivedAsk) => Promise<Answer>;

export function quarantineHandlers(
  quarantineOf: (ask: ArrivedAsk) => Quarantine | undefined,
): Handlers {
  const answered = async (work: Work, ask: ArrivedAsk): Promise<Answer> => {
    const quarantine = quarantineOf(ask);
    if (quarantine === undefined) {
      return failure('not-possible-now', `shard ${ask.shard} is not open here`);
    }
    try {
      return await work(quarantine, ask);
    } catch (error) {
      return failureOf(error);
    }
  };
  const handler = (work: Work) => (ask: ArrivedAsk) => ({ pending: answered(work, ask) });
  return {
    [quarantineAsks.list]: handler(async (quarantine, { meta }) =>
      value(await quarantine.list(meta as PackedHeldList)),
    ),
    [quarantineAsks.text]: handler(async (quarantine, { meta }) => {
      const { bytes, text } = await quarantine.text(...(meta as readonly [number, number]));
      return { ok: true, value: { bytes } satisfies HeldText, body: text };
    }),
    [quarantineAsks.release]: handler(async (quarantine, { meta }) =>
      value(await quarantine.release(meta as PackedHeldIds)),
    ),
    [quarantineAsks.remove]: handler(async (quarantine, { meta }) =>
      value(await quarantine.remove(meta as PackedHeldIds)),
    ),
    [quarantineAsks.due]: handler(async (quarantine, { meta }) =>
      value(quarantine.due(...(meta as readonly [number]))),
    ),
    [quarantineAsks.levels]: handler(async (quarantine, { meta }) =>
      value(quarantine.levels(...(meta as readonly [number]))),
    ),
    [quarantineAsks.setLevels]: handler(async (quarantine, { meta }) =>
      value(await quarantine.setLevels(meta as PackedOwnLevels)),
    ),
    [quarantineAsks.taught]: handler(async (quarantine, { meta }) =>
      value(quarantine.taught(...(meta as readonly [number]))),
    ),
    [quarantineAsks.forget]: handler(async (quarantine, { meta }) => {
      const [account, tenant] = meta as readonly [AccountId, TenantId];
      return value(await quarantine.forget({ account, tenant }));
    }),
    [quarantineAsks.tenantTaught]: handler(async (quarantine, { meta }) =>
      value(await quarantine.tenantTaught(...(meta as readonly [TenantId]))),
    ),
    [quarantineAsks.forgetTenant]: handler(async (quarantine, { meta }) =>
      value(await quarantine.forgetTenant(...(meta as readonly [TenantId]))),
    ),
    [quarantineAsks.telling]: handler(async (quarantine, { meta }) =>
      value(await quarantine.telling(...(meta as readonly [AccountId, TenantId, number, number]))),
    ),
    [quarantineAsks.told]: handler(async (quarantine, { meta }) => {
      await quarantine.told(...(meta as readonly [AccountId, TenantId, number]));
      return value(undefined);
    }),
  };
}

function value(of: unknown): Answer {
  return { ok: true, value: of };
}
