/**
 * A client that asked for events: told of changes anywhere in its account, between commands and while it idles.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5465 (NOTIFY).
 * Limits:    `notifiedMailboxesMax` mailboxes are watched; past them the client is told so and hears nothing more. One
 *            look at a time; above `askedAloneMax` changed mailboxes all are asked for at once.
 * Invariant: nothing is told within a command's responses: a literal may be under way.
 */

import { type ImapList, imapAsks, type MailboxChange } from '../../../actors/asks/imap-asks.ts';
import { type MailboxInfo, mailboxAsks } from '../../../actors/asks/mailbox-asks.ts';
import {
  type EventGroup,
  isOfSelected,
  type NotifyCommand,
  notifyEvents,
} from '../../../mail/wire/imap/parse-notify.ts';
import { writeList, writeStatusData } from '../../../mail/wire/imap/response-data.ts';
import { untagged, writeStatus } from '../../../mail/wire/imap/response-status.ts';
import { anyMailbox, type MailboxWatcher } from '../../notices/hub.ts';
import { ownerOf } from './account-asks.ts';
import type { CommandSession } from './command.ts';
import { packItems } from './commands/fetch.ts';
import { fetchAll } from './commands/fetch-windows.ts';
import { type NotifiedChange, NotifiedMailboxes } from './notified-mailboxes.ts';
import { ownSelected, type SelectedMailbox } from './selected.ts';
import { tellChanges } from './telling.ts';

const askedAloneMax = 8;

/** What the session is told, as far as NOTIFY is a part of it. */
export interface NotifiedNews {
  readonly isIdling: boolean;
  /** There is something to tell: `tell` is called once no command runs. */
  notifySoon(): void;
  /** The mailbox that was selected is gone. */
  mailboxGone(): void;
}

export class Notifying implements MailboxWatcher {
  readonly #session: CommandSession;
  readonly #news: NotifiedNews;
  readonly #selected: EventGroup | undefined;
  /** Absent while they are asked for, and where nothing but the selected mailbox is watched. */
  #mailboxes: NotifiedMailboxes | undefined;
  readonly #changed = new Set<number>();
  #isTreeChanged = false;
  #isDue = false;
  #isOver = false;

  private constructor(
    session: CommandSession,
    news: NotifiedNews,
    selected: EventGroup | undefined,
  ) {
    this.#session = session;
    this.#news = news;
    this.#selected = selected;
  }

  /** `overflow`: there are more mailboxes than can be watched. */
  static async begin(
    session: CommandSession,
    news: NotifiedNews,
    { groups, isStatus }: NotifyCommand,
  ): Promise<Notifying | 'overflow' | 'failed'> {
    const { service, account } = session;
    const notifying = new Notifying(session, news, groups.find(isOfSelected));
    if (groups.every((group) => isOfSelected(group) || group.events === 0)) return notifying;
    // Watched before it is read, so that a change after the reading is told.
    service.notices.watch(account!.id, anyMailbox, notifying);
    const answer = await session.ask(imapAsks.list, ownerOf(account!));
    const mailboxes = answer.ok && new NotifiedMailboxes(groups, answer.value as ImapList);
    const isTooMuch =
      mailboxes !== false && mailboxes.count > service.policy.limits.notifiedMailboxesMax;
    if (mailboxes === false || isTooMuch) {
      service.notices.unwatch(account!.id, anyMailbox, notifying);
      return isTooMuch ? 'overflow' : 'failed';
    }
    notifying.#mailboxes = mailboxes;
    if (isStatus) notifying.#write(mailboxes.states(ownSelected(session)));
    return notifying;
  }

  get isDue(): boolean {
    return this.#isDue && !this.#isOver;
  }

  /** The selected mailbox changed. */
  selectedChanged(): void {
    this.#isDue = true;
  }

