/**
 * Writes status responses: OK, NO, BAD, PREAUTH, BYE with their codes, and continuations.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §7.1 (status responses and codes), §7.6 (continuations); RFC 4315 §3 (APPENDUID,
 *            COPYUID); RFC 7162 §3.1.3 (MODIFIED).
 * Invariant: no text, whosever it is, ends its line or is taken for a code.
 */

import type { ResponseWriter } from './response.ts';
import { writeSet } from './response-data.ts';

export type Condition = 'BAD' | 'BYE' | 'NO' | 'OK' | 'PREAUTH';

/** Tag of an untagged response. */
export const untagged = '*';

const textCharactersMax = 400;

/** `code` is without brackets: `TRYCREATE`, `UIDNEXT 12`; "" is none. */
export function writeStatus<Handle>(
  writer: ResponseWriter<Handle>,
  tag: string,
  condition: Condition,
  code: string,
  text: string,
): void {
  writeStart(writer, tag, condition);
  if (code !== '') writer.text('[').text(code).text('] ');
  writeText(writer, text, code !== '');
}

/** `tag OK [COPYUID validity sources targets] text`; the ranges are of equal count, in the order copied. */
export function writeCopyUid<Handle>(
  writer: ResponseWriter<Handle>,
  tag: string,
  uidValidity: number,
  sources: readonly number[],
  targets: readonly number[],
  text: string,
): void {
  writeStart(writer, tag, 'OK');
  writer.text('[COPYUID ').number(uidValidity).text(' ');
  writeSet(writer, sources);
  writer.text(' ');
  writeSet(writer, targets);
  writer.text('] ');
  writeText(writer, text, true);
}

/** `tag OK [APPENDUID validity uids] text`. */
export function writeAppendUid<Handle>(
  writer: ResponseWriter<Handle>,
  tag: string,
  uidValidity: number,
  uids: readonly number[],
  text: string,
): void {
  writeStart(writer, tag, 'OK');
  writer.text('[APPENDUID ').number(uidValidity).text(' ');
  writeSet(writer, uids);
  writer.text('] ');
  writeText(writer, text, true);
}

/** `tag OK [MODIFIED set] text`: those that a conditional STORE left alone. */
export function writeModified<Handle>(
  writer: ResponseWriter<Handle>,
  tag: string,
  condition: 'NO' | 'OK',
  ranges: readonly number[],
  text: string,
): void {
  writeStart(writer, tag, condition);
  writer.text('[MODIFIED ');
  writeSet(writer, ranges);
  writer.text('] ');
  writeText(writer, text, true);
}

/** `+ text`: the client may go on. */
export function writeContinuation<Handle>(writer: ResponseWriter<Handle>, text: string): void {
  writer.text('+ ');
  writeText(writer, text, false);
}

function writeStart<Handle>(
  writer: ResponseWriter<Handle>,
  tag: string,
  condition: Condition,
): void {
  writer.text(tag).text(' ').text(condition).text(' ');
}

/** RFC 9051 §9: resp-text is text; RFC 3501's has no octets above 127. */
function writeText<Handle>(writer: ResponseWriter<Handle>, text: string, hasCode: boolean): void {
  const cut = text.length > textCharactersMax ? text.slice(0, textCharactersMax) : text;
  const plain = cut.replace(/[^\x20-\x7e]/g, '?');
  // Without a code, an opening bracket would begin one.
  if (!hasCode && plain.startsWith('[')) writer.text('-');
  writer.text(plain).text('\r\n');
}
