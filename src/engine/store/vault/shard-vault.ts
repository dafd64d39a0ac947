/**
 * What a shard's vault puts between the shard's parts: around its index, its appends, its bodies.
 *
 * Runs in:   the engine thread that owns the shard.
 * Invariant: a shard without a vault is made of the same parts as before there were vaults.
 */

import { MailError } from '../../../base/errors.ts';
import type { IndexChange, ShardIndex } from '../../../ports/shard-index.ts';
import type { Applier } from '../applier.ts';
import type { GroupCommit } from '../group-commit.ts';
import type { Journal } from '../journal/journal.ts';
import { accountOf, accountRange, tables } from '../keys.ts';
import type { RecordDraft, RecordPlace } from '../record.ts';
import type { ShardOptions } from '../shard-options.ts';
import type { SealingBody } from '../side/body-writer.ts';
import { sideSaltBytes } from '../side/sealed-side.ts';
import { Nonces } from './sealed-bytes.ts';
import { isSealedRow, SealedIndex } from './sealed-index.ts';
import { Sealing } from './sealing.ts';
import type { Vault } from './vault.ts';

/** The index as the shard's parts see it: rows of encrypted accounts are opened on the way. */
export function vaultIndex({ index, vault, random }: ShardOptions): ShardIndex {
  return vault === undefined ? index : new SealedIndex(index, vault, new Nonces(random));
}

/** The sealing of records; the applier opens by it what it is given. */
export function sealingOf(
  { vault, id, log }: ShardOptions,
  applier: Applier,
  journal: Journal,
): Sealing | undefined {
  if (vault === undefined) return undefined;
  const sealing = new Sealing({
    vault,
    shard: id,
    kindOf: (type) => applier.kindOf(type),
    onDamage: ({ place: { segment, offset, sequence }, type }) => {
      const reason = 'a sealed record is not what was sealed for its place';
      if (journal.damage.some((one) => one.segment === segment && one.offset === offset)) return;
      const hit = [{ segment, offset, sequence, type, meta: undefined }];
      journal.damage.push({ segment, offset, reason, hit });
      log.error({ segment, offset, sequence }, reason);
    },
  });
  applier.sealing = sealing;
  return sealing;
}

/** For the opening: rows of a checkpoint go into the index as they are stored, for a key may be missing. */
export function storedRows(options: ShardOptions, index: ShardIndex) {
  const { vault, onChanges } = options;
  if (vault === undefined || !(index instanceof SealedIndex)) return {};
  const loadRows = async (rows: readonly IndexChange[]) => {
    await index.commitStored(rows);
    onChanges?.(rows);
  };
  return { vault, loadRows, missUnkeyed: () => missUnkeyed(options, vault) };
}

/** Accounts with sealed rows whose key files are gone go without their keys: they must not pass for clear ones. */
function missUnkeyed({ index, log }: ShardOptions, vault: Vault): void {
  const from = Uint8Array.of(tables.account);
  const to = Uint8Array.of(tables.account + 1);
  const unkeyed: number[] = [];
  index.each(from, to, (key) => {
    const account = accountOf(key)!;
    if (!vault.isEncrypted(account)) unkeyed.push(account);
    return true;
  });
  for (const account of unkeyed) {
    // Its first mailbox is as old as its row, and is never deleted.
    const [row] = index.range({ ...accountRange(tables.mailbox, account), limit: 1 });
    if (row === undefined || !isSealedRow(row.value)) continue;
    vault.miss(account);
    log.error({ account }, 'the key file of an account is gone: put the folder of keys back');
  }
}

/** Rejects where the key of an account cannot be had now: nothing of it is written then. */
export function appendKeyed(
  sealing: Sealing | undefined,
  group: GroupCommit,
  drafts: readonly RecordDraft[],
  isLazy: boolean,
  readOnlyReason?: string,
): Promise<readonly RecordPlace[]> {
  if (readOnlyReason !== undefined) {
    return Promise.reject(new MailError('store-read-only', readOnlyReason));
  }
  if (sealing === undefined) return group.append(drafts, isLazy);
  let keyed: readonly RecordDraft[];
  try {
    keyed = sealing.keyed(drafts);
  } catch (error) {
    return Promise.reject(error);
  }
  return group.append(keyed, isLazy);
}

/** @throws MailError where the account's key cannot be had now */
export function bodySeal(
  { vault, random }: ShardOptions,
  account: number | undefined,
  readOnlyReason: string | undefined,
): SealingBody | undefined {
  if (readOnlyReason !== undefined) throw new MailError('store-read-only', readOnlyReason);
  if (account === undefined || vault?.isUsed !== true) return undefined;
  const key = vault.newest(account);
  return key === undefined ? undefined : { key, salt: random.bytes(sideSaltBytes) };
}
