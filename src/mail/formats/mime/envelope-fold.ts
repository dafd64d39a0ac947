/**
 * Fields of an ENVELOPE as searches compare them, without strings where they are ASCII.
 *
 * Runs in:   engine threads; pure; hot: once per message and field that is searched the first time.
 * Specs:     RFC 9051 §6.4.4, §7.5.2; RFC 2047 (encoded words are decoded).
 * Invariant: what is appended is `casemap(envelopeField(envelope, place))`.
 */

import type { Buffer } from 'node:buffer';
import type { FoldedOctets } from '../text/folded-octets.ts';
import {
  afterItem,
  type EnvelopePlace,
  envelopeField,
  envelopePlaces,
  isNil,
} from './envelope-text.ts';

const parenOpen = 40;
const quote = 34;
const backslash = 92;
const equals = 61;
const questionMark = 63;
const space = 32;
const comma = 44;
const atSign = 64;
const angleOpen = 60;
const angleClose = 62;
const braceOpen = 123;

/**
 * Whether the message has the field: it is appended to `out` then. `start`, `stop`: where in the octets the envelope
 * begins and ends.
 */
export function foldEnvelopeField(
  envelope: Buffer,
  start: number,
  stop: number,
  place: EnvelopePlace,
  out: FoldedOctets,
): boolean {
  const at = itemAt(envelope, start, stop, place);
  const first = envelope[at];
  if (first !== parenOpen && isNil(envelope, at)) return false;
  const { length } = out;
  const end =
    first === parenOpen ? foldAddresses(envelope, at, out) : foldQuoted(envelope, at, out);
  if (end < 0) {
    // Encoded words, literals and groups are rare.
    out.length = length;
    out.text(envelopeField(envelope.subarray(start, stop), place) ?? '');
  }
  return true;
}

function itemAt(envelope: Buffer, start: number, stop: number, place: EnvelopePlace): number {
  const last = place === envelopePlaces['MESSAGE-ID'] ? lastQuoted(envelope, start, stop) : -1;
  if (last >= 0) return last;
  let at = start + 1;
  for (let i = 0; i < place; i++) at = afterItem(envelope, at) + 1;
  return at;
}

/** Where the last item begins; -1: it is not as plain as that. */
function lastQuoted(envelope: Buffer, start: number, stop: number): number {
  // Before the parenthesis that ends all.
  let at = stop - 2;
  if (envelope[at] !== quote) return -1;
  // A literal may end like anything.
  const brace = envelope.indexOf(braceOpen, start);
  if (brace >= 0 && brace < stop) return -1;
  for (at--; at > start && envelope[at] !== quote; at--);
  // One that is escaped has a backslash before it.
  return envelope[at - 1] === space ? at : -1;
}

/** Appends what is quoted at `start`; after it, or -1: it is not as plain as that. */
function foldQuoted(envelope: Buffer, start: number, out: FoldedOctets): number {
  if (envelope[start] !== quote) return -1;
  let from = start + 1;
  let at = from;
  for (; ; at++) {
    const octet = envelope[at];
    if (octet === quote) break;
    if (octet === equals && envelope[at + 1] === questionMark) return -1;
    if (octet !== backslash) continue;
    out.ascii(envelope, from, at);
    // What is escaped stands for itself.
    from = at + 1;
    at++;
  }
  out.ascii(envelope, from, at);
  return at + 1;
}

/** `Name <local@host>, local@host`. */
function foldAddresses(envelope: Buffer, start: number, out: FoldedOctets): number {
  let at = start + 1;
  for (let isFirst = true; envelope[at] === parenOpen; isFirst = false) {
    if (!isFirst) {
      out.octet(comma);
      out.octet(space);
    }
    at++;
    const isNamed = !isNil(envelope, at);
    if (isNamed) {
      at = foldQuoted(envelope, at, out);
      if (at < 0) return -1;
      out.octet(space);
      out.octet(angleOpen);
    } else at += 3;
    at = afterItem(envelope, at + 1) + 1;
    at = foldQuoted(envelope, at, out);
    if (at < 0) return -1;
    out.octet(atSign);
    at = foldQuoted(envelope, at + 1, out);
    if (at < 0) return -1;
    if (isNamed) out.octet(angleClose);
    at++;
  }
  return at;
}
