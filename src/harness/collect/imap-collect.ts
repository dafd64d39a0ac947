/**
 * Enters what mailboxes hold: marked messages as seen, notices as what they say.
 *
 * Runs in:   ledger.
 * Specs:     RFC 5092 (IMAP URLs: which mailbox it was, for good).
 * Limits:    `connectionsMax` accounts at a time; one message of each in memory.
 * Invariant: what is collected twice counts once: a mailbox, its UIDVALIDITY and a UID name a message for ever.
 */

import type { Clock } from '../../ports/clock.ts';
import { ledgerNowMs } from '../ledger/entries.ts';
import type { LedgerWriter } from '../ledger/ledger-writer.ts';
import { enterNotice, readLetter } from '../ledger/letter.ts';
import type { ConnectionOptions } from '../load/connection.ts';
import { quoted } from '../load/imap/steps.ts';
import { MailboxClient, type MailboxMessage } from './mailbox-client.ts';

export interface CollectedAccount {
  readonly user: string;
  readonly password: string;
  /** Whose mail it holds. */
  readonly address: string;
}

export interface CollectPlan {
  readonly connection: ConnectionOptions;
  readonly accounts: readonly CollectedAccount[];
  /** Names, or `*` for all mailboxes. */
  readonly mailboxes: readonly string[];
  readonly connectionsMax: number;
}

export interface CollectCounts {
  mailboxes: number;
  seen: number;
  /** Notices of what became of a message of the ledger. */
  notices: number;
  unmarked: number;
  /** Longer than what is kept of one: entered as corrupted, for its hash is not that of the whole. */
  cut: number;
  /** What could not be read, each with its reason. */
  readonly faults: string[];
}

const allMailboxes = '*';

export async function collectImap(
  plan: CollectPlan,
  clock: Clock,
  ledger: LedgerWriter,
): Promise<CollectCounts> {
  const counts: CollectCounts = {
    ...{ mailboxes: 0, seen: 0, notices: 0, unmarked: 0, cut: 0 },
    faults: [],
  };
  const waiting = plan.accounts.values();
  const work = async () => {
    for (const account of waiting) {
      try {
        await collectAccount(plan, account, clock, ledger, counts);
      } catch (error) {
        counts.faults.push(`${account.user}: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: plan.connectionsMax }, work));
  return counts;
}

async function collectAccount(
  { connection, mailboxes }: CollectPlan,
  account: CollectedAccount,
  clock: Clock,
  ledger: LedgerWriter,
  counts: CollectCounts,
): Promise<void> {
  const client = await MailboxClient.open(connection, account, clock);
  try {
    const names = mailboxes.includes(allMailboxes) ? await client.list() : mailboxes.map(quoted);
    for (const name of names) {
      const via = `${urlOf(connection, account, name)};UIDVALIDITY=${await client.examine(name)}`;
      await client.fetchAll((message) => enter(message, account, via, ledger, counts));
      counts.mailboxes++;
    }
    await client.logout();
  } finally {
    client.close();
  }
}

function enter(
  { uid, internalMs, bytes, isCut }: MailboxMessage,
  { address }: CollectedAccount,
  via: string,
  ledger: LedgerWriter,
  counts: CollectCounts,
): void {
  const letter = readLetter(bytes);
  if (isCut) counts.cut++;
  if (letter === undefined) {
    counts.unmarked++;
  } else if (letter.kind === 'notice') {
    enterNotice(letter, internalMs || ledgerNowMs(), ledger);
    counts.notices++;
  } else {
    const { id, sha256 } = letter;
    ledger.append('seen', { id, sha256, to: [address], via, uid, atMs: internalMs });
    counts.seen++;
  }
}

function urlOf({ host, port }: ConnectionOptions, { user }: CollectedAccount, name: string) {
  const place = host.includes(':') ? `[${host}]` : host;
  const mailbox = name.replace(/^"(.*)"$/s, '$1').replaceAll(/\\(.)/gs, '$1');
  return `imap://${encodeURIComponent(user)}@${place}:${port}/${encodeURIComponent(mailbox)}`;
}
