/**
 * Tells the edge that a watched mailbox changed: the first change of a quiet one at once, later ones joined.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    one notice a mailbox in `joinMs`; what is remembered of a mailbox lives as long as it is not quiet, and
 *            its last modseq for the `rememberedMax` last told.
 * Invariant: each change of a watched mailbox is followed by a notice with a modseq at or above it.
 */

import { type MailboxChange, mailboxTree } from '../../actors/asks/imap-asks.ts';
import type { Watched } from '../../actors/watched.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { Clock } from '../../ports/clock.ts';
import { modseqsSince, tables } from '../store/keys.ts';
import type { MailboxReader } from './mailbox-reader.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import type { MailboxRow } from './rows/mailbox-row.ts';
import { unpackRanges } from './rows/uid-ranges.ts';

const joinMs = 50;
const rememberedMax = 10_000;

/** More rows than these are not looked through to tell whether all of them are arrivals. */
const rowsMax = 1_000;

/** What those who watch know last: by a notice, or because they opened the mailbox then. */
interface Told {
  readonly modseq: number;
  readonly uidNext: number;
  /** By a notice. */
  readonly isNotice: boolean;
}

export interface ChangeNoticesOptions {
  readonly clock: Clock;
  readonly watched: Watched;
  readonly reader: MailboxReader;
  readonly shard: Pick<MailboxShard, 'range'>;
  readonly notice: (change: MailboxChange) => void;
}

export class ChangeNotices {
  readonly #options: ChangeNoticesOptions;
  /** Mailboxes told of within `joinMs`, and whether they changed since. */
  readonly #joining = new Map<string, boolean>();
  readonly #told = new RecentMap<string, Told>(rememberedMax);

  constructor(options: ChangeNoticesOptions) {
    this.#options = options;
  }

  /**
   * A session reads the mailbox's state and waits for what comes next: the next notice tells from there, so that ten
   * thousand sessions that opened it say EXISTS from the notice alone.
   */
  opened(account: number, mailbox: number): void {
    const key = `${account} ${mailbox}`;
    // A notice is due: those told before stand where that begins.
    if (this.#joining.get(key) === true) return;
    const row = this.#options.reader.mailbox(account, mailbox);
    if (row === undefined || this.#told.get(key)?.modseq === row.highestModseq) return;
    const { highestModseq: modseq, uidNext } = row;
    this.#told.set(key, { modseq, uidNext, isNotice: false });
  }

  /** After the change is journaled. */
  changed(account: number, mailbox: number): void {
    if (!this.#options.watched.has(account)) return;
    const key = `${account} ${mailbox}`;
    if (this.#joining.has(key)) this.#joining.set(key, true);
    else this.#tell(key, account, mailbox);
  }

  #tell(key: string, account: number, mailbox: number): void {
    this.#joining.set(key, false);
    this.#options.clock.setTimer(joinMs, () => {
      const isChanged = this.#joining.get(key) === true;
      this.#joining.delete(key);
      if (isChanged) this.#tell(key, account, mailbox);
    });
    const { reader } = this.#options;
    const isTree = mailbox === mailboxTree;
    const row = isTree ? undefined : reader.mailbox(account, mailbox);
    const { highestModseq = 0, uidNext = 0, messages = 0 } = row ?? {};
    const modseq = isTree ? (reader.account(account)?.modseq ?? 0) : highestModseq;
    const told = this.#told.get(key);
    // What one parcel journaled is told by the first of its decisions that comes here.
    if (told?.isNotice === true && told.modseq === modseq) return;
    this.#told.set(key, { modseq, uidNext, isNotice: true });
    const isKnown = told !== undefined && row !== undefined;
    const isForgotten = told !== undefined && row !== undefined && isBelowFloors(told, row);
    const isArrivalOnly = isKnown && !isForgotten && this.#onlyArrived(account, mailbox, told);
    const fromModseq = told?.modseq ?? 0;
    const change = { account, mailbox, fromModseq, modseq, uidNext, messages, isArrivalOnly };
    this.#options.notice(change);
  }

  /** By the rows, not by who called: what one parcel journaled is seen at once, and told of one by one. */
  #onlyArrived(account: number, mailbox: number, { modseq, uidNext }: Told): boolean {
    const { shard } = this.#options;
    const vanished = modseqsSince(tables.vanished, account, mailbox, modseq);
    if (shard.range({ ...vanished, limit: 1 }).length > 0) return false;
    const changed = modseqsSince(tables.byModseq, account, mailbox, modseq);
    const rows = shard.range({ ...changed, limit: rowsMax });
    // No row at all: something else changed, as an annotation.
    if (rows.length === 0) return false;
    return rows.length < rowsMax && rows.every(({ value }) => unpackRanges(value)[0]! >= uidNext);
  }
}

/** Some rows of what changed since are gone. */
function isBelowFloors({ modseq }: Told, { vanishedFloor, modseqFloor }: MailboxRow): boolean {
  return modseq < vanishedFloor || modseq < modseqFloor;
}
