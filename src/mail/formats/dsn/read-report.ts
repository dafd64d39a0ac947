/**
 * Reads delivery status notifications: what became of each recipient, whoever wrote it.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 3464 §2 (fields and their order), §2.3.3 (Action), §2.3.4 (Status); RFC 6533 §3 (utf-8 addresses,
 *            message/global-delivery-status), RFC 6522 (multipart/report).
 * Limits:    `statusBytesMax` of a report's status part are read, `recipientsMax` recipients.
 * Invariant: never throws. A recipient is given only with an action: one that is known, or the one its status implies.
 */

import { view } from '../../../base/bytes.ts';
import { mebibyte } from '../../../base/units.ts';
import { decodeTransfer } from '../mime/decode.ts';
import { type Part, scanStructure } from '../mime/structure.ts';
import type { DsnAction } from './report.ts';

const statusBytesMax = 4 * mebibyte;
const recipientsMax = 10_000;
const diagnosticLengthMax = 1_000;

export interface ReadRecipient {
  /** "" where none was given. */
  readonly finalRecipient: string;
  /** What the sender wrote, where the server knows it (ORCPT). */
  readonly originalRecipient?: string;
  readonly action: DsnAction;
  /** RFC 3463 code; "" where none can be read. */
  readonly status: string;
  /** In the words of the server that said so. */
  readonly diagnostic?: string;
}

export interface FoundReport {
  readonly reportingMta: string;
  readonly recipients: readonly ReadRecipient[];
}

/** The recipients a notice tells of; undefined when it is none. */
export function readReport(bytes: Uint8Array): readonly ReadRecipient[] | undefined {
  return findReport(bytes, scanStructure(bytes).root)?.recipients;
}

/** As `readReport`, of a message whose parts are known. */
export function findReport(bytes: Uint8Array, root: Part): FoundReport | undefined {
  const part = statusPart(root);
  if (part === undefined) return undefined;
  const raw = bytes.subarray(
    part.bodyStart,
    Math.min(part.bodyEnd, part.bodyStart + statusBytesMax),
  );
  const text = view(decodeTransfer(raw, part.encoding)).toString('utf8');
  const recipients: ReadRecipient[] = [];
  let reportingMta = '';
  // RFC 3464 §2.1: groups of fields with empty lines between; the first speaks of the message.
  for (const group of text.split(/\r?\n(?:[ \t]*\r?\n)+/)) {
    const fields = fieldsOf(group);
    reportingMta ||= valueAfterType(fields.get('reporting-mta') ?? '');
    const recipient = recipientOf(fields);
    if (recipient !== undefined) recipients.push(recipient);
    if (recipients.length === recipientsMax) break;
  }
  return { reportingMta, recipients };
}

/** RFC 3464 §2.1.2: `type; value`. */
function valueAfterType(field: string): string {
  return field.slice(field.indexOf(';') + 1).trim();
}

/** Of the outermost report; a gateway may have wrapped it, to add a footer. */
function statusPart({ type, subtype, children }: Part): Part | undefined {
  if (type !== 'multipart') return undefined;
  for (const child of children) {
    const isStatus =
      child.subtype === 'delivery-status' || child.subtype === 'global-delivery-status';
    if (subtype === 'report' && child.type === 'message' && isStatus) return child;
    const inside = statusPart(child);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** Unfolded, by names in lower case; of one name the first. */
export function fieldsOf(group: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of group.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    if (!fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

function recipientOf(fields: ReadonlyMap<string, string>): ReadRecipient | undefined {
  const given = fields.get('final-recipient');
  const original = fields.get('original-recipient');
  const status = /(?<!\d)[245]\.\d{1,3}\.\d{1,3}(?!\d)/.exec(fields.get('status') ?? '')?.[0] ?? '';
  const diagnostic = valueAfterType(fields.get('diagnostic-code') ?? '');
  const action = actionOf(fields.get('action') ?? '', status);
  if (action === undefined || (given === undefined && original === undefined)) return undefined;
  return {
    finalRecipient: given === undefined ? '' : addressOf(given),
    ...(original === undefined ? {} : { originalRecipient: addressOf(original) }),
    action,
    status,
    ...(diagnostic === '' ? {} : { diagnostic: diagnostic.slice(0, diagnosticLengthMax) }),
  };
}

const actions: readonly DsnAction[] = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'];
const implied: Readonly<Record<string, DsnAction>> = {
  '5': 'failed',
  '4': 'delayed',
  '2': 'delivered',
};

/** RFC 3464 §2.3.3: without regard to case; a comment may follow. */
function actionOf(text: string, status: string): DsnAction | undefined {
  const [word = ''] = text.toLowerCase().split(/[\s(;]/);
  return actions.find((action) => action === word) ?? implied[status[0] ?? ''];
}

/** RFC 3464 §2.1.2: `type; address`. */
function addressOf(field: string): string {
  const semicolon = field.indexOf(';');
  const address = field
    .slice(semicolon + 1)
    .trim()
    .replace(/^<(.*)>$/, '$1');
  if (field.slice(0, Math.max(0, semicolon)).trim().toLowerCase() !== 'utf-8') return address;
  // RFC 6533 §3: characters of other scripts as `\x{HEX}`.
  return address.replaceAll(/\\x\{([0-9A-F]{2,6})\}/gi, (escaped, hex: string) => {
    const point = Number.parseInt(hex, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : escaped;
  });
}
