/**
 * What can go wrong with a directory, sorted by what it says of a password.
 *
 * Runs in:   the main thread; pure.
 * Specs:     RFC 4511 §4.1.9 and appendix A (result codes).
 */

import { ResultCodeError } from 'ldapts';

/** No answer, or none that says anything of whoever was asked for. */
export class LdapAway extends Error {
  override readonly name = 'LdapAway';
}

/** It broke before anything was asked by it: a new connection may do better. */
export class LdapClosed extends LdapAway {}

/**
 * Codes of a bind that say: not with this password. Locked and closed accounts are among them, in the words of each
 * server: constraintViolation, noSuchObject, inappropriateAuthentication, invalidCredentials,
 * insufficientAccessRights, unwillingToPerform.
 */
const refusals: ReadonlySet<number> = new Set([19, 32, 48, 49, 50, 53]);

/** Active Directory: the password is right, and expired or to be changed at first use. */
const expiredData = /\bdata (532|773)\b/;

export function resultCodeOf(error: unknown): number | undefined {
  return error instanceof ResultCodeError ? error.code : undefined;
}

export function bindRefusalOf(error: unknown): 'password' | 'expired' | undefined {
  const code = resultCodeOf(error);
  if (code === undefined || !refusals.has(code)) return undefined;
  return expiredData.test((error as Error).message) ? 'expired' : 'password';
}

/** For the log: what a server says may have several lines. */
export function whyOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replaceAll(/\s+/g, ' ').slice(0, 300);
}