  /** A notice of any mailbox of the account. */
  changed({ mailbox }: MailboxChange): void {
    if (this.#isOver) return;
    if (mailbox !== anyMailbox && mailbox === ownSelected(this.#session)) return;
    if (mailbox === anyMailbox || this.#mailboxes === undefined) this.#isTreeChanged = true;
    else if (this.#mailboxes.isWatched(mailbox)) this.#changed.add(mailbox);
    else return;
    this.#isDue = true;
    this.#news.notifySoon();
  }

  /** A notice may be lost with its thread: looks at all. */
  quiet(): void {
    this.#isTreeChanged = true;
    this.#isDue = true;
  }

  /** Tells what there is. */
  async tell(): Promise<void> {
    // Not asked for again by what is left: where the engine refuses to look, it would be asked without end.
    this.#isDue = false;
    await this.#tellSelected();
    if (this.#isOver || this.#mailboxes === undefined) return;
    if (this.#isTreeChanged || this.#changed.size > askedAloneMax) await this.#tellAll();
    else await this.#tellSome();
  }

  /** NOTIFY was said anew, or the session ends. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { service, account } = this.#session;
    if (this.#mailboxes === undefined || account === undefined) return;
    service.notices.unwatch(account.id, anyMailbox, this);
  }

  async #tellSelected(): Promise<void> {
    const session = this.#session;
    const { selected } = session;
    const group = this.#selected;
    if (selected?.isStale !== true || group === undefined || group.events === 0) return;
    const { filter, events } = group;
    const { uidNext } = selected;
    // RFC 5465 §6.1: delayed, expunges are told when a command allows it, as IDLE does.
    const told = {
      mayExpunge: filter === 'SELECTED' || this.#news.isIdling,
      tellsFlags: (events & notifyEvents.flagChange) !== 0,
    };
    if (!(await tellChanges(session, told))) return this.#news.mailboxGone();
    await this.tellNew(selected, uidNext);
  }

  /** RFC 5465 §5.2: what is wanted of each message that was told since `uidNext` was the next. */
  async tellNew(selected: SelectedMailbox, uidNext: number): Promise<void> {
    const session = this.#session;
    const fetch = this.#isOver ? [] : (this.#selected?.fetch ?? []);
    if (session.selected !== selected || session.isEnded) return;
    if (fetch.length === 0 || selected.uidNext <= uidNext) return;
    const { bits: items, sections } = packItems(fetch)!;
    const set = [uidNext, selected.uidNext - 1];
    const asked = { set, isUids: true, items, sections, marksSeen: false, changedSince: -1 };
    await fetchAll(session, asked);
  }

  async #tellSome(): Promise<void> {
    const session = this.#session;
    const { service, account } = session;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const mailbox of changed) {
      const answer = await service.asks.ask(account!, mailboxAsks.status, [account!.id, mailbox]);
      if (this.#isOver) return;
      if (!answer.ok) {
        this.#isTreeChanged = true;
        continue;
      }
      const info = answer.value as MailboxInfo;
      if (mailbox === ownSelected(session)) continue;
      this.#write(this.#mailboxes!.counted(info, session.isCondstore));
    }
  }

  async #tellAll(): Promise<void> {
    const session = this.#session;
    this.#isTreeChanged = false;
    this.#changed.clear();
    const answer = await session.ask(imapAsks.list, ownerOf(session.account!));
    if (this.#isOver) return;
    if (!answer.ok) {
      this.#isTreeChanged = true;
      return;
    }
    const list = answer.value as ImapList;
    if (list.mailboxes.length > session.service.policy.limits.notifiedMailboxesMax) {
      this.#overflow();
      return;
    }
    const selected = ownSelected(session);
    this.#write(this.#mailboxes!.listed(list, selected, session.isCondstore));
  }

  /** RFC 5465 §5.8: from here on nothing is told, as after NOTIFY NONE. */
  #overflow(): void {
    const text = 'Too many mailboxes to watch';
    this.#session.respond((writer) => {
      writeStatus(writer, untagged, 'OK', 'NOTIFICATIONOVERFLOW', text);
    });
    this.end();
  }

  #write(changes: readonly NotifiedChange[]): void {
    if (changes.length === 0) return;
    this.#session.respond((writer) => {
      for (const change of changes) {
        if (change.kind === 'list') writeList(writer, change.mailbox);
        else writeStatusData(writer, change.name, change.values);
      }
    });
  }
}
