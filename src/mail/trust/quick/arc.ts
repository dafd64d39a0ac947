/**
 * Validates ARC chains that are complete and of the usual shape.
 *
 * Runs in:   engine threads; waits for the DNS, blocks for some 30 µs a seal.
 * Specs:     RFC 8617 §4.1 (fields), §5.2 (validation).
 * Limits:    `instancesMax` sets (§4.2.1).
 * Invariant: a chain whose structure is at fault, or whose keys are, has no verdict here.
 */

import { instancesMax } from '../arc.ts';
import { earlierResults } from './arc-results.ts';
import { type CheckParts, checkSignature, type FoundSignature, isSigned, keyFor } from './dkim.ts';
import type { PlainHeader } from './header.ts';
import { readSignature, readSigner, type Signer } from './signature.ts';
import { readTags, type Tags, withoutSpaces } from './tags.ts';

export interface ArcVerdict {
  readonly result: 'none' | 'pass' | 'fail';
  readonly comment: string;
}

interface ArcSet {
  readonly results: number;
  readonly signature: number;
  readonly signatureTags: Tags;
  readonly seal: number;
  readonly sealer: Signer;
}

const instance = /^[0-9]{1,2}$/;
const resultsInstance = /^[ \t\r\n]*i[ \t]*=[ \t]*([0-9]{1,2})[ \t]*;/;

/** What is to be checked of a chain: nothing where a message has none. */
export interface ArcChain {
  readonly sets: readonly ArcSet[];
  /** The newest set's. */
  readonly signature: FoundSignature;
  /** What its maker found. */
  readonly earlier: string;
}

/** Undefined where anything is missing, double or odd. */
export function findChain(header: PlainHeader): ArcChain | 'none' | undefined {
  const sets = setsOf(header);
  const newest = sets?.at(-1);
  if (newest === undefined) return sets && 'none';
  const signature = readSignature(newest.signatureTags, true);
  const earlier = earlierResults(header.value(newest.results));
  if (signature === undefined || earlier === undefined) return undefined;
  return { sets: sets!, signature: { field: newest.signature, signature }, earlier };
}

export async function checkArc(
  chain: ArcChain | 'none',
  parts: CheckParts,
): Promise<ArcVerdict | undefined> {
  if (chain === 'none') return { result: 'none', comment: '' };
  const { sets, signature, earlier } = chain;
  const message = await checkSignature(signature, parts);
  if (message === undefined) return undefined;
  // RFC 8617 §5.2 step 6: from the newest on.
  for (let count = sets.length; count > 0; count--) {
    const isWhole = await isSealed(sets.slice(0, count), parts);
    if (isWhole === undefined) return undefined;
    if (!isWhole) return { result: 'fail', comment: `i=${count} seal signature validation failed` };
  }
  if (message.result !== 'pass') {
    return { result: 'fail', comment: `i=${sets.length} no valid signature` };
  }
  return { result: 'pass', comment: `i=${sets.length}${earlier}` };
}

async function isSealed(
  sets: readonly ArcSet[],
  { header, dns }: CheckParts,
): Promise<boolean | undefined> {
  const { seal, sealer } = sets.at(-1)!;
  const key = await keyFor(sealer, dns);
  if (key === undefined || key === 'missing') return undefined;
  let text = '';
  for (const set of sets) {
    text += header.canonical(set.results, 'relaxed') + header.canonical(set.signature, 'relaxed');
    text +=
      set.seal === seal
        ? header.unsignedText(seal, 'relaxed')
        : header.canonical(set.seal, 'relaxed');
  }
  return isSigned(text, sealer, key);
}

/** From instance 1 on. */
function setsOf(header: PlainHeader): readonly ArcSet[] | undefined {
  const results = header.fields('arc-authentication-results');
  const signatures = header.fields('arc-message-signature');
  const seals = header.fields('arc-seal');
  const { length } = seals;
  if (results.length !== length || signatures.length !== length || length > instancesMax) {
    return undefined;
  }
  const resultsFields = new Map<number, number>();
  for (const field of results) {
    const number = Number(resultsInstance.exec(header.value(field))?.[1] ?? 0);
    resultsFields.set(number, field);
  }
  const signatureFields = byInstance(header, signatures);
  const sealFields = byInstance(header, seals);
  const sets: ArcSet[] = [];
  for (let i = 1; i <= length; i++) {
    const field = resultsFields.get(i);
    const signature = signatureFields.get(i);
    const seal = sealFields.get(i);
    if (field === undefined || signature === undefined || seal === undefined) return undefined;
    const sealer = readSigner(seal.tags);
    const isMade = readSigner(signature.tags) !== undefined;
    const cv = seal.tags.get('cv')?.toLowerCase();
    if (sealer === undefined || !isMade || cv !== (i === 1 ? 'none' : 'pass')) return undefined;
    if (seal.tags.has('h') || signsSeals(signature.tags)) return undefined;
    const fields = { results: field, signature: signature.field, seal: seal.field };
    sets.push({ ...fields, signatureTags: signature.tags, sealer });
  }
  return sets;
}

function byInstance(
  header: PlainHeader,
  fields: readonly number[],
): ReadonlyMap<number, { readonly field: number; readonly tags: Tags }> {
  const found = new Map<number, { readonly field: number; readonly tags: Tags }>();
  for (const field of fields) {
    const tags = readTags(header.value(field));
    const number = tags?.get('i') ?? '';
    if (tags !== undefined && instance.test(number)) found.set(Number(number), { field, tags });
  }
  return found;
}

/** RFC 8617 §4.1.2: seals are not signed by messages' signatures. */
function signsSeals(tags: Tags): boolean {
  return withoutSpaces(tags.get('h') ?? '')
    .toLowerCase()
    .split(':')
    .includes('arc-seal');
}
