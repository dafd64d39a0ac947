/**
 * Reads a failure report: one message that failed DMARC elsewhere.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9991 (DMARC failure reports), RFC 6591 §3.1 and §3.2 (fields), RFC 5965 (the form).
 * Limits:    `fieldsBytesMax` of fields, texts of `textCharsMax`.
 * Invariant: never throws.
 */

import { view } from '../../../base/bytes.ts';
import { fieldsOf } from '../dsn/read-report.ts';
import { decodeTransfer } from '../mime/decode.ts';
import type { Part } from '../mime/structure.ts';

export interface DmarcFailure {
  /** RFC 6591 §3.2.1: `dmarc`, `dkim`, `spf`, … */
  readonly kind: string;
  readonly reporter: string;
  readonly domain: string;
  readonly sourceAddress: string;
  readonly mailFrom: string;
  readonly arrived: string;
  /** RFC 9991 §4: `none`, or which of `dkim` and `spf` are aligned. */
  readonly alignment: string;
  readonly delivery: string;
  readonly results: string;
  /** Of the message itself, where it is returned. */
  readonly headerFrom: string;
  readonly subject: string;
  readonly messageId: string;
}

const fieldsBytesMax = 65_536;
const textCharsMax = 500;

/** Undefined: the mail is no report of a failure. */
export function readDmarcFailure(bytes: Uint8Array, root: Part): DmarcFailure | undefined {
  if (root.type !== 'multipart') return undefined;
  const part = root.children.find(
    ({ type, subtype }) => type === 'message' && subtype === 'feedback-report',
  );
  if (part === undefined) return undefined;
  const fields = fieldsIn(bytes, part);
  const text = (name: string) => clipped(fields.get(name));
  if (!/^auth-failure/i.test(text('feedback-type'))) return undefined;
  const returned = root.children.find(
    ({ type, subtype }) =>
      (type === 'message' && subtype === 'rfc822') ||
      (type === 'text' && subtype === 'rfc822-headers'),
  );
  const header = returned === undefined ? new Map<string, string>() : fieldsIn(bytes, returned);
  return {
    kind: text('auth-failure').toLowerCase(),
    reporter: text('reporting-mta') || text('user-agent'),
    domain: text('reported-domain').toLowerCase(),
    sourceAddress: text('source-ip'),
    mailFrom: text('original-mail-from').replace(/^<(.*)>$/, '$1'),
    arrived: text('arrival-date'),
    alignment: text('identity-alignment').toLowerCase(),
    delivery: text('delivery-result').toLowerCase(),
    results: text('authentication-results'),
    headerFrom: clipped(header.get('from')),
    subject: clipped(header.get('subject')),
    messageId: clipped(header.get('message-id')),
  };
}

function fieldsIn(bytes: Uint8Array, { bodyStart, bodyEnd, encoding }: Part) {
  const raw = bytes.subarray(bodyStart, Math.min(bodyEnd, bodyStart + fieldsBytesMax));
  const text = view(decodeTransfer(raw, encoding)).toString('latin1').replace(/^\s+/, '');
  const end = /\r?\n\r?\n/.exec(text)?.index ?? text.length;
  return fieldsOf(text.slice(0, end));
}

function clipped(text: string | undefined): string {
  return (text ?? '')
    .slice(0, textCharsMax)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, ' ')
    .trim();
}
