/**
 * All words to a client: how commands end, and how failures of the server are said.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 1939 §3 (+OK, -ERR); RFC 2449 §6.4, §8 (response codes); RFC 3206 (SYS/TEMP, SYS/PERM, AUTH).
 */

import type { ErrorCode } from '../../../base/errors.ts';

export interface Reply {
  readonly isOk: boolean;
  /** Without brackets; "" is none. */
  readonly code: string;
  readonly text: string;
  /** It counts among the errors a session may make. */
  readonly isError: boolean;
}

export function ok(text: string): Reply {
  return { isOk: true, code: '', text, isError: false };
}

export function no(text: string, code = ''): Reply {
  return { isOk: false, code, text, isError: false };
}

/** The command makes no sense, here or at all. */
export function bad(text: string): Reply {
  return { isOk: false, code: '', text, isError: true };
}

export function lineOf({ isOk, code, text }: Reply): string {
  return `${isOk ? '+OK' : '-ERR'} ${code === '' ? '' : `[${code}] `}${text}\r\n`;
}

/** Total: a new code does not compile until POP3 can say it. */
const replies = {
  'store-busy': no('Try again later', 'SYS/TEMP'),
  'store-failed': no('The change could not be stored', 'SYS/TEMP'),
  'store-read-only': no('The mailbox cannot be changed now', 'SYS/TEMP'),
  'disk-full': no('The server has no room', 'SYS/TEMP'),
  draining: no('The server goes down', 'SYS/TEMP'),
  'deadline-passed': no('It took too long', 'SYS/TEMP'),
  'poison-ask': no('The server failed at this', 'SYS/PERM'),
  'relay-denied': no('Not allowed', 'SYS/PERM'),
  'sender-not-allowed': no('Not allowed', 'SYS/PERM'),
  'sender-invalid': no('Not possible', 'SYS/PERM'),
  'recipient-invalid': no('Not possible', 'SYS/PERM'),
  'recipients-too-many': no('Too many', 'SYS/PERM'),
  'account-missing': no('The account is gone', 'SYS/PERM'),
  'account-disabled': no('Log-in failed', 'AUTH'),
  'account-over-quota': no('The account is full', 'SYS/PERM'),
  'send-rate-exceeded': no('Too many recipients for now', 'SYS/TEMP'),
  'tenant-over-quota': no('Quota of messages used up', 'SYS/TEMP'),
  'domain-missing': no('Not possible', 'SYS/PERM'),
  'group-closed': no('Not possible', 'SYS/PERM'),
  'recipient-refused': no('Not possible', 'SYS/PERM'),
  'recipient-suppressed': no('Not possible', 'SYS/PERM'),
  'message-too-large': no('The message is too large', 'SYS/PERM'),
  'message-loops': no('Not possible', 'SYS/PERM'),
  'message-invalid': no('Not a message', 'SYS/PERM'),
  'line-too-long': no('A line is too long', 'SYS/PERM'),
  'newline-bare': no('Not a message', 'SYS/PERM'),
  'policy-refused': no('Not allowed', 'SYS/PERM'),
  'verdict-missing': no('Try again later', 'SYS/TEMP'),
  'permission-missing': no('Not allowed', 'SYS/PERM'),
  'second-factor-required': no('Not allowed', 'SYS/PERM'),
  'reason-required': no('Not allowed', 'SYS/PERM'),
  'consent-required': no('Not allowed', 'SYS/PERM'),
  'credentials-invalid': no('Log-in failed', 'AUTH'),
  'app-password-required': no(
    'Your password alone is not enough here: make an app password for this program',
    'AUTH',
  ),
  'password-expired': no('Your password is too old: set a new one', 'AUTH'),
  'sessions-too-many': no('Too many sessions of this account', 'SYS/TEMP'),
  'authentication-required': bad('Log in first'),
  'encryption-required': bad('Start TLS first'),
  'rate-exceeded': no('Too many failed log-ins: try again later', 'SYS/TEMP'),
  'not-found': no('There is no such message'),
  'already-exists': no('Not possible', 'SYS/PERM'),
  'argument-invalid': no('Not possible', 'SYS/PERM'),
  'not-possible-now': no('Not possible now', 'SYS/TEMP'),
} as const satisfies Record<ErrorCode, Reply>;

export function replyOf(code: ErrorCode): Reply {
  return replies[code];
}
