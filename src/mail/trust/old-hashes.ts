/**
 * Hashes of passwords as other systems wrote them: checked at log-in, then replaced by our own.
 *
 * Runs in:   threads marked for jobs; pure.
 * Specs:     bcrypt ($2a$, $2b$, $2y$); Drepper's "Unix crypt using SHA-256 and SHA-512" ($5$, $6$); RFC 8018 §5.2
 *            (PBKDF2, as passlib, Django and Dovecot write it); RFC 2307 §5.3 and its salted kin ({SSHA}, {CRYPT}).
 * Limits:    what would cost more than `bcryptCostMax`, `cryptRoundsMax` or `pbkdf2RoundsMax` is taken for broken: a
 *            row must not be able to stop a thread.
 * Invariant: comparing takes the same time whatever differs.
 */

import { createHash, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { compareSync } from 'bcryptjs';
import { verify as verifyCrypt } from 'unixcrypt';

const bcryptCostMax = 14;
const cryptRoundsMax = 200_000;
const pbkdf2RoundsMax = 1_000_000;
const digestBytesMax = 64;

type Digest = 'sha1' | 'sha256' | 'sha512';

/** Whether `password` fits; undefined where the text is none we know. */
type Check = (password: string, match: RegExpExecArray) => boolean;

interface Scheme {
  readonly pattern: RegExp;
  /** Of the pattern's groups, which hold what it would cost. */
  readonly isBearable?: (match: RegExpExecArray) => boolean;
  readonly check: Check;
}

const salted = (digest: Digest): Check => {
  return (password, match) => {
    const octets = Buffer.from(match[1]!, 'base64');
    const bytes = createHash(digest).digest().length;
    const shown = createHash(digest).update(password).update(octets.subarray(bytes)).digest();
    return isEqual(shown, octets.subarray(0, bytes));
  };
};

const schemes: readonly Scheme[] = [
  {
    pattern: /^(?:\{(?:CRYPT|BLF-CRYPT|BCRYPT)\})?(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53})$/,
    isBearable: ([, , cost]) => Number(cost) >= 4 && Number(cost) <= bcryptCostMax,
    check: (password, match) => compareSync(password, match[1]!),
  },
  {
    pattern:
      /^(?:\{(?:CRYPT|SHA\d{3}-CRYPT)\})?(\$[56]\$(?:rounds=(\d{4,9})\$)?[^$:\n]{1,16}\$[./A-Za-z0-9]{43,86})$/,
    isBearable: (match) => Number(match[2] ?? 5_000) <= cryptRoundsMax,
    check: (password, match) => verifyCrypt(password, match[1]!),
  },
  {
    // passlib: base64 with "." for "+", without padding.
    pattern:
      /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(\d{1,7})\$([A-Za-z0-9./]{1,88})\$([A-Za-z0-9./]{20,88})$/,
    isBearable: (match) => Number(match[2]) <= pbkdf2RoundsMax,
    check: (password, [, digest = 'sha1', rounds, salt, tag]) => {
      const octets = (text: string) => Buffer.from(text.replaceAll('.', '+'), 'base64');
      return derives(password, digest as Digest, Number(rounds), octets(salt!), octets(tag!));
    },
  },
  {
    // Django: the salt is text.
    pattern: /^pbkdf2_(sha1|sha256|sha512)\$(\d{1,7})\$([^$]{1,64})\$([A-Za-z0-9+/]{20,88}={0,2})$/,
    isBearable: (match) => Number(match[2]) <= pbkdf2RoundsMax,
    check: (password, [, digest, rounds, salt, tag]) =>
      derives(
        password,
        digest as Digest,
        Number(rounds),
        Buffer.from(salt!),
        Buffer.from(tag!, 'base64'),
      ),
  },
  {
    // Dovecot: SHA-1, the salt as text, the rest in hex.
    pattern: /^\{PBKDF2\}\$1\$([^$]{1,64})\$(\d{1,7})\$([0-9a-f]{40})$/,
    isBearable: (match) => Number(match[2]) <= pbkdf2RoundsMax,
    check: (password, [, salt, rounds, tag]) =>
      derives(password, 'sha1', Number(rounds), Buffer.from(salt!), Buffer.from(tag!, 'hex')),
  },
  { pattern: /^\{SSHA\}([A-Za-z0-9+/]{28,88}={0,2})$/, check: salted('sha1') },
  { pattern: /^\{SSHA256\}([A-Za-z0-9+/]{44,104}={0,2})$/, check: salted('sha256') },
  { pattern: /^\{SSHA512\}([A-Za-z0-9+/]{88,152}={0,2})$/, check: salted('sha512') },
];

/** Whether it is a hash of an old system that can be checked here. */
export function isOldHash(stored: string): boolean {
  return schemes.some((scheme) => matchOf(scheme, stored) !== undefined);
}

/** Undefined: `stored` is none of these. */
export function verifyOldHash(stored: string, password: string): boolean | undefined {
  for (const scheme of schemes) {
    const match = matchOf(scheme, stored);
    if (match !== undefined) return scheme.check(password, match);
  }
  return undefined;
}

function matchOf({ pattern, isBearable }: Scheme, stored: string): RegExpExecArray | undefined {
  const match = pattern.exec(stored);
  return match === null || isBearable?.(match) === false ? undefined : match;
}

function derives(
  password: string,
  digest: Digest,
  rounds: number,
  salt: Uint8Array,
  tag: Uint8Array,
): boolean {
  if (rounds < 1 || tag.length > digestBytesMax) return false;
  return isEqual(pbkdf2Sync(password, salt, rounds, tag.length, digest), tag);
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
