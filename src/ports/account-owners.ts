/**
 * What is known of an account's owner: where a link to a new password goes, and from where they logged in before.
 *
 * Contract: as of `credentials.ts`: each call says whose, a foreign tenant's account is not there, a write resolves when
 * it is durable, and deleting the account takes all along. Subscribers hear nothing.
 */

import type { Eventually } from './account-directory.ts';
import type { AccountOf } from './credentials.ts';

/** A network, with a device where one is known, as text. */
export interface LogInPlace {
  readonly name: string;
  /** Of the last log-in that was noted. */
  readonly atMs: number;
}

export const placesMax = 50;

export interface OwnerStore {
  /** An address elsewhere; "" where none is known. */
  recoveryAddress(of: AccountOf): Eventually<string>;
  /** "" forgets it. `argument-invalid` for what is no line of an address's length. */
  putRecoveryAddress(of: AccountOf, address: string): Promise<void>;
  /** The last one first. */
  places(of: AccountOf): Eventually<readonly LogInPlace[]>;
  /** Past `placesMax` the one that was noted longest ago goes. */
  notePlace(of: AccountOf, place: LogInPlace): Promise<void>;
}
