/**
 * All words to a client: how commands end, and how failures of the server are said.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §7.1 (codes), RFC 5530 (codes), RFC 4469 (TOOBIG).
 */

import { mayCreate } from '../../../actors/asks/imap-asks.ts';
import type { ErrorCode, Failure } from '../../../base/errors.ts';
import type { FaultKind } from '../../../mail/wire/imap/cursor.ts';
import type { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import type { Condition } from '../../../mail/wire/imap/response-status.ts';

export interface Tagged {
  readonly condition: Condition;
  /** Without brackets; "" is none. */
  readonly code: string;
  readonly text: string;
}

/** A command's end, or what writes it: responses whose code has sets of UIDs. */
export type CommandEnd = Tagged | ((writer: ResponseWriter, tag: string) => void);

export function ok(text: string, code = ''): Tagged {
  return { condition: 'OK', code, text };
}

export function no(text: string, code = ''): Tagged {
  return { condition: 'NO', code, text };
}

export function bad(text: string, code = ''): Tagged {
  return { condition: 'BAD', code, text };
}

/** RFC 9586 §3.1: UIDONLY is enabled, and the command names messages by their numbers. */
export const needsUids = bad('Name messages by UID', 'UIDREQUIRED');

/** RFC 5182 §2.1: `$` is empty then. */
export const notSaved = no('Too much to save', 'NOTSAVED');

/** Total: a new code does not compile until IMAP can say it. */
const answers = {
  'store-busy': no('Try again later', 'UNAVAILABLE'),
  'store-failed': no('The change could not be stored', 'SERVERBUG'),
  'store-read-only': no('The mailbox cannot be changed now', 'UNAVAILABLE'),
  'disk-full': no('The server has no room', 'UNAVAILABLE'),
  draining: no('The server goes down', 'UNAVAILABLE'),
  'deadline-passed': no('It took too long', 'UNAVAILABLE'),
  'poison-ask': no('The server failed at this', 'SERVERBUG'),
  'relay-denied': no('Not allowed', 'NOPERM'),
  'sender-not-allowed': no('Not allowed', 'NOPERM'),
  'sender-invalid': no('Not possible', 'CANNOT'),
  'recipient-invalid': no('Not possible', 'CANNOT'),
  'recipients-too-many': no('Too many', 'LIMIT'),
  'account-missing': no('The account is gone', 'UNAVAILABLE'),
  'account-disabled': no('Log-in failed', 'AUTHENTICATIONFAILED'),
  'account-over-quota': no('The account is full', 'OVERQUOTA'),
  'send-rate-exceeded': no('Too many recipients for now', 'LIMIT'),
  'tenant-over-quota': no('Quota of messages used up', 'OVERQUOTA'),
  'domain-missing': no('Not possible', 'CANNOT'),
  'group-closed': no('Not possible', 'CANNOT'),
  'recipient-refused': no('Not possible', 'CANNOT'),
  'recipient-suppressed': no('Not possible', 'CANNOT'),
  'message-too-large': no('The message is too large', 'TOOBIG'),
  'message-loops': no('Not possible', 'CANNOT'),
  'message-invalid': no('Not a message', 'CANNOT'),
  'line-too-long': no('A line is too long', 'CANNOT'),
  'newline-bare': no('Not a message', 'CANNOT'),
  'policy-refused': no('Not allowed', 'NOPERM'),
  'verdict-missing': no('Try again later', 'UNAVAILABLE'),
  'credentials-invalid': no('Log-in failed', 'AUTHENTICATIONFAILED'),
  'app-password-required': no(
    'Your password alone is not enough here: make an app password for this program',
    'AUTHORIZATIONFAILED',
  ),
  // RFC 5530 §3.
  'password-expired': no('Your password is too old: set a new one', 'EXPIRED'),
  'sessions-too-many': no('Too many sessions of this account', 'LIMIT'),
  'authentication-required': no('Log in first', 'NOPERM'),
  'encryption-required': no('Start TLS first', 'PRIVACYREQUIRED'),
  'rate-exceeded': no('Too many failed log-ins: try again later', 'LIMIT'),
  'not-found': no('There is no such mailbox', 'NONEXISTENT'),
  'already-exists': no('There is such a mailbox', 'ALREADYEXISTS'),
  'argument-invalid': no('Not possible', 'CANNOT'),
  'not-possible-now': no('Not possible now', 'UNAVAILABLE'),
  'permission-missing': no('Not allowed', 'NOPERM'),
  'second-factor-required': no('Not allowed', 'NOPERM'),
  'reason-required': no('Not allowed', 'NOPERM'),
  'consent-required': no('Not allowed', 'NOPERM'),
} as const satisfies Record<ErrorCode, Tagged>;

export function answerOf(code: ErrorCode): Tagged {
  return answers[code];
}

/** RFC 9051 §7.1: TRYCREATE where CREATE would do. */
export function noTarget({ detail }: Failure): Tagged {
  return detail === mayCreate ? no('There is no such mailbox', 'TRYCREATE') : answerOf('not-found');
}

const faultAnswers = {
  syntax: (text: string) => bad(text),
  charset: (text: string) => no(text, 'BADCHARSET (US-ASCII UTF-8)'),
  name: (text: string) => no(text, 'CANNOT'),
  limit: (text: string) => no(text, 'LIMIT'),
} as const satisfies Record<FaultKind, (text: string) => Tagged>;

/** What a parser found wrong. */
export function faultAnswer(kind: FaultKind, text: string): Tagged {
  return faultAnswers[kind](text);
}
