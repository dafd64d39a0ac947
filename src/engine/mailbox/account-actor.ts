/**
 * One account's actor: decides UIDs, modseqs, documents and threads before a record is written.
 *
 * Runs in:   the engine thread that owns the account's shard.
 * Limits:    what is decided and not journaled yet is bounded by the shard's `waitingBytesMax`.
 * Invariant: a number given once is never given again in this thread, whether its record was written or not: a
 *            failed append may be on disk. A number skipped harms nothing.
 */

import { assert } from '../../base/assert.ts';
import { MailError } from '../../base/errors.ts';
import type { TenantId } from '../../base/ids.ts';
import { accountKey, mailboxKey, messageIdHashBytes } from '../store/keys.ts';
import type { RecordDraft } from '../store/record.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import { accountCreatedDraft, type NewMailbox } from './records.ts';
import { type AccountRow, decodeAccount, deletedAccount } from './rows/account-row.ts';
import { decodeMailbox, type MailboxRow, roles } from './rows/mailbox-row.ts';
import type { PendingThreads, ThreadIds } from './thread-finder.ts';
import { findThread, notePending } from './thread-finder.ts';

export const inboxMailbox = 1;

/** What every account starts with (RFC 6154 names the roles). */
const firstMailboxes: readonly NewMailbox[] = [
  { name: 'INBOX', parent: 0, role: roles.indexOf('inbox') },
  { name: 'Drafts', parent: 0, role: roles.indexOf('drafts') },
  { name: 'Sent', parent: 0, role: roles.indexOf('sent') },
  { name: 'Junk', parent: 0, role: roles.indexOf('junk') },
  { name: 'Trash', parent: 0, role: roles.indexOf('trash') },
  { name: 'Archive', parent: 0, role: roles.indexOf('archive') },
];

/** What an account may hold; 0 is no limit. */
export interface Quota {
  readonly bytes: number;
  readonly messages: number;
}

export const noQuota: Quota = { bytes: 0, messages: 0 };

export interface DeliveredCopy {
  readonly mailbox: number;
  readonly uid: number;
  readonly document: number;
}

export interface DeliveryUnderWay {
  /** Once it is decided. */
  copy: DeliveredCopy;
  /** Settles with the append. */
  readonly done: Promise<unknown>;
}

