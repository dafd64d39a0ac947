/**
 * Jobs that cost tens of milliseconds and own no shard: password hashes, keys of domains.
 *
 * Runs in: both sides; plain data only. Passwords travel in memory of this process and are logged nowhere.
 */

import type { ScramVerifier } from '../../ports/credentials.ts';

/** meta: `PasswordSecretsMeta`; answer: `PasswordSecrets`. */
export const passwordSecretsJob = 'password.secrets';

export interface PasswordSecretsMeta {
  readonly password: string;
  /** Those of SCRAM are made as well. */
  readonly hasVerifiers: boolean;
}

export interface PasswordSecrets {
  /** Argon2id, as a PHC string. */
  readonly hash: string;
  readonly verifiers: readonly ScramVerifier[];
}

/** meta: `{ hash, password }`, hash "" for an unknown user; answer: whether they fit. */
export const passwordVerifyJob = 'password.verify';

/** meta: `PasswordJudgeMeta`; answer: 0 (guessed at once) to 4. */
export const passwordJudgeJob = 'password.judge';

export interface PasswordJudgeMeta {
  readonly password: string;
  /** What an attacker would try first: names of its owner. */
  readonly words: readonly string[];
}

/** meta: pairs of algorithm and selector; answer: a key for each. */
export const dkimKeysJob = 'dkim.keys';
