/**
 * All words SMTP and LMTP sessions say, encoded once.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5321 §4.2.3 (codes), RFC 3463 and RFC 5248 (enhanced codes), RFC 4954 §6, RFC 6531 §3.5.
 * Invariant: the table is total: a new `ErrorCode` does not compile until SMTP can say it. Remotes see these words
 *            only, never a failure's `detail`.
 */

import type { Buffer } from 'node:buffer';
import type { ErrorCode } from '../../../base/errors.ts';
import { minuteMs } from '../../../base/units.ts';
import { encodeReply } from '../../../mail/wire/smtp/reply.ts';
import type { RateReached } from '../../guard/send-rates.ts';

export const replyWords = {
  'store-busy': '452 4.3.1 Too much at once, try again later',
  'store-failed': '451 4.3.0 Local trouble, try again later',
  'store-read-only': '451 4.3.2 Not taking mail now, try again later',
  'disk-full': '452 4.3.1 No room for mail now, try again later',
  draining: '421 4.3.2 Going down, try again later',
  'deadline-passed': '451 4.4.2 Took too long, try again later',
  'poison-ask': '451 4.3.0 This message makes trouble here, try again later',
  'relay-denied': '550 5.7.1 Relaying denied',
  'sender-not-allowed': '553 5.7.1 This sender is not yours to use',
  'sender-invalid': '501 5.1.7 Sender address is not valid',
  'recipient-invalid': '501 5.1.3 Recipient address is not valid',
  'recipients-too-many': '452 4.5.3 Too many recipients',
  'account-missing': '550 5.1.1 No such user here',
  'account-disabled': '550 5.2.1 Mailbox disabled',
  'account-over-quota': '452 4.2.2 Mailbox full',
  'tenant-over-quota': '452 4.2.2 Quota of messages used up, try again later',
  'send-rate-exceeded': '450 4.7.1 Too many recipients for now, try again later',
  'domain-missing': '550 5.1.2 No such domain here',
  'group-closed': '550 5.7.2 You may not write to this group',
  'recipient-refused': '550 5.7.1 The recipient refused the message',
  'recipient-suppressed': '550 5.7.1 Recipient is on your suppression list',
  'message-too-large': '552 5.3.4 Message too large',
  'message-loops': '554 5.4.6 Too many hops, this message loops',
  'message-invalid': '554 5.6.0 Message is not valid',
  'line-too-long': '554 5.6.0 A line is too long',
  'newline-bare': '554 5.6.0 A CR or LF stands alone, lines end in CRLF only',
  'policy-refused': '554 5.7.1 Message refused',
  'verdict-missing': '451 4.7.1 Could not be checked, try again later',
  'credentials-invalid': '535 5.7.8 User or password is wrong',
  'app-password-required':
    '534 5.7.9 Your password alone is not enough here: make an app password for this program',
  'password-expired': '535 5.7.8 Your password is too old: set a new one',
  'sessions-too-many': '454 4.7.0 Too many sessions of this account, try again later',
  'authentication-required': '530 5.7.0 Authentication required',
  'encryption-required': '530 5.7.0 STARTTLS first',
  'rate-exceeded': '451 4.7.1 Too many, try again later',
  'not-found': '550 5.1.1 Not found',
  'already-exists': '554 5.3.0 Exists already',
  'argument-invalid': '501 5.5.4 Argument is not valid',
  'not-possible-now': '451 4.3.0 Not possible now, try again later',
  'permission-missing': '550 5.7.1 Not allowed',
  'second-factor-required': '550 5.7.1 Not allowed',
  'reason-required': '550 5.7.1 Not allowed',
  'consent-required': '550 5.7.1 Not allowed',
} as const satisfies Record<ErrorCode, string>;

const encoded = Object.fromEntries(
  Object.entries(replyWords).map(([code, words]) => [code, encodeReply(words)]),
) as Record<ErrorCode, Buffer>;

export function replyOf(code: ErrorCode): Buffer {
  return encoded[code];
}

/** Characters of a refusal that a reply line has room for. */
const refusalLengthMax = 400;

/** RFC 5429 §2.1.1 and §2.2: what a recipient's script has to say, where a reply can carry it. */
export function refusalReply(reason: string): Buffer {
  const line = reason.replace(/\s+/g, ' ').trim().slice(0, refusalLengthMax);
  const isPlain = /^[\x20-\x7e]+$/.test(line);
  return isPlain ? encodeReply(`550 5.7.1 ${line}`) : replyOf('recipient-refused');
}

