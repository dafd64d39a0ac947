/**
 * Signs a message for the domain that stands in its From field, and where operators say so for one of theirs too.
 *
 * Runs in:   engine threads; blocks for about 1 ms per RSA key.
 * Specs:     RFC 6376 §5 (what is signed), RFC 7489 §3.1 (alignment: only the author's domain counts).
 */

import { domainToASCII } from 'node:url';
import { mailboxesOf, parseAddressList } from '../../mail/formats/address/parse.ts';
import { fieldName, findField, nameOf, rawField } from '../../mail/formats/headers/fields.ts';
import { type HeaderScan, scanHeaders } from '../../mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../mail/formats/headers/unfold.ts';
import { bodyHash, type CanonicalForm, type DkimField } from '../../mail/trust/dkim/canonical.ts';
import { isSignedName } from '../../mail/trust/dkim/sign.ts';
import type { Policy } from './policy.ts';

const from = fieldName('from');
const isAscii = /^[ -~]*$/;

/** How bodies were hashed that are not in memory whole. */
export type BodyHashes = ReadonlyMap<CanonicalForm, string>;

/** The forms in which `signaturesFor` needs the body's hash. */
export function formsToSign(
  scan: HeaderScan,
  added: readonly Uint8Array[],
  policy: Policy,
): CanonicalForm[] {
  const signers = signersFor(scan, added, policy);
  return [...new Set(signers.map(({ bodyForm }) => bodyForm))];
}

/** Signature fields, each with its line break; none when the author's domain has no key here. */
export function signaturesFor(
  scan: HeaderScan,
  removed: readonly number[],
  added: readonly Uint8Array[],
  policy: Policy,
  nowMs: number,
  known: BodyHashes = new Map(),
): Uint8Array[] {
  const signers = signersFor(scan, added, policy);
  if (signers.length === 0) return [];
  const fields = signableFields(scan, removed, added);
  const body = [scan.bytes.subarray(scan.bodyStart)];
  const hashes = new Map(known);
  return signers.map((signer) => {
    const hash = hashes.get(signer.bodyForm) ?? bodyHash(body, signer.bodyForm);
    hashes.set(signer.bodyForm, hash);
    return signer.sign(fields, hash, Math.floor(nowMs / 1_000));
  });
}

function signersFor(scan: HeaderScan, added: readonly Uint8Array[], policy: Policy) {
  return policy.signers.get(authorDomain(scan, added)) ?? policy.alsoSigners;
}

/** The domain of the only author, in lower-case A-labels; "" where there is none or several. */
function authorDomain(scan: HeaderScan, added: readonly Uint8Array[]): string {
  const field = findField(scan, from);
  let value: string | undefined;
  if (field >= 0) {
    if (findField(scan, from, field + 1) >= 0) return '';
    value = unfoldedValue(scan, field);
  } else {
    const header = added
      .map((bytes) => scanHeaders(bytes))
      .find((own) => findField(own, from) === 0);
    value = header === undefined ? undefined : unfoldedValue(header, 0);
  }
  if (value === undefined) return '';
  const domains = new Set(
    mailboxesOf(parseAddressList(value)).map(({ domain }) => asciiDomain(domain)),
  );
  return domains.size === 1 ? [...domains][0]! : '';
}

/** `domainToASCII` costs 6 µs, and nearly every domain is ASCII as it stands. */
function asciiDomain(domain: string): string {
  return (isAscii.test(domain) ? domain : domainToASCII(domain)).toLowerCase();
}

function signableFields(
  scan: HeaderScan,
  removed: readonly number[],
  added: readonly Uint8Array[],
): DkimField[] {
  const fields: DkimField[] = [];
  for (let field = 0; field < scan.count; field++) {
    const name = nameOf(scan, field).toLowerCase();
    if (isSignedName(name) && !removed.includes(field)) {
      fields.push({ name, raw: rawField(scan, field) });
    }
  }
  for (const raw of added) fields.push({ name: nameOf(scanHeaders(raw), 0).toLowerCase(), raw });
  return fields;
}
