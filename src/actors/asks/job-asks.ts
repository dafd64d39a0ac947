/**
 * Jobs that cost tens of milliseconds and own no shard: password hashes, keys of domains.
 *
 * Runs in: both sides; plain data only. Passwords travel in memory of this process and are logged nowhere.
 */

/** meta: `{ password }`; answer: the Argon2id string. */
export const passwordHashJob = 'password.hash';
/** meta: `{ hash, password }`, hash "" for an unknown user; answer: whether they fit. */
export const passwordVerifyJob = 'password.verify';
/** meta: pairs of algorithm and selector; answer: a key for each. */
export const dkimKeysJob = 'dkim.keys';
