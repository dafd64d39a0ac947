/**
 * How a domain's signing keys change: a new key signs once its record is seen, and the one it follows is published
 * for as long as mail it signed may be verified.
 *
 * Runs in:   main thread; pure.
 * Specs:     RFC 6376 §3.1 (selectors), §3.6.2 (one record a selector).
 * Limits:    `keysPerDomainMax`.
 * Invariant: a key is never the last of its domain to go, but by force; what is given is never changed.
 */

import { MailError } from '../../../base/errors.ts';
import type { DkimAlgorithm, DkimKey } from '../../../ports/account-directory.ts';

export const keysPerDomainMax = 20;

const shortNames = { 'rsa-sha256': 'rsa', 'ed25519-sha256': 'ed' } as const;

/** Of the day and the algorithm; counted on where a key of that name was there. */
export function selectorFor(
  algorithm: DkimAlgorithm,
  nowMs: number,
  keys: readonly DkimKey[],
): string {
  const day = new Date(nowMs).toISOString().slice(0, 10).replaceAll('-', '');
  const first = `chaski-${day}-${shortNames[algorithm]}`;
  const isTaken = (name: string) => keys.some(({ selector }) => selector === name);
  let name = first;
  for (let count = 2; isTaken(name); count++) name = `${first}-${count}`;
  return name;
}

export function isSigning({ state }: DkimKey): boolean {
  return state === undefined;
}

/** What the domain signs with, or what it would sign with: the algorithms a rotation makes new keys for. */
export function algorithmsOf(keys: readonly DkimKey[]): readonly DkimAlgorithm[] {
  const signing = keys.filter(isSigning).map(({ algorithm }) => algorithm);
  return signing.length > 0 ? [...new Set(signing)] : ['rsa-sha256', 'ed25519-sha256'];
}

/** @throws MailError `not-possible-now` past `keysPerDomainMax`. */
export function withWaiting(keys: readonly DkimKey[], made: readonly DkimKey[]): DkimKey[] {
  if (keys.length + made.length > keysPerDomainMax) {
    throw new MailError('not-possible-now', `a domain has at most ${keysPerDomainMax} keys`);
  }
  return [...keys, ...made.map((key) => ({ ...key, state: 'waiting' as const }))];
}

/** These sign from now on, and the keys of their algorithms that did so far are retired. */
export function activated(
  keys: readonly DkimKey[],
  selectors: readonly string[],
  publishUntilMs: number,
): DkimKey[] {
  const isNew = (key: DkimKey) => key.state === 'waiting' && selectors.includes(key.selector);
  const replaced = new Set(keys.filter(isNew).map(({ algorithm }) => algorithm));
  return keys.map((key) => {
    if (isNew(key)) return signing(key);
    return isSigning(key) && replaced.has(key.algorithm) ? retired(key, publishUntilMs) : key;
  });
}

/**
 * A key that signs does so no more; one that waits is dropped.
 *
 * @throws MailError `not-found`; `not-possible-now` for the last that signs, unless forced.
 */
export function withRetired(
  keys: readonly DkimKey[],
  selector: string,
  publishUntilMs: number,
  isForced: boolean,
): DkimKey[] {
  const key = keyNamed(keys, selector);
  if (key.state === 'retired') return [...keys];
  if (key.state === 'waiting') return keys.filter((each) => each !== key);
  if (!isForced && keys.filter(isSigning).length === 1) {
    throw new MailError('not-possible-now', `${selector} is the only key that signs`);
  }
  return keys.map((each) => (each === key ? retired(key, publishUntilMs) : each));
}

/** @throws MailError `not-found`; `not-possible-now` for one that is needed still, unless forced. */
export function without(
  keys: readonly DkimKey[],
  selector: string,
  nowMs: number,
  isForced: boolean,
): DkimKey[] {
  const key = keyNamed(keys, selector);
  if (!isForced && !isRemovable(key, nowMs)) {
    const why = key.state === 'retired' ? 'mail it signed may be under way' : 'it is not retired';
    throw new MailError('not-possible-now', `${selector}: ${why}`);
  }
  return keys.filter((each) => each !== key);
}

/** Nobody needs its record any more. */
export function isRemovable({ state, publishUntilMs = 0 }: DkimKey, nowMs: number): boolean {
  return state === 'retired' && publishUntilMs <= nowMs;
}

/** Whether what the DNS says at a selector is this record: the key counts, other tags are the domain's own. */
export function isPublished(recordText: string, found: readonly string[]): boolean {
  // RFC 6376 §3.6.2.2: several records are no record; a verifier may take any of them.
  return found.length === 1 && keyOf(found[0]!) === keyOf(recordText);
}

/** The algorithm and the key of a record. */
function keyOf(text: string): string {
  const tags = new Map<string, string>();
  for (const tag of text.split(';')) {
    const at = tag.indexOf('=');
    if (at > 0) tags.set(tag.slice(0, at).trim(), tag.slice(at + 1).replace(/\s/g, ''));
  }
  // RFC 6376 §3.6.1: k= is rsa where it is not said.
  return `${tags.get('k') ?? 'rsa'} ${tags.get('p') ?? ''}`;
}

function keyNamed(keys: readonly DkimKey[], selector: string): DkimKey {
  const key = keys.find((each) => each.selector === selector);
  if (key === undefined) throw new MailError('not-found', `key ${selector}`);
  return key;
}

function signing({ state: _, publishUntilMs: __, ...key }: DkimKey): DkimKey {
  return key;
}

function retired(key: DkimKey, publishUntilMs: number): DkimKey {
  return { ...key, state: 'retired', publishUntilMs };
}
