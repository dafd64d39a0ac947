/**
 * The four messages of a SCRAM exchange, as a server reads and writes them.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5802 §5.1, §7 (grammar), RFC 7677 §3 (SCRAM-SHA-256: the same messages), RFC 5801 §4 (gs2 header).
 * Limits:    messages up to `messageBytesMax`, nonces up to `nonceCharsMax`.
 * Invariant: what is read is read whole: a message with anything more or less than its grammar is undefined. Values
 *            that go into the signed text are kept as they came, never written anew.
 */

import { Buffer } from 'node:buffer';

const messageBytesMax = 8_192;
const nonceCharsMax = 512;

/** What the client says of channel binding: it uses this kind, it could but thinks we cannot (`y`), it cannot (`n`). */
export type BindingFlag =
  | { readonly kind: 'used'; readonly name: string }
  | { readonly kind: 'thought-missing' }
  | { readonly kind: 'none' };

export interface ClientFirst {
  readonly flag: BindingFlag;
  /** Authorization identity; "" where none is given. */
  readonly authorize: string;
  readonly user: string;
  readonly nonce: string;
  /** As it came, with its last comma: the client repeats it under its proof. */
  readonly gs2Header: string;
  /** As it came: part of what is signed. */
  readonly bare: string;
}

export interface ClientFinal {
  /** The gs2 header and what the channel is bound to. */
  readonly binding: Buffer;
  readonly nonce: string;
  readonly proof: Buffer;
  /** As it came: part of what is signed. */
  readonly withoutProof: string;
}

// RFC 5802 §7: printable, no comma.
const nonce = /^[\x21-\x2b\x2d-\x7e]+$/;
/** Names of bindings: letters, digits, period, hyphen. */
const flagPattern = /^(?:(n)|(y)|p=([A-Za-z0-9.-]{1,64}))$/;
/** Whatever follows that we do not know may be left aside (RFC 5802 §5.1: extensions), but it must look like one. */
const extension = /^[A-Za-z]=[^,\0]+$/;

export function parseClientFirst(octets: Buffer): ClientFirst | undefined {
  const text = textOf(octets);
  if (text === undefined) return undefined;
  const [flagText = '', authorizeText = '', ...rest] = text.split(',');
  const flag = parseFlag(flagText);
  const authorize = parseAuthorize(authorizeText);
  if (flag === undefined || authorize === undefined) return undefined;
  // A first attribute `m=` is an extension that must be understood (RFC 5802 §5.1): no name stands in its place.
  const [nameText = '', nonceText = '', ...extensions] = rest;
  if (!nameText.startsWith('n=') || !nonceText.startsWith('r=')) return undefined;
  const user = parseName(nameText.slice(2));
  const given = nonceText.slice(2);
  if (user === undefined || !isNonce(given)) return undefined;
  if (!extensions.every((one) => extension.test(one))) return undefined;
  const gs2Header = `${flagText},${authorizeText},`;
  return { flag, authorize, user, nonce: given, gs2Header, bare: rest.join(',') };
}

export function parseClientFinal(octets: Buffer): ClientFinal | undefined {
  const text = textOf(octets);
  if (text === undefined) return undefined;
  const parts = text.split(',');
  const proofText = parts.pop() ?? '';
  const [bindingText = '', nonceText = '', ...extensions] = parts;
  if (!bindingText.startsWith('c=') || !nonceText.startsWith('r=')) return undefined;
  if (!proofText.startsWith('p=') || !isNonce(nonceText.slice(2))) return undefined;
  if (!extensions.every((one) => extension.test(one))) return undefined;
  const binding = decode(bindingText.slice(2));
  const proof = decode(proofText.slice(2));
  if (binding === undefined || proof === undefined) return undefined;
  return { binding, nonce: nonceText.slice(2), proof, withoutProof: parts.join(',') };
}

export function writeServerFirst(given: {
  readonly nonce: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
}): string {
  return `r=${given.nonce},s=${Buffer.from(given.salt).toString('base64')},i=${given.iterations}`;
}

export function writeServerFinal(signature: Uint8Array): string {
  return `v=${Buffer.from(signature).toString('base64')}`;
}

function parseFlag(text: string): BindingFlag | undefined {
  const match = flagPattern.exec(text);
  if (match === null) return undefined;
  if (match[1] !== undefined) return { kind: 'none' };
  if (match[2] !== undefined) return { kind: 'thought-missing' };
  return { kind: 'used', name: match[3]! };
}

function parseAuthorize(text: string): string | undefined {
  if (text === '') return '';
  return text.startsWith('a=') ? parseName(text.slice(2)) : undefined;
}

/** RFC 5802 §5.1: a comma is `=2C`, an equals sign `=3D`, and no other `=` may stand in a name. */
function parseName(text: string): string | undefined {
  if (text === '' || /=(?!2C|3D)/.test(text)) return undefined;
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function isNonce(text: string): boolean {
  return text.length <= nonceCharsMax && nonce.test(text);
}

function decode(text: string): Buffer | undefined {
  if (text === '' || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text))
    return undefined;
  return Buffer.from(text, 'base64');
}

/** Undefined where the octets are no UTF-8. */
function textOf(octets: Buffer): string | undefined {
  if (octets.length > messageBytesMax) return undefined;
  const text = octets.toString('utf8');
  return Buffer.byteLength(text) === octets.length && !text.includes('\ufffd') ? text : undefined;
}
