/**
 * What a session is told unasked, and when: at a command's end, as it happens while its client idles, and between
 * commands where the client asked for events.
 *
 * Runs in:   edge (main thread); hot where many idle.
 * Specs:     RFC 9051 §5.2, §6.3.13 (IDLE), §7.5.1; RFC 5465 (NOTIFY).
 * Invariant: nothing is told within a command's responses but at their end; one look at a time.
 */

import type { MailboxChange } from '../../../actors/asks/imap-asks.ts';
import type { NotifyCommand } from '../../../mail/wire/imap/parse-notify.ts';
import { untagged, writeStatus } from '../../../mail/wire/imap/response-status.ts';
import type { MailboxWatcher } from '../../notices/hub.ts';
import { bad, type CommandEnd, ok } from './answers.ts';
import type { CommandSession } from './command.ts';
import { Idling, type IdlingSession } from './idling.ts';
import { type NotifiedNews, Notifying } from './notifying.ts';
import type { SelectedMailbox } from './selected.ts';
import { noteChange, tellArrival, tellChanges } from './telling.ts';

export interface NewsSession extends CommandSession {
  /** Words come and go: no handshake, no end. */
  readonly isOpen: boolean;
  /** The client leaves too much unread: `look` is called once it has read. */
  mustWait(): boolean;
  bye(text: string): void;
  failed(error: unknown): void;
}

/** What the client says meanwhile. */
export interface NewsDialogue {
  /** Nothing of a command came that is not answered. */
  readonly isAtRest: boolean;
  readonly isBusy: boolean;
  expectDone(): void;
  /** Commands wait until `goOn`. */
  hold(): void;
  goOn(): void;
  answer(tag: string, end: CommandEnd): void;
}

export class News implements MailboxWatcher, IdlingSession, NotifiedNews {
  readonly #session: NewsSession;
  readonly #dialogue: NewsDialogue;
  #idling: Idling | undefined;
  /** Since the client said NOTIFY. */
  #notifying: Notifying | undefined;

  constructor(session: NewsSession, dialogue: NewsDialogue) {
    this.#session = session;
    this.#dialogue = dialogue;
  }

  get isIdling(): boolean {
    return this.#idling !== undefined;
  }

  get selected(): SelectedMailbox | undefined {
    return this.#session.selected;
  }

  get isEnded(): boolean {
    return this.#session.isEnded;
  }

  mustWait(): boolean {
    return this.#session.mustWait();
  }

  failed(error: unknown): void {
    this.#session.failed(error);
  }

  /** A notice of the engine. */
  changed(change: MailboxChange): void {
    const { selected } = this.#session;
    if (selected === undefined) return;
    const wasStale = selected.isStale;
    if (!noteChange(selected, change)) return;
    if (this.#notifying === undefined) this.#idling?.changed(selected, change, wasStale);
    else this.#selectedChanged(this.#notifying);
  }

  /** At a command's end, or while the client idles. */
  async tell(mayExpunge = true): Promise<void> {
    const { selected } = this.#session;
    const uidNext = selected?.uidNext ?? 0;
    const isThere = await tellChanges(this.#session, { mayExpunge, tellsFlags: true });
    if (!isThere) this.mailboxGone();
    else if (selected !== undefined) await this.#notifying?.tellNew(selected, uidNext);
  }

  /** Nothing but messages came. */
  tellArrival(change: MailboxChange): void {
    tellArrival(this.#session, this.#session.selected!, change);
  }

  mailboxGone(): void {
    this.#session.bye('The mailbox was deleted, or too much of it changed');
  }

  /** Changes are told as they come, until DONE. */
  idle(tag: string): void {
    this.#idling = new Idling(tag, this);
    this.#dialogue.expectDone();
    this.look();
  }

  /** DONE came, or (false) something else. */
  doneIdling(isDone: boolean): void {
    const idling = this.#idling;
    if (idling === undefined) return;
    const end = isDone ? ok('IDLE done') : bad('DONE was expected');
    if (idling.done(end)) this.endIdle(idling.tag, end);
    else this.#dialogue.hold();
  }

  endIdle(tag: string, end: CommandEnd): void {
    this.#idling = undefined;
    this.#dialogue.answer(tag, end);
    if (this.#dialogue.isBusy) this.#dialogue.goOn();
  }

  /** Events are told as the client asks for them, from now on. */
  async notify(command: NotifyCommand): Promise<'begun' | 'overflow' | 'failed'> {
    const begun = await Notifying.begin(this.#session, this, command);
    if (!(begun instanceof Notifying)) return begun;
    this.#notifying?.end();
    this.#notifying = begun;
    if (this.#session.isEnded) begun.end();
    return 'begun';
  }

  /** Between commands, and while the client idles: a response under way is not broken into. */
  notifySoon(): void {
    const notifying = this.#notifying;
    if (notifying?.isDue !== true || !this.#dialogue.isAtRest) return;
    if (!this.#session.isOpen || this.mustWait()) return;
    this.#dialogue.hold();
    notifying.tell().then(
      () => this.#dialogue.goOn(),
      (error: unknown) => this.failed(error),
    );
  }

  /** All that came is answered. */
  rested(): void {
    if (this.#notifying !== undefined) this.notifySoon();
  }

  /** Tells what is due, if the client is to hear of it now. */
  look(): void {
    if (this.#notifying === undefined) this.#idling?.look();
    else if (this.#session.selected?.isStale === true) this.#selectedChanged(this.#notifying);
    else this.notifySoon();
  }

  /** Nothing was said for long: says so, and looks though no notice came, or one was lost with its thread. */
  quiet(): void {
    this.#session.respond((writer) => writeStatus(writer, untagged, 'OK', '', 'Still here'));
    if (this.#notifying === undefined) {
      this.#idling?.quiet();
      return;
    }
    const { selected } = this.#session;
    this.#notifying.quiet();
    if (selected !== undefined) selected.isStale = true;
    this.notifySoon();
  }

  /** The session ends, or its client logs out. */
  end(): void {
    this.#idling = undefined;
    this.#notifying?.end();
    this.#notifying = undefined;
  }

  #selectedChanged(notifying: Notifying): void {
    notifying.selectedChanged();
    this.notifySoon();
  }
}
