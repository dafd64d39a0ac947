/**
 * Answers asks about the keys of encrypted accounts.
 *
 * Runs in:   engine threads.
 * Invariant: an account becomes encrypted before it has a row, and stays so. Its keys are destroyed once its deletion
 *            stands in journal and index: what a crash leaves of that is done when its shard opens again.
 */

import type { Answer, ArrivedAsk, Handlers } from '../actors/ask.ts';
import { mailboxAsks } from '../actors/asks/mailbox-asks.ts';
import { failure, failureOf } from '../base/errors.ts';
import type { AccountId } from '../base/ids.ts';
import { decodeAccount, deletedAccount } from './mailbox/rows/account-row.ts';
import type { OpenShard } from './shards.ts';
import { accountKey } from './store/keys.ts';
import { transitAccount } from './store/vault/vault.ts';

export type KeyShard = Pick<OpenShard, 'keys' | 'mailboxes' | 'store'>;

export function keyHandlers(shardOf: (ask: ArrivedAsk) => KeyShard | undefined): Handlers {
  const handler = (work: (shard: KeyShard, ask: ArrivedAsk) => Promise<Answer>) => {
    return (ask: ArrivedAsk) => {
      const shard = shardOf(ask);
      if (shard === undefined) return failure('not-possible-now', `shard ${ask.shard} is not open`);
      return { pending: work(shard, ask).catch((error: unknown) => failureOf(error)) };
    };
  };
  return {
    [mailboxAsks.encrypt]: handler(encrypt),
    [mailboxAsks.rekey]: handler(rekey),
    [mailboxAsks.tryKey]: handler(tryKey),
  };
}

async function tryKey({ keys }: KeyShard, ask: ArrivedAsk): Promise<Answer> {
  const [reference] = ask.meta as readonly [string];
  try {
    await keys.try(reference);
  } catch (error) {
    return failure('not-possible-now', `${reference}: ${(error as Error).message}`);
  }
  return { ok: true, value: undefined };
}

async function encrypt({ keys, store }: KeyShard, ask: ArrivedAsk): Promise<Answer> {
  const [account, reference] = ask.meta as readonly [AccountId, string];
  // What has a row is encrypted or clear for good.
  if (store.get(accountKey(account)) !== undefined) return { ok: true, value: undefined };
  if (store.vault?.isEncrypted(transitAccount) !== true) {
    return failure('not-possible-now', 'store.transitKey is not set');
  }
  await keys.create(account, reference);
  return { ok: true, value: undefined };
}

async function rekey({ keys, store }: KeyShard, ask: ArrivedAsk): Promise<Answer> {
  const [account, reference, isRotated] = ask.meta as readonly [AccountId, string, boolean];
  if (store.vault?.isEncrypted(account) !== true) return { ok: true, value: false };
  await keys.rewrap(account, reference);
  if (isRotated) await keys.rotate(account);
  return { ok: true, value: true };
}

/** Destroys the keys of an account that was deleted. */
export async function shredDeleted({ keys, store }: KeyShard, account: AccountId): Promise<void> {
  if (store.vault?.isEncrypted(account) !== true) return;
  // Its rows go by what they name: once the key is gone, nobody knows what that was.
  await store.writer.commitNow();
  await keys.shred(account);
}

/** As `shredDeleted`, of those whose deletion a crash cut short. */
export async function shredLeftOver(shard: KeyShard): Promise<void> {
  for (const account of shard.store.vault?.accounts() ?? []) {
    const row = shard.store.get(accountKey(account));
    const isDeleted = row !== undefined && decodeAccount(row).mailboxNext === deletedAccount;
    if (isDeleted) await shredDeleted(shard, account as AccountId);
  }
}
