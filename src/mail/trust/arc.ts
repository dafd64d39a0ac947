/**
 * Seals mail that goes on to another server: what we found out about it stays known when SPF and DKIM break on the way.
 *
 * Runs in:   engine threads; blocks for about 1 ms (two RSA signatures).
 * Specs:     RFC 8617 §4.1 (fields), §5.1 (sealing), §5.1.1 (signed fields), §5.1.2 (a chain that fails), RFC 8301.
 * Limits:    `instancesMax` sets (§4.2.1); a message with more is not sealed.
 * Invariant: what is sealed is the message as it leaves: no field that is signed here is edited afterwards. `l=` is
 *            never written.
 */

import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { assert } from '../../base/assert.ts';
import { view } from '../../base/bytes.ts';
import { fieldName, isField, nameOf, rawField } from '../formats/headers/fields.ts';
import { type HeaderScan, scanHeaders } from '../formats/headers/scan.ts';
import { bodyHash, canonicalField } from './dkim/canonical.ts';
import { foldBase64, foldNames, isSignedName, relaxedHead } from './dkim/sign.ts';

export const instancesMax = 50;

const resultsName = fieldName('arc-authentication-results');
const signatureName = fieldName('arc-message-signature');
const sealName = fieldName('arc-seal');
const ownResultsName = 'Authentication-Results:';
const instanceTag = /(?:^|;)\s*i\s*=\s*(\d{1,3})\s*(?:;|$)/;
const failedTag = /(?:^|;)\s*cv\s*=\s*fail\s*(?:;|$)/i;

export interface ArcSealerOptions {
  /** A-labels. */
  readonly domain: string;
  readonly selector: string;
  /** PKCS#8 of an RSA key: RFC 8617 knows no other. */
  readonly privatePem: string;
}

export interface WhatToSeal {
  /** As it came. */
  readonly message: Uint8Array;
  /** Our Authentication-Results field about it, with its line break. */
  readonly results: Uint8Array;
  /** What the chain in it came to: `none`, `pass` or `fail`. */
  readonly verdict: string;
  readonly nowSeconds: number;
}

/** One set of ARC fields as found: raw, each with its line break. */
interface ArcSet {
  results?: Uint8Array;
  signature?: Uint8Array;
  seal?: Uint8Array;
}

interface Chain {
  readonly sets: readonly ArcSet[];
  readonly isWhole: boolean;
}

export class ArcSealer {
  readonly #options: ArcSealerOptions;
  readonly #key: KeyObject;

  constructor(options: ArcSealerOptions) {
    this.#options = options;
    this.#key = createPrivateKey(options.privatePem);
    assert(this.#key.asymmetricKeyType === 'rsa', `key of ${options.selector} must be rsa`);
  }

  /** A set of fields to put before all others; undefined where a chain is not to go on. */
  seal({ message, results, verdict, nowSeconds }: WhatToSeal): Uint8Array | undefined {
    const scan = scanHeaders(message);
    const isHeaderless = scan.count === 0 || scan.nameEnd(0) === scan.nameStart(0);
    const chain = isHeaderless ? undefined : chainOf(scan);
    if (chain === undefined) return undefined;
    const instance = chain.sets.length + 1;
    const cv = validation(chain, verdict);
    if (cv === undefined) return undefined;
    const value = view(results).toString('latin1').slice(ownResultsName.length);
    const arcResults = `ARC-Authentication-Results: i=${instance};${value}`;
    const signature = this.#signature(scan, instance, nowSeconds);
    const { domain, selector } = this.#options;
    const head =
      `ARC-Seal: i=${instance}; a=rsa-sha256; t=${nowSeconds}; cv=${cv};\r\n` +
      `\td=${domain}; s=${selector};\r\n\tb=`;
    // RFC 8617 §5.1.2: of a chain that fails, only the own set is sealed.
    const before = cv === 'fail' ? '' : chain.sets.map(canonicalSet).join('');
    const own = [arcResults, signature].map((text) => relaxed(text)).join('');
    const seal = `${head}${this.#sign(before + own + relaxedHead(head, 'ARC-Seal'))}\r\n`;
    return Buffer.from(seal + signature + arcResults, 'latin1');
  }

  #signature(scan: HeaderScan, instance: number, nowSeconds: number): string {
    const names: string[] = [];
    let input = '';
    for (let field = scan.count - 1; field >= 0; field--) {
      const name = nameOf(scan, field).toLowerCase();
      // RFC 8617 §4.1.2: signatures of others are signed too; results and other ARC fields never are.
      if (!isSignedName(name) && name !== 'dkim-signature') continue;
      names.push(name);
      input += canonicalField(rawField(scan, field), 'relaxed');
    }
    names.push('from');
    const { domain, selector } = this.#options;
    const hash = bodyHash([scan.bytes.subarray(scan.bodyStart)], 'relaxed');
    const head =
      `ARC-Message-Signature: i=${instance}; a=rsa-sha256; c=relaxed/relaxed;\r\n` +
      `\td=${domain}; s=${selector}; t=${nowSeconds};\r\n` +
      `\th=${foldNames(names)};\r\n\tbh=${hash};\r\n\tb=`;
    const whole = input + relaxedHead(head, 'ARC-Message-Signature');
    return `${head}${this.#sign(whole)}\r\n`;
  }

