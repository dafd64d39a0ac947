/**
 * A message with the changes done to it that scanners asked for.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5322 §2.2 (fields), RFC 2047 (what is not ASCII is encoded).
 * Invariant: fields that stay are not touched. Fields are counted as the message came: one that is taken out moves no
 *            other. No value ends its field. A new body is in SMTP's canonical form, whatever a scanner gave.
 */

import { concat, emptyBytes, latin1 } from '../../base/bytes.ts';
import { encodedField } from '../../mail/formats/headers/encode.ts';
import { nameOf, rawField } from '../../mail/formats/headers/fields.ts';
import { type HeaderLimits, HeaderScan } from '../../mail/formats/headers/scan.ts';
import type { ScanEdit } from '../../ports/content-scanner.ts';

interface Field {
  /** In lower case; "" for a line that is no field. */
  readonly name: string;
  /** Empty: it was taken out. */
  raw: Uint8Array;
  /** It came with the message. */
  readonly isOwn: boolean;
}

/** Changes of a message, not of its envelope. */
const ofMessage: ReadonlySet<ScanEdit['kind']> = new Set([
  'add-field',
  'change-field',
  'remove-fields',
  'replace-body',
]);

function changesMessage({ kind }: ScanEdit): boolean {
  return ofMessage.has(kind);
}

/** `message` has the whole header; itself where nothing changes, else new bytes. */
export function withEdits(
  message: Uint8Array,
  edits: readonly ScanEdit[],
  limits: HeaderLimits,
): Uint8Array {
  if (!edits.some(changesMessage)) return message;
  const scan = new HeaderScan();
  // What will be refused for its header is not worth a change.
  if (!scan.scan(message, limits)) return message;
  const fields: Field[] = [];
  for (let field = 0; field < scan.count; field++) {
    const name = nameOf(scan, field).toLowerCase();
    // A first line that is no field: the message has no header to change.
    if (name === '' && field === 0) return message;
    fields.push({ name, raw: rawField(scan, field), isOwn: true });
  }
  let rest = message.subarray(scan.headerEnd);
  for (const edit of edits) {
    if (edit.kind === 'replace-body') rest = concat([latin1('\r\n'), canonical(edit.body)]);
    else editFields(fields, edit);
  }
  return concat([...fields.map(({ raw }) => raw), rest]);
}

function editFields(fields: Field[], edit: ScanEdit): void {
  switch (edit.kind) {
    case 'add-field': {
      const { name, at = fields.length } = edit;
      fields.splice(at, 0, { name: name.toLowerCase(), raw: rawOf(edit), isOwn: false });
      return;
    }
    case 'change-field': {
      const wanted = edit.name.toLowerCase();
      let left = edit.nth;
      const found = fields.find(({ name, isOwn }) => isOwn && name === wanted && --left === 0);
      if (found !== undefined) found.raw = edit.value === '' ? emptyBytes : rawOf(edit);
      // RFC-less, as MTAs have it: a field that is not there is added.
      else if (edit.value !== '') fields.push({ name: wanted, raw: rawOf(edit), isOwn: false });
      return;
    }
    case 'remove-fields':
      for (const field of fields) {
        if (field.isOwn && field.name === edit.name.toLowerCase()) field.raw = emptyBytes;
      }
  }
}

/** A folded value keeps its folds: a signature may be over them. */
function rawOf({ name, value }: { readonly name: string; readonly value: string }): Uint8Array {
  const isPlain = /^[\t\r\n -~]*$/.test(value) && !/[^\r\n]{900}/.test(value);
  return latin1(isPlain ? `${name}: ${value}\r\n` : encodedField(name, value));
}

const cr = 13;
const lf = 10;

/** Each line ended by CRLF, the last one too: a lone LF would end a message early where it goes on from here. */
function canonical(body: Uint8Array): Uint8Array {
  let missing = body.length === 0 || body.at(-1) === lf || body.at(-1) === cr ? 0 : 2;
  for (let at = 0; at < body.length; at++) {
    if (body[at] === lf && body[at - 1] !== cr) missing++;
    else if (body[at] === cr && body[at + 1] !== lf) missing++;
  }
  if (missing === 0) return body;
  const whole = new Uint8Array(body.length + missing);
  let to = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]!;
    if (byte === lf && body[at - 1] !== cr) whole[to++] = cr;
    whole[to++] = byte;
    if (byte === cr && body[at + 1] !== lf) whole[to++] = lf;
  }
  if (to < whole.length) whole.set([cr, lf], to);
  return whole;
}
