/** An ask given to its handler as a parcel would bring it, and its answer as one brings that: whole. */

import type { Answer, Handlers } from '../../src/actors/ask.ts';
import { accountActor } from '../../src/actors/asks/mailbox-asks.ts';
import { concat } from '../../src/base/bytes.ts';
import { type AccountId, shardId } from '../../src/base/ids.ts';

export async function carried(
  handlers: Handlers,
  account: AccountId,
  name: string,
  meta: unknown,
  body: Uint8Array = new Uint8Array(0),
): Promise<Answer> {
  const outcome = handlers[name]!(
    {
      ...{ shard: shardId(0), actor: accountActor(account), name, key: '' },
      ...{ class: 'short', lane: 'normal', deadlineMs: 0, meta, body },
    },
    { isFull: false },
  );
  const answer = 'pending' in outcome ? await outcome.pending : await outcome;
  if (!answer.ok || answer.rest === undefined) return answer;
  const { rest, ...arrived } = answer;
  return { ...arrived, body: concat([answer.body!, ...rest]) };
}