  #sign(input: string): string {
    return foldBase64(sign('sha256', Buffer.from(input, 'latin1'), this.#key).toString('base64'));
  }
}

/**
 * Whether a chain that passed was sealed by trusted domains alone, the first of which found DMARC to pass (RFC 8617
 * §7.2.1, RFC 9989 §5.4). `trusted` in lower case.
 */
export function isVouchedFor(message: Uint8Array, trusted: ReadonlySet<string>): boolean {
  const chain = chainOf(scanHeaders(message));
  const [first] = chain?.sets ?? [];
  if (first === undefined || !chain!.isWhole) return false;
  const isTrusted = ({ seal }: ArcSet) =>
    trusted.has(domainTag.exec(textOf(seal!))?.[1]?.toLowerCase() ?? '');
  return chain!.sets.every(isTrusted) && saysPass(textOf(first.results!));
}

const methodPatterns = { arc: /^\s*arc\s*=\s*(\w+)/i, dmarc: /^\s*dmarc\s*=\s*(\w+)/i };
const domainTag = /(?:^|;)[ \t]*d[ \t]*=[ \t]*([^ \t;]+)[ \t]*(?:;|$)/;

/** One verdict of DMARC, a pass. */
function saysPass(results: string): boolean {
  return resultOf(results, 'dmarc') === 'pass';
}

/**
 * What a field of results says of a method, in lower case; undefined: nothing, or several things. What stands in
 * comments and quotes is whatever a peer called itself.
 */
export function resultOf(results: string, method: 'arc' | 'dmarc'): string | undefined {
  let plain = '';
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < results.length; at++) {
    const char = results[at]!;
    if (char === '\\') at++;
    else if (isQuoted) isQuoted = char !== '"';
    else if (char === '"' && depth === 0) isQuoted = true;
    else if (char === '(') depth++;
    else if (char === ')' && depth > 0) depth--;
    else if (depth === 0) plain += char;
  }
  const verdicts = plain.split(';').flatMap((part) => methodPatterns[method].exec(part)?.[1] ?? []);
  return verdicts.length === 1 ? verdicts[0]!.toLowerCase() : undefined;
}

/** RFC 8617 §5.1: what the new seal says of the chain before it; undefined: it is not to go on. */
function validation({ sets, isWhole }: Chain, verdict: string): string | undefined {
  const newest = sets.at(-1);
  if (newest === undefined) return verdict === 'none' ? 'none' : undefined;
  // A chain that was found broken stays as it is: one seal said so.
  if (newest.seal !== undefined && failedTag.test(textOf(newest.seal))) return undefined;
  if (verdict === 'fail') return 'fail';
  return verdict === 'pass' && isWhole ? 'pass' : undefined;
}

/** Sets by instance, from 1; undefined where they cannot be told, or are too many. */
function chainOf(scan: HeaderScan): Chain | undefined {
  const sets: ArcSet[] = [];
  let isWhole = true;
  for (let field = 0; field < scan.count; field++) {
    const part = partOf(scan, field);
    if (part === undefined) continue;
    const raw = rawField(scan, field);
    const instance = Number(instanceTag.exec(textOf(raw))?.[1] ?? 0);
    if (instance < 1 || instance >= instancesMax) return undefined;
    while (sets.length < instance) sets.push({});
    const set = sets[instance - 1]!;
    if (set[part] !== undefined) isWhole = false;
    set[part] = raw;
  }
  const isFull = ({ results, signature, seal }: ArcSet) =>
    results !== undefined && signature !== undefined && seal !== undefined;
  return { sets, isWhole: isWhole && sets.every(isFull) };
}

function partOf(scan: HeaderScan, field: number): keyof ArcSet | undefined {
  if (isField(scan, field, sealName)) return 'seal';
  if (isField(scan, field, signatureName)) return 'signature';
  return isField(scan, field, resultsName) ? 'results' : undefined;
}

function textOf(raw: Uint8Array): string {
  const text = view(raw).toString('latin1');
  return text.slice(text.indexOf(':') + 1).replace(/\r?\n/g, '');
}

/** RFC 8617 §5.1.1: results, signature and seal of each set, in this order. */
function canonicalSet({ results, signature, seal }: ArcSet): string {
  return [results!, signature!, seal!].map((raw) => canonicalField(raw, 'relaxed')).join('');
}

function relaxed(text: string): string {
  return canonicalField(Buffer.from(text, 'latin1'), 'relaxed');
}
