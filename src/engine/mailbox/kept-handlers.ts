/**
 * Answers asks about messages that were expunged not long ago.
 *
 * Runs in:   engine threads.
 * Invariant: none holds its parcel: each may read bodies or write many records.
 */

import type { Answer, ArrivedAsk, Handlers } from '../../actors/ask.ts';
import { mailboxAsks } from '../../actors/asks/mailbox-asks.ts';
import { failure, failureOf } from '../../base/errors.ts';
import type { AccountId, TenantId } from '../../base/ids.ts';
import type { KeptMessages } from './kept.ts';

type Work = (kept: KeptMessages, ask: ArrivedAsk) => Promise<unknown>;

export function keptHandlers(keptOf: (ask: ArrivedAsk) => KeptMessages | undefined): Handlers {
  const answered = async (work: Work, ask: ArrivedAsk): Promise<Answer> => {
    const kept = keptOf(ask);
    if (kept === undefined) {
      return failure('not-possible-now', `shard ${ask.shard} is not open here`);
    }
    try {
      return { ok: true, value: await work(kept, ask) };
    } catch (error) {
      return failureOf(error);
    }
  };
  const handler = (work: Work) => (ask: ArrivedAsk) => ({ pending: answered(work, ask) });
  return {
    [mailboxAsks.kept]: handler(async (kept, ask) => {
      const [account, path, untilMs, modseq] = ask.meta as readonly [
        number,
        string,
        number,
        number,
      ];
      const after = untilMs === 0 ? undefined : { untilMs, modseq };
      return await kept.list(account, path === '' ? undefined : path, after);
    }),
    [mailboxAsks.restore]: handler(async (kept, ask) => {
      type Packed = readonly [AccountId, TenantId, string, readonly number[]];
      const [account, tenant, to, documents] = ask.meta as Packed;
      return await kept.restore({ account, tenant }, documents, to === '' ? undefined : to);
    }),
    [mailboxAsks.purge]: handler(async (kept, ask) => {
      const [account, tenant] = ask.meta as readonly [AccountId, TenantId];
      return await kept.purge({ account, tenant });
    }),
  };
}
