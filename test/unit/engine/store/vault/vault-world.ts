/** Mailboxes on a real shard with a vault, on a disk and an index in memory whose every byte can be looked through. */

import type { MemoryIndex } from '../../../../../src/adapters/memory/memory-index.ts';
import { nodeClock } from '../../../../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../../../../src/adapters/node/random.ts';
import {
  type AccountId,
  defaultTenant,
  MessageIdSource,
  shardId,
} from '../../../../../src/base/ids.ts';
import { silentLog } from '../../../../../src/base/log.ts';
import type { DeliveryOutcome } from '../../../../../src/engine/mailbox/delivery.ts';
import { Mailboxes } from '../../../../../src/engine/mailbox/mailboxes.ts';
import { Shard } from '../../../../../src/engine/store/shard.ts';
import { Vault } from '../../../../../src/engine/store/vault/vault.ts';
import type { Disk } from '../../../../../src/ports/disk.ts';
import { messageBytes } from '../../mailbox/mailbox-world.ts';

export const sealedAccount = 7 as AccountId;
export const clearAccount = 8 as AccountId;
export const tenant = defaultTenant;
/** What no file of an encrypted account may show. */
export const words = {
  subject: 'Zubrowka subject',
  text: 'quodlibet in the text',
  messageId: 'secret-id@sender.test',
  mailbox: 'Kuckucksuhr',
  keyword: 'mauerblume',
} as const;

/** No read at once is slow by it, however busy the machine is. */
const clock = { ...nodeClock, monotonicMs: () => 0 };
const ids = new MessageIdSource(nodeClock.nowMs, 9);

export function keyOf(account: number, version = 1) {
  return { version, secret: new Uint8Array(32).fill(account * 16 + version) };
}

export function vaultWith(...accounts: readonly number[]): Vault {
  const vault = new Vault();
  for (const account of accounts) vault.admit(account, [keyOf(account)]);
  return vault;
}

export interface OpenWorld {
  readonly mailboxes: Mailboxes;
  readonly shard: Shard;
}

export async function openWorld(
  disk: Disk,
  index: MemoryIndex,
  vault: Vault | undefined,
  segmentBytesMax = 1_000_000,
): Promise<OpenWorld> {
  const mailboxes = new Mailboxes({ clock: nodeClock, keepExpungedMs: 60_000 });
  const shard = await Shard.open({
    id: shardId(0),
    folder: 'shard',
    disk,
    index,
    clock,
    random: nodeRandom,
    log: silentLog,
    kinds: mailboxes.kinds,
    limits: { indexDelayMs: 1, diskFreeBytesMin: 0, reserveBytes: 0, segmentBytesMax },
    ...(vault === undefined ? {} : { vault }),
  });
  mailboxes.start(shard);
  return { mailboxes, shard };
}

export async function deliver(
  mailboxes: Mailboxes,
  account: AccountId,
  text: string = words.text,
): Promise<DeliveryOutcome> {
  const [outcome] = await mailboxes.deliver({
    id: ids.next(),
    tenant,
    sender: 's@x.test',
    receivedMs: nodeClock.nowMs(),
    targets: [{ account, recipient: 'u@a.test' }],
    parts: [messageBytes({ id: words.messageId, subject: words.subject, text })],
  });
  return outcome!;
}

/** A delivery, a mailbox with its subscription, a keyword: all that has words. */
export async function play({ mailboxes }: OpenWorld, account: AccountId): Promise<void> {
  const outcome = await deliver(mailboxes, account);
  if (!outcome.ok) throw new Error(outcome.detail);
  const mailbox = { name: words.mailbox, parent: 0, role: '' as const };
  const made = await mailboxes.createMailbox(account, tenant, mailbox);
  const flags = {
    mailbox: 1,
    uids: [1, 1],
    op: 'add' as const,
    flags: 1,
    keywords: [words.keyword],
  };
  await mailboxes.storeFlags(account, tenant, flags);
  await mailboxes.copy(account, tenant, { mailbox: 1, uids: [1, 1] }, made, false);
}

/** All bytes of a disk's shard and of an index. */
export async function everything(disk: Disk, index: MemoryIndex): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (const folder of ['shard', 'shard/journal']) {
    for (const name of await disk.list(folder)) {
      if (name === 'journal') continue;
      const file = await disk.open(`${folder}/${name}`, 'read');
      parts.push(await file.read(0, await file.size()));
      await file.close();
    }
  }
  for (const { key, value } of index.entries()) parts.push(key, value);
  return Buffer.concat(parts);
}

/** Those of the words that bytes show. */
export function wordsIn(bytes: Buffer): string[] {
  return Object.values(words).filter((word) => bytes.includes(word));
}
