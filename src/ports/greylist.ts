/**
 * Who brought mail before, and when: strangers come again later before they are let in. Several servers may share one.
 *
 * Contract:
 * - `ask` notes that mail came from a network, of a sender, for a recipient, and answers at once or later. It rejects
 *   where it cannot say; the caller then lets the mail in.
 * - Entries are bounded; what was forgotten for it is as if it had never come. No network (IPv6: no
 *   /32) makes others be forgotten before its own are.
 * - It outlasts a restart, but for the last moments before a kill: those then wait anew, nobody is let in by it.
 */

import type { Eventually } from './account-directory.ts';

export interface GreylistKey {
  /** As `192.0.2.0/24` or `2001:db8:0:1::/64`. */
  readonly network: string;
  /** A domain or an address in lower case; "<>" is the null reverse-path. */
  readonly sender: string;
  /** In lower case. */
  readonly recipient: string;
}

export type GreylistAnswer =
  /** Come again in so many milliseconds, above 0. */
  | { readonly kind: 'wait'; readonly waitMs: number }
  /** It came again late enough, now or before. */
  | { readonly kind: 'passed' }
  /** So much of its network was let in that all of it is. */
  | { readonly kind: 'allowed' };

export interface Greylist {
  ask(key: GreylistKey): Eventually<GreylistAnswer>;
}