export class AccountActor {
  readonly account: number;
  readonly tenant: TenantId;
  /** Deliveries under way, by delivery key: a repeat gets the same outcome. */
  readonly deliveries = new Map<string, DeliveryUnderWay>();
  readonly #shard: MailboxShard;
  readonly #uidNext = new Map<number, number>();
  /** Mailboxes whose end is decided and not journaled yet. */
  readonly #ending = new Set<number>();
  readonly #pendingThreads: PendingThreads = new Map();
  readonly #pending = new Set<Promise<unknown>>();
  #pendingBytes = 0;
  #pendingMessages = 0;
  #modseq: number;
  #documentNext: number;
  #threadNext: number;
  #mailboxNext: number;
  #quota: Quota = noQuota;
  #pendingBeside = 0;
  #waitingAlone = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(shard: MailboxShard, account: number, tenant: TenantId) {
    this.#shard = shard;
    this.account = account;
    this.tenant = tenant;
    const row = this.row();
    this.#modseq = row?.modseq ?? 0;
    this.#documentNext = row?.documentNext ?? 1;
    this.#threadNext = row?.threadNext ?? 1;
    this.#mailboxNext = row?.mailboxNext ?? 1;
  }

  /** As journaled. */
  row(): AccountRow | undefined {
    const value = this.#shard.get(accountKey(this.account));
    return value === undefined ? undefined : decodeAccount(value);
  }

  mailbox(mailbox: number): MailboxRow | undefined {
    const value = this.#shard.get(mailboxKey(this.account, mailbox));
    return value === undefined ? undefined : decodeMailbox(value);
  }

  /** Whether something is decided and not journaled, or waits to be decided. */
  get isBusy(): boolean {
    return this.#pending.size > 0 || this.#waitingAlone > 0 || this.deliveries.size > 0;
  }

  /** Decisions made beside others that are not journaled yet. */
  get besideCount(): number {
    return this.#pendingBeside;
  }

  /**
   * The record that makes the account; undefined once it is journaled. Until then every decision brings it along:
   * the append of the one before may fail, and applying it twice changes nothing.
   * @throws MailError `account-missing` when it was deleted
   */
  creation(
    nowMs: number,
    quota: Quota,
    row: AccountRow | undefined = this.row(),
  ): RecordDraft | undefined {
    if (row?.mailboxNext === deletedAccount) throw new MailError('account-missing', 'deleted');
    if (row !== undefined) return undefined;
    this.#quota = quota;
    this.#mailboxNext = Math.max(this.#mailboxNext, firstMailboxes.length + 1);
    return accountCreatedDraft(this.tenant, {
      account: this.account,
      modseq: this.nextModseq(),
      uidValidity: uidValidityOf(nowMs),
      quotaBytes: quota.bytes,
      quotaMessages: quota.messages,
      mailboxes: firstMailboxes,
    });
  }

  nextModseq(): number {
    return ++this.#modseq;
  }

  nextDocument(): number {
    mustFit(this.#documentNext, 'documents');
    return this.#documentNext++;
  }

  nextMailbox(): number {
    return this.#mailboxNext++;
  }

  /** Until `ended` nothing is put into the mailbox: its record would come after the one that deletes it. */
  ending(mailbox: number): void {
    this.#ending.add(mailbox);
  }

  ended(mailbox: number): void {
    this.#ending.delete(mailbox);
  }

  /** The first of `count` new UIDs. @throws MailError `not-found` */
  nextUid(mailbox: number, count = 1): number {
    if (this.#ending.has(mailbox)) throw new MailError('not-found', `mailbox ${mailbox} ends`);
    let first = this.#uidNext.get(mailbox) ?? this.mailbox(mailbox)?.uidNext;
    // The mailboxes of an account whose creation is under way have no rows yet.
    if (first === undefined && mailbox <= firstMailboxes.length && this.row() === undefined) {
      first = 1;
    }
    if (first === undefined) throw new MailError('not-found', `mailbox ${mailbox}`);
    mustFit(first + count, 'UIDs');
    this.#uidNext.set(mailbox, first + count);
    return first;
  }

  /** Joins a conversation or opens one. */
  thread(ids: ThreadIds): number {
    const found = findThread(this.#shard, this.account, ids, this.#pendingThreads);
    const thread = found ?? this.#threadNext++;
    if (ids.hashes.length >= messageIdHashBytes) notePending(this.#pendingThreads, ids, thread);
    return thread;
  }

  /** For so many new messages. @throws MailError `account-over-quota` */
  claimRoom(bytes: number, row: AccountRow | undefined, messages = 1): void {
    const roomBytes = this.roomBytes(row);
    const roomMessages = this.roomMessages(row);
    if (messages > roomMessages) {
      throw new MailError('account-over-quota', `room for ${roomMessages} messages is left`);
    }
    if (bytes > roomBytes) {
      throw new MailError('account-over-quota', `${roomBytes} bytes left, ${bytes} needed`);
    }
  }

  /** What the quota leaves, decisions under way counted; infinite without one. */
  roomBytes(row: AccountRow | undefined): number {
    const quotaBytes = row?.quotaBytes ?? this.#quota.bytes;
    if (quotaBytes === 0) return Number.POSITIVE_INFINITY;
    return Math.max(0, quotaBytes - (row?.bytes ?? 0) - this.#pendingBytes);
  }

  /** As `roomBytes`, in messages. */
  roomMessages(row: AccountRow | undefined): number {
    const quotaMessages = row?.quotaMessages ?? this.#quota.messages;
    if (quotaMessages === 0) return Number.POSITIVE_INFINITY;
    return Math.max(0, quotaMessages - (row?.documents ?? 0) - this.#pendingMessages);
  }

  /** Counts a decision as pending until its append settled: so many bytes in so many new messages. */
  track(settled: Promise<unknown>, bytes: number, messages = bytes > 0 ? 1 : 0): void {
    this.#pendingBytes += bytes;
    this.#pendingMessages += messages;
    const done: Promise<void> = settled.then(
      () => this.#settle(done, bytes, messages),
      () => this.#settle(done, bytes, messages),
    );
    this.#pending.add(done);
  }

  /** Runs `work` at once, beside new messages and what else runs so; after all other work, where there is any. */
  async beside<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waitingAlone > 0) return this.alone(work);
    this.#pendingBeside++;
    try {
      return await work();
    } finally {
      this.#pendingBeside--;
    }
  }

  /** Runs `work` after what is decided now is journaled, and after the work before it. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    this.#waitingAlone++;
    const run = this.#last.then(async () => {
      try {
        if (this.#pending.size > 0) await Promise.all(this.#pending);
        return await work();
      } finally {
        this.#waitingAlone--;
      }
    });
    this.#last = run.catch(() => {});
    return run;
  }

  #settle(done: Promise<unknown>, bytes: number, messages: number): void {
    this.#pendingBytes -= bytes;
    this.#pendingMessages -= messages;
    assert(
      this.#pendingBytes >= 0 && this.#pendingMessages >= 0,
      'no more room given back than claimed',
    );
    this.#pending.delete(done);
    if (this.#pendingMessages === 0) this.#pendingThreads.clear();
  }
}

/** RFC 9051 §2.3.1.1: 32 bits, and none is used twice: a mailbox that used them up takes no more. */
function mustFit(number: number, what: string): void {
  if (number > 0xffff_ffff) throw new MailError('not-possible-now', `no ${what} left`);
}

/** RFC 9051 §2.3.1.1: seconds rise with every new mailbox of a name. */
export function uidValidityOf(nowMs: number): number {
  return Math.max(1, Math.floor(nowMs / 1_000)) % 0xffff_ffff;
}
