/**
 * What an account shows besides its password: time-based codes, passkeys, recovery codes.
 *
 * Contract:
 * - As of `credentials.ts`: each call says whose, a foreign tenant's account is not there, a write resolves when it is
 *   durable and is told as `{ kind: 'credentials' }`, and deleting the account takes all along.
 * - What may be used once is decided in the write's turn and durable before `true` is answered, so a code that was good
 *   before a crash is not good after it.
 * - An account has a second factor when a confirmed TOTP or a passkey is there. Recovery codes alone are none: they go
 *   with the last of the others.
 */

import type { Eventually } from './account-directory.ts';
import type { AccountOf } from './credentials.ts';

/** RFC 6238. */
export interface TotpFactor {
  readonly id: number;
  readonly name: string;
  /** In base64. It must be known to check a code: never logged, never answered but when it is made. */
  readonly secret: string;
  readonly createdMs: number;
  /** The step of the last code that was good; 0: none was, so it is not confirmed. */
  readonly lastStep: number;
}

/** WebAuthn: a public key and what was learnt of its authenticator. */
export interface Passkey {
  readonly id: number;
  readonly name: string;
  /** In base64url. No two accounts have the same. */
  readonly credentialId: string;
  /** COSE, in base64url. */
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly createdMs: number;
}

export interface SecondFactors {
  readonly totps: readonly TotpFactor[];
  readonly passkeys: readonly Passkey[];
  /** SHA-256 in hex of those that were not used. */
  readonly recoveryHashes: readonly string[];
}

export const totpsMax = 5;
export const passkeysMax = 20;
export const recoveryCodesMax = 20;

export interface SecondFactorStore {
  secondFactors(of: AccountOf): Eventually<SecondFactors>;
  hasSecondFactor(of: AccountOf): Eventually<boolean>;
  /** Not confirmed yet. `not-possible-now` past `totpsMax`. */
  addTotp(of: AccountOf, row: Omit<TotpFactor, 'id' | 'lastStep'>): Promise<TotpFactor>;
  /** RFC 6238 §5.2: a code is taken once. False: this step, or a later one, was used before. It confirms. */
  useTotp(of: AccountOf, id: number, step: number): Promise<boolean>;
  /** `already-exists` where any account has its credential; `not-possible-now` past `passkeysMax`. */
  addPasskey(of: AccountOf, row: Omit<Passkey, 'id'>): Promise<Passkey>;
  /** WebAuthn §7.2: false where the counter did not rise, unless it and the one known are 0: a copy may be about. */
  usePasskey(of: AccountOf, id: number, counter: number): Promise<boolean>;
  passkeyOwner(credentialId: string): Eventually<AccountOf | undefined>;
  /** A TOTP or a passkey. */
  deleteFactor(of: AccountOf, id: number): Promise<void>;
  /** In the place of those before. */
  putRecoveryCodes(of: AccountOf, hashes: readonly string[]): Promise<void>;
  useRecoveryCode(of: AccountOf, hash: string): Promise<boolean>;
  /** All of them: for one who lost them. */
  clearFactors(of: AccountOf): Promise<void>;
}
