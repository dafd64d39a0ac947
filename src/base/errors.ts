/**
 * The closed set of things that can go wrong with mail, as a remote may learn of them.
 *
 * Runs in:   every thread.
 * Invariant: a code crosses threads as plain data; each protocol has a total table from code to words
 *            (`edge/protocols/<name>/replies.ts`), so a new code does not compile until all can say it.
 */

export const errorCodes = [
  // The store and its room.
  'store-busy', // a backlog or budget is full: at once, never after a wait
  'store-failed', // a write or sync failed: the record may be there or not
  'store-read-only', // the shard is damaged or fenced
  'disk-full', // below `data.diskFreeBytesMin`
  'draining', // the server is going down
  'deadline-passed', // no answer in time
  'poison-ask', // this ask ended a thread and was set aside
  // Envelope.
  'relay-denied',
  'sender-not-allowed',
  'sender-invalid',
  'recipient-invalid',
  'recipients-too-many',
  'account-missing',
  'account-disabled',
  'account-over-quota',
  'domain-missing',
  'send-rate-exceeded', // more recipients than this account, tenant, sender or network may name for now
  'tenant-over-quota', // its messages of this hour or day
  'group-closed', // it does not take this sender's mail
  'recipient-suppressed', // the tenant's own list says so
  // Message.
  'recipient-refused', // its script did; `detail` is what it says to the sender
  'message-too-large',
  'message-loops',
  'message-invalid',
  'line-too-long',
  'newline-bare',
  'policy-refused', // a filter said no, for good
  'verdict-missing', // a filter did not answer in time
  // Session.
  'credentials-invalid',
  'app-password-required', // the password is right, and alone it is not enough
  'password-expired', // it is right, and too old
  'sessions-too-many', // of this account, at a time
  'authentication-required',
  'encryption-required',
  'rate-exceeded',
  // Commands of operators.
  'not-found',
  'already-exists',
  'argument-invalid',
  'not-possible-now',
  'permission-missing', // whoever asks may see that it is there, and no more
  'second-factor-required', // it is to be shown again
  'reason-required', // nobody opens another's account without one
  'consent-required', // a second person has not agreed yet
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** An expected failure. `detail` is for the log: remotes only see their protocol's words for `code`. */
export class MailError extends Error {
  override readonly name = 'MailError';
  readonly code: ErrorCode;
  readonly detail: string;

  constructor(code: ErrorCode, detail = '', options?: ErrorOptions) {
    super(detail === '' ? code : `${code}: ${detail}`, options);
    this.code = code;
    this.detail = detail;
  }
}

/** How an outcome crosses threads: classes lose name and fields in a structured clone, plain unions do not. */
export type Failure = { readonly ok: false; readonly code: ErrorCode; readonly detail: string };
export type Result<T> = ({ readonly ok: true } & T) | Failure;

export function failure(code: ErrorCode, detail = ''): Failure {
  return { ok: false, code, detail };
}

/** Turns anything thrown into a `Failure`; unknown errors become `store-failed` with their text for the log. */
export function failureOf(error: unknown): Failure {
  if (error instanceof MailError) return failure(error.code, error.detail);
  return failure('store-failed', error instanceof Error ? error.message : String(error));
}
