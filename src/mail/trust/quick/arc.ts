/**
 * Validates ARC chains that are complete and of the usual shape.
 *
 * Runs in:   engine threads; waits for the DNS, blocks for some 30 µs a seal.
 * Specs:     RFC 8617 §4.1 (fields), §5.2 (validation).
 * Limits:    `instancesMax` sets (§4.2.1).
 * Invariant: a chain whose structure is at fault, or whose keys are, has no verdict here.
 */

import type { Dns } from '../../../ports/dns.ts';
import { instancesMax } from '../arc.ts';
import { earlierResults } from './arc-results.ts';
import { type CheckParts, checkSignature, isSigned, keyFor } from './dkim.ts';
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

export async function checkArc(parts: CheckParts): Promise<ArcVerdict | undefined> {
  const { header, dns } = parts;
  const sets = chainOf(header);
  if (sets === undefined) return undefined;
  const newest = sets.at(-1);
  if (newest === undefined) return { result: 'none', comment: '' };
  const signature = readSignature(newest.signatureTags, true);
  if (signature === undefined) return undefined;
  const message = await checkSignature(newest.signature, signature, parts);
  if (message === undefined) return undefined;
  // RFC 8617 §5.2 step 6: from the newest on.
  for (let count = sets.length; count > 0; count--) {
    const isWhole = await isSealed(sets.slice(0, count), header, dns);
    if (isWhole === undefined) return undefined;
    if (!isWhole) return { result: 'fail', comment: `i=${count} seal signature validation failed` };
  }
  if (message.result !== 'pass') {
    return { result: 'fail', comment: `i=${sets.length} no valid signature` };
  }
  const found = earlierResults(header.value(newest.results));
  return found === undefined ? undefined : { result: 'pass', comment: `i=${sets.length}${found}` };
}

async function isSealed(
  sets: readonly ArcSet[],
  header: PlainHeader,
  dns: Dns,
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

/** Sets from 1 on; none where the message has no ARC fields; undefined where anything is missing, double or odd. */
function chainOf(header: PlainHeader): readonly ArcSet[] | undefined {
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
