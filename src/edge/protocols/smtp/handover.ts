/**
 * Makes the message the engine gets out of a session, and words out of its answers.
 *
 * Runs in:   edge (main thread); hot.
 * Specs:     RFC 3848, RFC 6531 §4.3 (`with` words), RFC 2033 §4.2 (LMTP: one reply per RCPT).
 */

import { Buffer } from 'node:buffer';
import type {
  AcceptAnswer,
  Arrival,
  BodyStream,
  ReceivedMessage,
} from '../../../actors/asks/reception.ts';
import type { MessageId } from '../../../base/ids.ts';
import type { DataReader } from '../../../mail/wire/smtp/data-reader.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { ScannedSession } from '../../../ports/session-scanners.ts';
import type { PeerFilters } from '../../filters/connection-filters.ts';
import { idempotencyOf } from '../../guard/idempotency.ts';
import type { TlsSessionFacts } from '../session/transport.ts';
import type { GreetingVerb, PeerFacts } from './command.ts';
import { queuedReply, refusalReply, replyOf } from './replies.ts';
import type { SmtpService } from './service.ts';
import type { Transaction } from './transaction.ts';

export interface SessionFacts {
  readonly service: SmtpService;
  readonly transaction: Transaction;
  readonly peer: PeerFacts;
  readonly greetingVerb: GreetingVerb;
  readonly heloName: string;
  readonly tls: TlsSessionFacts | undefined;
  readonly account: Account | undefined;
  readonly filters: PeerFilters | undefined;
  readonly scans: ScannedSession | undefined;
}

export function messageOf(
  facts: SessionFacts,
  reader: DataReader,
  stream: BodyStream | undefined,
): ReceivedMessage {
  const { service, transaction } = facts;
  if (stream !== undefined) {
    const arrival = arrivalOf(facts, stream.id);
    const { bytes: bodyBytes } = reader;
    return { envelope: transaction.envelope(), arrival, body: [], bodyBytes, stream };
  }
  const { parts, bytes: bodyBytes } = reader;
  const arrival = arrivalOf(facts, service.reception.nextId());
  const message = { envelope: transaction.envelope(), arrival, body: parts, bodyBytes };
  if (!arrival.trusted || service.dialect === 'lmtp') return message;
  const idempotency = idempotencyOf(transaction.tenant, parts);
  return idempotency === undefined ? message : { ...message, idempotency };
}

function arrivalOf(facts: SessionFacts, id: MessageId): Arrival {
  const { service, transaction, peer, tls, account } = facts;
  const found = account === undefined ? facts.filters?.told : undefined;
  const arrival = {
    id,
    receivedMs: service.clock.nowMs(),
    listener: service.name,
    protocol: protocolWord(
      facts.greetingVerb,
      transaction.mail!.smtputf8,
      tls !== undefined,
      account !== undefined,
    ),
    peerAddress: peer.address,
    peerPort: peer.port,
    helo: facts.heloName,
    trusted: peer.isTrusted,
    tenant: transaction.tenant,
    ...(found === undefined ? {} : { filters: found }),
    ...carriedOf(facts),
  };
  if (account !== undefined) {
    // A proxy may have had the TLS.
    const user = account.address;
    return tls === undefined ? { ...arrival, user } : { ...arrival, tls, user };
  }
  return tls === undefined ? arrival : { ...arrival, tls };
}

/** LMTP has a message judged once for each recipient, and a conversation is about one. */
function carriedOf({ scans, service, transaction, heloName, tls }: SessionFacts) {
  if (scans === undefined) return {};
  if (service.dialect === 'lmtp') {
    scans.reset();
    return {};
  }
  const facts = { helo: heloName, recipients: transaction.rcpts() };
  const ended = tls === undefined ? facts : { ...facts, tls };
  const carried = scans.carry(ended);
  return carried.length === 0 ? {} : { carried };
}

/** RFC 3848: S is TLS, A a log-in. UTF8SMTP stands only for transactions that use the extension (RFC 6531 §4.3). */
export function protocolWord(
  verb: GreetingVerb,
  isUtf8: boolean,
  isTls: boolean,
  isLoggedIn: boolean,
): string {
  if (verb === 'HELO' && !isUtf8) return 'SMTP';
  const base = verb === 'LHLO' ? (isUtf8 ? 'UTF8LMTP' : 'LMTP') : isUtf8 ? 'UTF8SMTP' : 'ESMTP';
  return base + (isTls ? 'S' : '') + (isLoggedIn ? 'A' : '');
}

export function finalReply(answer: AcceptAnswer, id: MessageId): Buffer {
  if (answer.ok) return Buffer.from(queuedReply(answer.earlierId ?? id), 'latin1');
  return answer.code === 'recipient-refused' ? refusalReply(answer.detail) : replyOf(answer.code);
}

/**
 * One reply for each RCPT that was taken. `rcptEnds[n]` is the count of recipients after RCPT n: an alias that stands
 * for several is good only if all of them are, or a copy would be lost without anybody knowing.
 */
export function eachReply(
  answers: readonly AcceptAnswer[],
  rcptEnds: readonly number[],
  id: MessageId,
): Buffer[] {
  let from = 0;
  return rcptEnds.map((end) => {
    const failed = answers.slice(from, end).find(({ ok }) => !ok);
    from = end;
    return finalReply(failed ?? { ok: true }, id);
  });
}
