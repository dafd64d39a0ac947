/**
 * Writes Authentication-Results of values that need no escapes.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 8601 §2.2 (grammar), RFC 5322 §2.1.1 (lines).
 * Invariant: all texts given are printable US-ASCII without parentheses, quotes, backslashes or semicolons: who asks
 *            has seen to that.
 */

import { latin1 } from '../../../base/bytes.ts';
import { isToken } from './shapes.ts';

export interface ResultRow {
  readonly method: 'dkim' | 'spf' | 'arc' | 'dmarc';
  readonly result: string;
  readonly comments?: readonly string[];
  /** `ptype.property` and value, in order; a value is a token, an address, or gets quotes. */
  readonly properties: readonly (readonly [name: string, value: string])[];
}

/** Lines are folded at the last space before this. */
const lineCharsMax = 160;

export function resultsField(authservId: string, rows: readonly ResultRow[]): Uint8Array {
  const texts = rows.map((row) => `;\r\n ${fold(rowText(row))}`);
  return latin1(`Authentication-Results: ${authservId}${texts.join('')}\r\n`);
}

function rowText({ method, result, comments = [], properties }: ResultRow): string {
  let text = `${method}=${result}`;
  for (const comment of comments) {
    if (comment !== '') text += ` (${comment})`;
  }
  for (const [name, value] of properties) {
    const isPlain = isToken(value) || value.includes('@');
    text += isPlain ? ` ${name}=${value}` : ` ${name}="${value}"`;
  }
  return text;
}

function fold(text: string): string {
  let folded = '';
  let at = 0;
  while (text.length - at >= lineCharsMax) {
    const space = text.lastIndexOf(' ', at + lineCharsMax - 1);
    const next = space > at ? space : text.indexOf(' ', at + lineCharsMax);
    const end = next < 0 ? text.length : next;
    folded += text.slice(at, end);
    at = end;
    if (at < text.length) folded += '\r\n';
  }
  return folded + text.slice(at);
}
