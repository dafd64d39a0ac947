/**
 * Brings notices of changed mailboxes to the sessions that watch them.
 *
 * Runs in:   edge (main thread).
 * Limits:    `turnWatchersMax` watchers are called in one turn of the loop.
 * Invariant: an account's bit in the shared words is set while anybody watches one of its mailboxes.
 */

import { type MailboxChange, mailboxTree } from '../../actors/asks/imap-asks.ts';
import type { Watchers } from '../../actors/watched.ts';
import { RecentClaims } from './recent-claims.ts';

const turnWatchersMax = 500;

/** In place of a mailbox's number: all of the account, its list of mailboxes too. */
export const anyMailbox = mailboxTree;

export interface MailboxWatcher {
  changed(change: MailboxChange): void;
}

export class NoticeHub {
  readonly recent = new RecentClaims();
  readonly #watchers: Watchers;
  /** By account and mailbox. */
  readonly #mailboxes = new Map<string, Set<MailboxWatcher>>();

  constructor(watchers: Watchers) {
    this.#watchers = watchers;
  }

  /** To be called before the watcher reads the state it starts from. */
  watch(account: number, mailbox: number, watcher: MailboxWatcher): void {
    const key = keyOf(account, mailbox);
    const known = this.#mailboxes.get(key);
    if (known !== undefined) {
      known.add(watcher);
      return;
    }
    this.#mailboxes.set(key, new Set([watcher]));
    this.#watchers.add(account);
  }

  unwatch(account: number, mailbox: number, watcher: MailboxWatcher): void {
    const key = keyOf(account, mailbox);
    const known = this.#mailboxes.get(key);
    if (known?.delete(watcher) !== true || known.size > 0) return;
    this.#mailboxes.delete(key);
    this.#watchers.remove(account);
  }

  /** A notice of an engine thread. */
  tell(change: MailboxChange): void {
    const { account, mailbox } = change;
    if (mailbox !== anyMailbox) this.#tellAll(this.#mailboxes.get(keyOf(account, mailbox)), change);
    this.#tellAll(this.#mailboxes.get(keyOf(account, anyMailbox)), change);
  }

  #tellAll(watchers: ReadonlySet<MailboxWatcher> | undefined, change: MailboxChange): void {
    if (watchers === undefined) return;
    if (watchers.size > turnWatchersMax) this.#tellSome([...watchers], 0, change);
    else for (const watcher of watchers) watcher.changed(change);
  }

  #tellSome(watchers: readonly MailboxWatcher[], from: number, change: MailboxChange): void {
    const end = Math.min(watchers.length, from + turnWatchersMax);
    for (let i = from; i < end; i++) watchers[i]!.changed(change);
    if (end < watchers.length) setImmediate(() => this.#tellSome(watchers, end, change));
  }
}

function keyOf(account: number, mailbox: number): string {
  return `${account} ${mailbox}`;
}