/** Whose rate it is, and for how long: to one who is known to us. */
export function rateReply({ kind, endsInMs }: RateReached): Buffer {
  const minutes = Math.max(1, Math.ceil(endsInMs / minuteMs));
  return encodeReply(`450 4.7.1 Too many recipients of this ${kind}, try again in ${minutes} min`);
}

export const replies = {
  senderOk: encodeReply('250 2.1.0 Ok'),
  recipientOk: encodeReply('250 2.1.5 Ok'),
  ok: encodeReply('250 2.0.0 Ok'),
  bye: encodeReply('221 2.0.0 Bye'),
  startData: encodeReply('354 End data with <CR><LF>.<CR><LF>'),
  startTls: encodeReply('220 2.0.0 Ready to start TLS'),
  cannotVerify: encodeReply('252 2.1.5 Cannot verify, but will try delivery'),
  chunkOk: encodeReply('250 2.0.0 Chunk ok'),

  failed: encodeReply('421 4.3.0 Local trouble, bye'),
  idle: encodeReply('421 4.4.2 Idle for too long, bye'),
  dataTooSlow: encodeReply('421 4.4.2 Message took too long, bye'),
  logInTooSlow: encodeReply('421 4.4.2 No log-in for too long, bye'),
  sessionTooLong: encodeReply('421 4.4.2 Session took too long, bye'),
  errorsTooMany: encodeReply('421 4.7.0 Too many errors, bye'),
  messagesTooMany: encodeReply('421 4.7.0 Too many messages in one session, bye'),
  connectionsTooMany: encodeReply('421 4.7.0 Too many connections, try again later'),
  banned: encodeReply('421 4.7.0 Too many failed log-ins from your network, try again later'),
  draining: encodeReply('421 4.3.2 Going down, try again later'),
  accessEnded: encodeReply('421 4.7.0 You are logged out'),
  talkedEarly: encodeReply('554 5.5.1 You talked before you were greeted, bye'),
  peerNotAllowed: encodeReply('554 5.7.1 Not for you'),

  unknownCommand: encodeReply('500 5.5.2 Command not recognised'),
  lineTooLong: encodeReply('500 5.5.2 Line too long'),
  bareNewline: encodeReply('500 5.5.2 Lines end in CRLF only'),
  notHere: encodeReply('502 5.5.1 Command not implemented'),
  badSyntax: encodeReply('501 5.5.4 Syntax error in arguments'),
  badParameter: encodeReply('501 5.5.4 Bad parameter'),
  unknownParameter: encodeReply('555 5.5.4 Parameter not recognised'),
  badChunkSize: encodeReply('501 5.5.4 BDAT needs a size, and LAST or nothing'),
  noArgument: encodeReply('501 5.5.4 No argument expected'),
  helloFirst: encodeReply('503 5.5.1 Say EHLO first'),
  mailFirst: encodeReply('503 5.5.1 MAIL first'),
  mailTwice: encodeReply('503 5.5.1 Sender already given'),
  noRecipients: encodeReply('503 5.5.1 No valid recipients'),
  dataAfterBdat: encodeReply('503 5.5.1 DATA after BDAT'),
  binaryNeedsBdat: encodeReply('503 5.5.1 BODY=BINARYMIME needs BDAT'),
  loggedIn: encodeReply('235 2.7.0 Logged in'),
  authNeedsTls: encodeReply('538 5.7.11 STARTTLS first'),
  authTwice: encodeReply('503 5.5.1 Logged in already'),
  authAborted: encodeReply('501 5.7.0 Log-in given up'),
  unknownMechanism: encodeReply('504 5.5.4 Mechanism not known'),
  badBase64: encodeReply('501 5.5.2 Not base64'),
  badSasl: encodeReply('501 5.5.2 Response makes no sense'),
  /** RFC 4954 §6: whoever checks passwords is away. */
  logInNotNow: encodeReply('454 4.7.0 Nobody can be checked now, try again later'),
  logInsTooMany: encodeReply('454 4.7.0 Too many failed log-ins, try again later'),
  requireTlsInClear: encodeReply('530 5.7.10 REQUIRETLS needs TLS: STARTTLS first'),
  tlsTwice: encodeReply('503 5.5.1 TLS is on already'),
  senderNeedsUtf8: encodeReply('553 5.6.7 Address needs SMTPUTF8'),
  recipientNeedsUtf8: encodeReply('553 5.6.7 Address needs SMTPUTF8'),
} as const;

/** The one reply that differs by message. */
export function queuedReply(id: string): string {
  return `250 2.0.0 Ok: queued as ${id}\r\n`;
}
