/**
 * What an app password looks like, and which of an account's rows one that is shown is.
 *
 * Runs in:   edge (main thread).
 * Limits:    `appPasswordsMax` rows of an account are looked through.
 * Invariant: a secret has 120 random bits, so SHA-256 of it can be kept and compared: there is nothing to guess.
 *            Its number says which row it is compared with, so it costs the same however many there are.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { crockford, inGroups } from '../../base/base32.ts';
import { networkSet } from '../../base/networks.ts';
import type { AppPassword, AppPasswordScope } from '../../ports/credentials.ts';
import { readNetwork } from '../../settings/networks.ts';

export const appPasswordSecretBytes = 15;
const groupChars = 4;
/** Programs and people drop hyphens and change case. */
const shownText = /^app-?(\d{1,10})-((?:[0-9a-hjkmnp-tv-z]{4}-?){6})$/i;

export interface ShownAppPassword {
  readonly id: number;
  /** SHA-256. */
  readonly hash: Buffer;
}

/** `app-12-xxxx-xxxx-xxxx-xxxx-xxxx-xxxx` */
export function writeAppPassword(id: number, secret: Uint8Array): string {
  const text = inGroups(crockford(secret), groupChars);
  return `app-${id}-${text}`;
}

/** In hex, as the row keeps it. */
export function hashOfAppPassword(secret: Uint8Array): string {
  return hashOf(crockford(secret)).toString('hex');
}

/** Undefined: whatever was shown, it is no app password. */
export function appPasswordIn(text: string): ShownAppPassword | undefined {
  const match = shownText.exec(text.trim());
  if (match === null) return undefined;
  return { id: Number(match[1]), hash: hashOf(match[2]!.replaceAll('-', '').toLowerCase()) };
}

export function rowShown(
  rows: readonly AppPassword[],
  { id, hash }: ShownAppPassword,
): AppPassword | undefined {
  const row = rows.find((one) => one.id === id);
  if (row === undefined) return undefined;
  return timingSafeEqual(Buffer.from(row.hash, 'hex'), hash) ? row : undefined;
}

/** Why a row that was shown rightly opens nothing here; undefined: it does. */
export function refusalOf(
  row: AppPassword,
  { scope, address, nowMs }: Shown,
): 'expired' | 'scope' | 'network' | undefined {
  if (row.expiresMs !== 0 && row.expiresMs <= nowMs) return 'expired';
  if (scope === undefined || !row.scopes.includes(scope)) return 'scope';
  if (row.networks.length > 0 && !setOf(row.networks).has(address)) return 'network';
  return undefined;
}

interface Shown {
  /** Undefined: what it opens is in no scope. */
  readonly scope: AppPasswordScope | undefined;
  readonly address: string;
  readonly nowMs: number;
}

const scopes: Readonly<Record<string, AppPasswordScope>> = {
  smtp: 'smtp',
  submission: 'smtp',
  submissions: 'smtp',
  imap: 'imap',
  imaps: 'imap',
  pop3: 'pop3',
  pop3s: 'pop3',
  managesieve: 'sieve',
  http: 'http',
};

export function scopeOf(listener: string): AppPasswordScope | undefined {
  return scopes[listener];
}

/** A network that cannot be read lets nobody in. */
function setOf(networks: readonly string[]) {
  return networkSet(
    networks.flatMap((text) => {
      const reading = readNetwork(text);
      return reading.ok ? [reading.value] : [];
    }),
  );
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(`app-password ${secret}`).digest();
}
