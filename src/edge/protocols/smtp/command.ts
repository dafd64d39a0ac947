/**
 * What a command is, and what it may ask of the session it runs in.
 *
 * Runs in:   edge (main thread).
 * Invariant: a command answers with exactly one reply, at once or when its promise settles; a session runs no other
 *            command meanwhile.
 */

import type { Buffer } from 'node:buffer';
import type { Account } from '../../../ports/account-directory.ts';
import type { ScannedSession } from '../../../ports/session-scanners.ts';
import type { PeerFilters } from '../../filters/connection-filters.ts';
import type { Admission } from '../../guard/live-sessions.ts';
import type { SaslExchange } from '../../guard/sasl-exchange.ts';
import type { TlsSessionFacts } from '../session/transport.ts';
import type { SessionOffers, SmtpService } from './service.ts';
import type { Transaction } from './transaction.ts';

export interface PeerFacts {
  address: string;
  port: number;
  /** In `relay.networks`, or an LMTP client that was let in. */
  isTrusted: boolean;
}

export type GreetingVerb = '' | 'HELO' | 'EHLO' | 'LHLO';

export interface CommandSession extends SessionOffers {
  readonly service: SmtpService;
  readonly transaction: Transaction;
  readonly peer: PeerFacts;
  greetingVerb: GreetingVerb;
  heloName: string;
  tls: TlsSessionFacts | undefined;
  messageCount: number;
  /** Of a stranger. */
  readonly filters: PeerFilters | undefined;
  /** Undefined: no scanner asks before DATA. */
  readonly scans: ScannedSession | undefined;
  /** Who logged in. */
  readonly account: Account | undefined;
  readonly isEnded: boolean;
  /** A message is coming by BDAT. */
  isChunking: boolean;

  /** Adds a reply to this turn's write. */
  reply(reply: Buffer): void;
  /** A reply that counts as the client's error. */
  refuse(reply: Buffer): void;
  /** A last reply; what the client sent after this command is not read. */
  end(reply: Buffer): void;
  /** The client is done (RFC 5321 §4.1.1.10). */
  quit(): void;
  /** What follows is a message's text, up to its lone dot. */
  beginData(): void;
  /** What follows is `bytes` octets of a message. `refusal` answers them once they are swallowed. */
  beginChunk(bytes: number, isLast: boolean, refusal: Buffer | undefined): void;
  /** Forgets a message under way and its room. */
  resetTransaction(): void;
  /** Replies, then starts TLS; what the client already sent is dropped. */
  startTls(): void;
  /** The next line answers a challenge. */
  beginExchange(exchange: SaslExchange): void;
  loggedIn(account: Account, admission: Admission): void;
  /** XCLIENT: starts over as if `peer` had just connected; it is not greeted yet. */
  restart(): void;
}

export interface SmtpCommand {
  readonly name: string;
  /** Without: both. */
  readonly only?: 'smtp' | 'lmtp';
  /** May be sent before EHLO. */
  readonly isEarly?: true;
  /** One line for HELP. */
  readonly help: string;
  /** `from` is the offset after the verb, `to` that of the CRLF. */
  run(session: CommandSession, line: Buffer, from: number, to: number): void | Promise<void>;
}
