/**
 * What a command is, and what it may ask of the session it runs in.
 *
 * Runs in:   edge (main thread).
 * Invariant: a command ends with exactly one tagged response, which the session writes; until then no other runs.
 */

import type { Answer } from '../../../actors/ask.ts';
import type { ImapAsk } from '../../../actors/asks/imap-asks.ts';
import type { Cursor } from '../../../mail/wire/imap/cursor.ts';
import type { NotifyCommand } from '../../../mail/wire/imap/parse-notify.ts';
import type { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { Admission } from '../../guard/live-sessions.ts';
import type { SaslExchange } from '../../guard/sasl-exchange.ts';
import type { MailboxWatcher } from '../../notices/hub.ts';
import type { TlsSessionFacts } from '../session/transport.ts';
import type { ImapAskOptions, KeptAskOptions } from './account-asks.ts';
import type { CommandEnd } from './answers.ts';
import type { SelectedMailbox } from './selected.ts';
import type { ImapService } from './service.ts';

export type ImapState = 'early' | 'authenticated' | 'selected';

/** What the session is told unasked; it watches the selected mailbox. */
export interface CommandNews extends MailboxWatcher {
  /** Changes are told as they come, until DONE. */
  idle(tag: string): void;
  /** Events are told as the client asks for them (RFC 5465), from now on. */
  notify(command: NotifyCommand): Promise<'begun' | 'overflow' | 'failed'>;
}

export interface CommandSession {
  readonly service: ImapService;
  readonly peerAddress: string;
  /** Undefined: in clear. */
  readonly tls: TlsSessionFacts | undefined;
  readonly canStartTls: boolean;
  /** Passwords are taken: under TLS, or from a network that may do without. */
  readonly mayLogIn: boolean;
  readonly isEnded: boolean;
  /** Set from log-in on. */
  readonly account: Account | undefined;
  selected: SelectedMailbox | undefined;
  /** Whose mailbox is selected; with none the session's own account. */
  readonly owner: Account;
  /** The client speaks IMAP4rev2: it enabled it. */
  isRev2: boolean;
  /** The client enabled UTF8=ACCEPT (RFC 6855 §3): names and strings are UTF-8. */
  isUtf8Accepted: boolean;
  /** Modseqs are told with flags: the client asked for one (RFC 7162 §3.1). */
  isCondstore: boolean;
  /** Expunges are told as VANISHED: the client enabled QRESYNC (RFC 7162 §3.2.3). */
  isQresync: boolean;
  /** Messages are named by UID alone, both ways: the client enabled UIDONLY (RFC 9586). */
  isUidOnly: boolean;
  /** Entries that change are told by name: the client enabled METADATA (RFC 5464 §4.1). */
  isMetadata: boolean;
  readonly news: CommandNews;

  /** Untagged responses: `write` is called at once. */
  respond(write: (writer: ResponseWriter) => void): void;
  /** Octets of an answer, as they are. */
  send(octets: Uint8Array): void;
  /** Undefined: there is room for more. Else resolves when the client has read on, or is gone. */
  room(): Promise<void> | undefined;
  /** An ask on behalf of the session's account, to the actor of the account it is about. */
  ask(name: ImapAsk, meta: unknown, options?: ImapAskOptions): Promise<Answer>;
  /** As `ask`, where the answer follows from the account's rows alone: the last one is given where nothing changed. */
  askKept(name: ImapAsk, meta: unknown, options?: KeptAskOptions): Promise<Answer>;
  /** Its mail is open to the session, or is added to. */
  usedMailOf(owner: Account): void;
  /** Leaves the selected mailbox. */
  unselect(): void;
  loggedIn(account: Account, admission: Admission): void;
  /** All that the client said since its log-in is forgotten; TLS and compression stay. */
  loggedOut(): void;
  /** The next line is the client's answer to a challenge. */
  expectResponse(exchange: SaslExchange, tag: string): void;
  /** The session goes on under TLS once the tagged response is written. */
  startTls(): void;
  /** Both sides compress once the tagged response is written; else why not. */
  compress(): 'begun' | 'active' | 'full' | 'too-early';
  /** The session ends once the tagged response is written. */
  end(): void;
  /** The connection ends now, without a word: what was promised cannot be kept. */
  cut(): void;
}

/** What a session says itself: the command has no tagged response yet. */
export const endsLater = 'later';

export type Run<Arguments> = (
  session: CommandSession,
  argument: Arguments,
  tag: string,
) => CommandEnd | typeof endsLater | Promise<CommandEnd | typeof endsLater>;

/** Commands of a kind that may be run together. */
export interface Joinable<Arguments> {
  readonly mayJoin: (session: CommandSession, argument: Arguments) => boolean;
  /** Calls `end` for each of them, in their order. */
  readonly run: (
    session: CommandSession,
    commands: readonly Arguments[],
    end: (index: number, end: CommandEnd) => void,
  ) => Promise<void>;
}

export interface ImapCommand<Arguments> {
  readonly name: string;
  readonly states: readonly ImapState[];
  /** RFC 9051 §7.5.1: EXPUNGE may not be told with its answer. */
  readonly keepsNumbers?: true;
  /** Messages are named by their numbers in it: not once the client enabled UIDONLY. */
  readonly namesNumbers?: true;
  /** The selected mailbox may change by it: what changed is told before its end. */
  readonly changesMailbox?: true;
  /** The cursor stands behind the name. Undefined: `cursor.fault` says why. */
  readonly parse: (cursor: Cursor) => Arguments | undefined;
  readonly run: Run<Arguments>;
  readonly joins?: Joinable<Arguments>;
}

export const anyState: readonly ImapState[] = ['early', 'authenticated', 'selected'];
export const loggedInStates: readonly ImapState[] = ['authenticated', 'selected'];
export const selectedState: readonly ImapState[] = ['selected'];
