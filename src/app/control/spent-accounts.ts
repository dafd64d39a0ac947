/**
 * Numbers of accounts that shards have mail of: a directory that was set back gives none of them again.
 *
 * Runs in:   main thread.
 * Limits:    each shard is asked once in a process, before the first account is made in it.
 * Invariant: no account is made before all shards said which numbers they know: one that does not answer refuses it.
 */

import { mailboxAsks } from '../../actors/asks/mailbox-asks.ts';
import { type AccountId, shardId } from '../../base/ids.ts';
import { minuteMs } from '../../base/units.ts';
import type { AccountAskParts } from './account-asks.ts';
import type { ControlParts } from './parts.ts';
import { answered, askShard } from './shard-asks.ts';

type SpentParts = AccountAskParts & Pick<ControlParts, 'shards' | 'directory'>;

const known = new WeakMap<object, Promise<number>>();

/** @throws MailError as a shard answers. */
export async function spendStoredNumbers(parts: SpentParts): Promise<void> {
  const asked = known.get(parts.router) ?? highestOf(parts);
  known.set(parts.router, asked);
  try {
    parts.directory.spendNumbers((await asked) as AccountId | 0);
  } catch (error) {
    known.delete(parts.router);
    throw error;
  }
}

async function highestOf(parts: SpentParts): Promise<number> {
  const shards = Array.from({ length: parts.shards }, (_, shard) => shardId(shard));
  const all = shards.map(async (shard) => {
    const wanted = { shard, actor: '', name: mailboxAsks.highest, meta: [], msMax: minuteMs };
    return answered(await askShard(parts, wanted)) as number;
  });
  return Math.max(0, ...(await Promise.all(all)));
}
