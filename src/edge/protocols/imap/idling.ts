/**
 * A client that idles: changes are told as they come, one look at a time.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §6.3.13.
 * Invariant: IDLE's tagged response leaves after what was being told.
 */

import type { MailboxChange } from '../../../actors/asks/imap-asks.ts';
import type { CommandEnd } from './answers.ts';
import type { SelectedMailbox } from './selected.ts';
import { isArrivalTo } from './telling.ts';

export interface IdlingSession {
  readonly selected: SelectedMailbox | undefined;
  readonly isEnded: boolean;
  /** The client leaves too much unread: `look` is called once it has read. */
  mustWait(): boolean;
  tell(): Promise<void>;
  tellArrival(change: MailboxChange): void;
  endIdle(tag: string, end: CommandEnd): void;
  failed(error: unknown): void;
}

export class Idling {
  readonly tag: string;
  readonly #session: IdlingSession;
  #isTelling = false;
  /** A notice came while changes were being told. */
  #isDueAgain = false;
  /** Its end came while changes were being told. */
  #end: CommandEnd | undefined;

  constructor(tag: string, session: IdlingSession) {
    this.tag = tag;
    this.#session = session;
  }

  /** A notice that tells something new; `wasStale`: there was more before it. */
  changed(selected: SelectedMailbox, change: MailboxChange, wasStale: boolean): void {
    const saysAll = !wasStale && !this.#isTelling && isArrivalTo(selected, change);
    if (saysAll && !this.#session.mustWait()) this.#session.tellArrival(change);
    else this.look();
  }

  /** Nothing was said for long: looks though no notice came, or one was lost with its thread. */
  quiet(): void {
    const { selected } = this.#session;
    if (selected !== undefined) selected.isStale = true;
    this.look();
  }

  /** Tells what there is, if anything. */
  look(): void {
    const session = this.#session;
    if (this.#isTelling) {
      this.#isDueAgain = true;
      return;
    }
    if (session.selected?.isStale !== true || session.isEnded || session.mustWait()) return;
    this.#isTelling = true;
    this.#isDueAgain = false;
    const told = () => {
      this.#isTelling = false;
      if (this.#end !== undefined) session.endIdle(this.tag, this.#end);
      // Not by `isStale` alone: where the engine refuses to look, it would be asked without end.
      else if (this.#isDueAgain) this.look();
    };
    session.tell().then(told, (error: unknown) => session.failed(error));
  }

  /** DONE came, or something else. True: nothing is being told, so it may end. */
  done(end: CommandEnd): boolean {
    this.#end = end;
    return !this.#isTelling;
  }
}
