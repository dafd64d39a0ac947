/**
 * Told of who got in, who was turned away, and who opened mail that is not their own.
 *
 * Runs in:   edge (main thread); called on the way of log-ins and commands: a witness takes note and returns.
 * Invariant: no password, token or key is ever among what it is told. A name that was tried may be a password that was
 *            typed into the wrong field: a witness keeps it only where it is known to be a name.
 */

import type { TenantId } from '../../base/ids.ts';
import type { Account } from '../../ports/account-directory.ts';

export interface LogInTold {
  /** As the client said it. */
  readonly user: string;
  /** Of a log-in that succeeded. */
  readonly account?: Pick<Account, 'id' | 'address' | 'tenant'>;
  /** Why it failed: a code; absent where it succeeded. */
  readonly refusal?: string;
  /** As `PLAIN`; absent where that is not known. */
  readonly method?: string;
  readonly listener: string;
  readonly peer: string;
}

export interface KeyTold {
  /** Undefined: none of ours was shown. */
  readonly key?: { readonly id: number; readonly tenant: TenantId };
  /** Absent: it may do what it asked for. */
  readonly refusal?: string;
  /** What was asked for, as `POST /api/v1/messages`. */
  readonly asked: string;
  readonly peer: string;
}

export interface SharedMailTold {
  readonly reader: Pick<Account, 'address' | 'tenant'>;
  readonly owner: Pick<Account, 'address' | 'tenant'>;
  readonly listener: string;
  readonly peer: string;
}

export interface AccessWitness {
  logIn(told: LogInTold): void;
  key(told: KeyTold): void;
  /** Once a session and owner. */
  sharedMail(told: SharedMailTold): void;
}

export const noWitness: AccessWitness = { logIn() {}, key() {}, sharedMail() {} };
