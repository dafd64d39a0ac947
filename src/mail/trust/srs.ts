/**
 * Sender rewriting: mail that goes on to another server leaves with a return path of ours, which leads back to the
 * sender it had, and to nobody else's.
 *
 * Runs in:   edge (main thread) and engine threads; pure.
 * Specs:     SRS as "The Sender Rewriting Scheme" (Wong) has it: SRS0 for a sender, SRS1 for one that is rewritten
 *            already; RFC 5321 §4.5.3.1.1 is passed over, as all do.
 * Limits:    local parts of `localBytesMax`; return paths lead back for `validDaysMax`.
 * Invariant: an address leads back only where its hash is right under one of our secrets, so this is no open relay.
 *            Local parts may come back in another case: hash and day compare without it.
 */

import { createHmac, timingSafeEqual } from 'node:crypto';
import { dayMs } from '../../base/units.ts';

export interface SrsKeys {
  /** The newest first: it makes hashes, all are good for checking. */
  readonly secrets: readonly string[];
}

export type Reversed =
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'sender'; readonly localPart: string; readonly domain: string };

/** What our mail may wait elsewhere (five days is the custom), and its bounce on the way back, with room. */
export const validDaysMax = 21;

const localBytesMax = 255;
const hashChars = 8;
const dayCount = 1_024;
const letters = 'abcdefghijklmnopqrstuvwxyz234567';
const isRewritten = /^srs[01][=+-]/i;
const isPlainLocal = /^[^\s"()<>[\]:;@\\,\x00-\x1f\x7f]+$/;
const firstForm = /^srs0[=+-]([a-z2-7]+)=([a-z2-7]{2})=([^=]+)=(.+)$/is;
const secondForm = /^srs1[=+-]([a-z2-7]+)=([^=]+)=(.+)$/is;
/** Those of others: their hash is theirs. */
const foreignSecondForm = /^srs1[=+-][^=]+=([^=]+)=(.+)$/is;

/** The return path of `sender` at `domain`, or undefined where it stays as it is: null, quoted, or too long. */
export function rewriteSender(
  sender: string,
  domain: string,
  keys: SrsKeys,
  nowMs: number,
): string | undefined {
  const at = sender.lastIndexOf('@');
  const [secret] = keys.secrets;
  if (at < 1 || secret === undefined) return undefined;
  const localPart = sender.slice(0, at);
  if (!isPlainLocal.test(localPart)) return undefined;
  const rewritten = `${rewrittenLocal(localPart, sender.slice(at + 1), secret, nowMs)}`;
  return Buffer.byteLength(rewritten) > localBytesMax ? undefined : `${rewritten}@${domain}`;
}

function rewrittenLocal(localPart: string, domain: string, secret: string, nowMs: number): string {
  const second = foreignSecondForm.exec(localPart);
  if (second !== null) {
    // Rewritten twice already: only who is between is another, and that is us.
    const [, first, rest] = second;
    return `SRS1=${hashOf(`${first}=${rest}`, secret)}=${first}=${rest}`;
  }
  if (isRewritten.test(localPart)) {
    const rest = localPart.slice(4);
    return `SRS1=${hashOf(`${domain}=${rest}`, secret)}=${domain}=${rest}`;
  }
  const day = dayOf(nowMs);
  return `SRS0=${hashOf(`${day}=${domain}=${localPart}`, secret)}=${day}=${domain}=${localPart}`;
}

/** Whose mail a local part of ours is a return path for; `none`: it is no return path. */
export function reverseSender(localPart: string, keys: SrsKeys, nowMs: number): Reversed {
  if (!isRewritten.test(localPart)) return { kind: 'none' };
  const first = firstForm.exec(localPart);
  if (first !== null) {
    const [, hash, day, domain, local] = first as unknown as string[];
    const isRight = isHashOf(hash!, `${day}=${domain}=${local}`, keys) && isRecent(day!, nowMs);
    return isRight ? { kind: 'sender', localPart: local!, domain: domain! } : { kind: 'invalid' };
  }
  const [, hash, domain, rest] = (secondForm.exec(localPart) ?? []) as unknown as string[];
  if (hash === undefined || !isHashOf(hash, `${domain}=${rest}`, keys)) return { kind: 'invalid' };
  return { kind: 'sender', localPart: `SRS0${rest}`, domain: domain! };
}

function isHashOf(hash: string, text: string, { secrets }: SrsKeys): boolean {
  if (hash.length !== hashChars) return false;
  const given = Buffer.from(hash.toLowerCase());
  return secrets.some((secret) => timingSafeEqual(given, Buffer.from(hashOf(text, secret))));
}

function hashOf(text: string, secret: string): string {
  const digest = createHmac('sha256', secret).update(text.toLowerCase()).digest();
  let hash = '';
  for (let at = 0; at < hashChars; at++) hash += letters[digest[at]! & 31];
  return hash;
}

/** Days since 1970, round a circle of `dayCount`, as two letters. */
function dayOf(nowMs: number): string {
  const day = Math.floor(nowMs / dayMs) % dayCount;
  return `${letters[day >> 5]}${letters[day & 31]}`;
}

function isRecent(text: string, nowMs: number): boolean {
  const day =
    letters.indexOf(text[0]!.toLowerCase()) * 32 + letters.indexOf(text[1]!.toLowerCase());
  const age = (Math.floor(nowMs / dayMs) - day) % dayCount;
  return (age + dayCount) % dayCount <= validDaysMax;
}
