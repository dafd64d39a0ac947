/**
 * The author domain of a message whose From is of a usual shape.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5322 §3.4 (mailbox), RFC 9989 §5.3.1 (the author domain).
 * Invariant: one field, one mailbox, one way to read it; else `undefined`.
 */

import type { PlainHeader } from './header.ts';
import { plainAddressOf } from './shapes.ts';

const fromCharsMax = 1_024;
/** What precedes `<`: one quoted string, or words without specials. No two neighbours here match one character both. */
const displayName =
  /^(?:"[\x20-\x21\x23-\x3b\x3d\x3f\x41-\x5b\x5d-\x7e]*"[ \t]*|[^\x00-\x08\x0a-\x1f\x7f"(),:;<>@\\[\]]*)$/;
/** RFC 5322 §3.4.1's old way to say a name: behind the address, in one comment of the same characters. */
const withComment = /^([^\s(]+)[ \t]*\([^\x00-\x08\x0a-\x1f\x7f"(),:;<>@\\[\]]*\)$/;
const addressCharacters = /^[^\s"(),:;<>@\\[\]]+@[^\s"(),:;<>@\\[\]]+$/;

/** In lower case. */
export function authorDomain(header: PlainHeader): string | undefined {
  const fields = header.fields('from');
  if (fields.length !== 1) return undefined;
  const value = trimmed(header.value(fields[0]!).replaceAll('\r\n', ''));
  const open = value.lastIndexOf('<');
  const isOpen = open >= 0;
  if (value.length > fromCharsMax || isOpen !== value.endsWith('>')) return undefined;
  const address = isOpen ? value.slice(open + 1, -1) : (withComment.exec(value)?.[1] ?? value);
  if (isOpen && !displayName.test(value.slice(0, open))) return undefined;
  if (!addressCharacters.test(address)) return undefined;
  return plainAddressOf(address)?.domain.toLowerCase();
}

function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t';
}
