/**
 * Reads a complaint: a report of a provider that a reader called a message unwanted.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5965 (multipart/report, message/feedback-report), RFC 6650 §4 (what is done with it), RFC 2369.
 * Limits:    `reportBytesMax` of the report's fields, `originalBytesMax` of the message it returns.
 * Invariant: never throws. What it names are claims: who may make them is decided by whom it was sent to.
 */

import { view } from '../../../base/bytes.ts';
import { fieldsOf } from '../dsn/read-report.ts';
import { decodeTransfer } from '../mime/decode.ts';
import type { Part } from '../mime/structure.ts';
import { addressesIn } from './addresses-in.ts';

const reportBytesMax = 65_536;
const originalBytesMax = 65_536;
const typeLengthMax = 40;
const reporterLengthMax = 300;

export interface Complaint {
  /** In lower case: abuse, fraud, virus, not-spam, opt-out, other, or as given. */
  readonly type: string;
  readonly reporter: string;
  /** Whom it is of, where it says so. */
  readonly recipients: readonly string[];
  /** The return paths of the message complained of. */
  readonly returnPaths: readonly string[];
  /** Of its one-click unsubscription, as it stands in its URL; "" where there is none. */
  readonly unsubscribe: string;
}

export function readComplaint(bytes: Uint8Array, root: Part): Complaint | undefined {
  const report = partWith(
    root,
    (part) => part.type === 'message' && part.subtype === 'feedback-report',
  );
  const original = partWith(
    root,
    (part) =>
      (part.type === 'message' && part.subtype === 'rfc822') ||
      (part.type === 'text' && part.subtype === 'rfc822-headers'),
  );
  const header = original === undefined ? new Map<string, string>() : headerOf(bytes, original);
  // Outlook.com's reports are the message in a mail of its own, with whom it was for in a field.
  const outlook = header.get('x-hmxmroriginalrecipient');
  if (report === undefined && outlook === undefined) return undefined;
  const fields = report === undefined ? new Map<string, string>() : partFields(bytes, report);
  const recipientFields = [
    ...[fields.get('original-rcpt-to'), fields.get('removal-recipient'), outlook],
    ...[header.get('x-original-to'), header.get('delivered-to'), header.get('to')],
  ];
  const { type = outlook === undefined ? 'other' : 'abuse' } = {
    type: fields.get('feedback-type'),
  };
  return {
    type: (type.toLowerCase().split(/[\s(;]/)[0] ?? '').slice(0, typeLengthMax),
    reporter: (fields.get('reporting-mta') ?? fields.get('user-agent') ?? '').slice(
      0,
      reporterLengthMax,
    ),
    recipients: recipientFields.flatMap((value) => addressesIn(value ?? '')),
    returnPaths: addressesIn(
      `${fields.get('original-mail-from') ?? ''} ${header.get('return-path') ?? ''} ${header.get('x-sender') ?? ''}`,
    ),
    unsubscribe:
      /\/u\/([A-Za-z0-9_-]{1,700})/.exec(header.get('list-unsubscribe') ?? '')?.[1] ?? '',
  };
}

function headerOf(bytes: Uint8Array, { bodyStart, bodyEnd, encoding }: Part) {
  const raw = bytes.subarray(bodyStart, Math.min(bodyEnd, bodyStart + originalBytesMax));
  const text = view(decodeTransfer(raw, encoding)).toString('latin1');
  const end = /\r?\n\r?\n/.exec(text)?.index ?? text.length;
  return fieldsOf(text.slice(0, end));
}

function partFields(bytes: Uint8Array, { bodyStart, bodyEnd, encoding }: Part) {
  const raw = bytes.subarray(bodyStart, Math.min(bodyEnd, bodyStart + reportBytesMax));
  return fieldsOf(view(decodeTransfer(raw, encoding)).toString('latin1').replace(/^\s+/, ''));
}

/** The outermost, first in order; not inside what is returned. */
function partWith(part: Part, isIt: (part: Part) => boolean): Part | undefined {
  if (isIt(part)) return part;
  if (part.type !== 'multipart') return undefined;
  for (const child of part.children) {
    const found = partWith(child, isIt);
    if (found !== undefined) return found;
  }
  return undefined;
}
