/**
 * Why a request of the API is not done, and the status that says so.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9110 §15; RFC 6585 §4 (429).
 * Invariant: the table is total. A failure's `detail` is told to nobody: it is for the log.
 */

import type { ErrorCode } from '../../../../base/errors.ts';

/** What a client may do about it. */
export class ApiFault extends Error {
  override readonly name = 'ApiFault';
  readonly code: ErrorCode;
  readonly status: number;
  /** JSON pointer to what is wrong in the body; "" for all of it. */
  readonly path: string;
  readonly retryAfterSeconds: number;

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      readonly status?: number;
      readonly path?: string;
      readonly retryAfterSeconds?: number;
    } = {},
  ) {
    super(message);
    this.code = code;
    this.status = more.status ?? statusOf[code];
    this.path = more.path ?? '';
    this.retryAfterSeconds = more.retryAfterSeconds ?? (this.status === 503 ? retrySeconds : 0);
  }
}

const retrySeconds = 5;

/** 503: the same request may be taken later, and is, once, with an idempotency key. */
const statusOf = {
  'store-busy': 503,
  'store-failed': 503,
  'store-read-only': 503,
  'disk-full': 503,
  draining: 503,
  'deadline-passed': 503,
  'poison-ask': 503,
  'relay-denied': 403,
  'sender-not-allowed': 403,
  'sender-invalid': 400,
  'recipient-invalid': 400,
  'recipients-too-many': 400,
  'account-missing': 400,
  'account-disabled': 400,
  'account-over-quota': 503,
  'tenant-over-quota': 429,
  'send-rate-exceeded': 429,
  'domain-missing': 400,
  'group-closed': 403,
  'recipient-refused': 403,
  'recipient-suppressed': 403,
  'message-too-large': 413,
  'message-loops': 400,
  'message-invalid': 400,
  'line-too-long': 400,
  'newline-bare': 400,
  'policy-refused': 403,
  'verdict-missing': 503,
  'app-password-required': 403,
  'password-expired': 403,
  'credentials-invalid': 401,
  'sessions-too-many': 429,
  'authentication-required': 401,
  'encryption-required': 403,
  'rate-exceeded': 429,
  'not-found': 404,
  'already-exists': 409,
  'argument-invalid': 400,
  'not-possible-now': 503,
  'permission-missing': 403,
  'second-factor-required': 403,
  'reason-required': 403,
  'consent-required': 403,
} as const satisfies Record<ErrorCode, number>;
