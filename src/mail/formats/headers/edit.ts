/**
 * Changes a header without copying the message: the result is a row of views and new fields.
 *
 * Runs in:   engine threads; pure.
 * Invariant: the parts in order are the message; parts that are views share the message's memory.
 */

import type { HeaderScan } from './scan.ts';

/**
 * The message without the fields at `removed` (ascending), as views of its bytes. `added` fields, each with its
 * line break, go after the last field.
 */
export function editHeader(
  scan: HeaderScan,
  removed: readonly number[],
  added: readonly Uint8Array[] = [],
): Uint8Array[] {
  const bytes = scan.bytes;
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const field of removed) {
    const start = scan.nameStart(field);
    if (start > from) parts.push(bytes.subarray(from, start));
    from = scan.rawEnd(field);
  }
  if (added.length > 0) {
    if (scan.headerEnd > from) parts.push(bytes.subarray(from, scan.headerEnd));
    parts.push(...added);
    from = scan.headerEnd;
  }
  if (from === 0) parts.push(bytes);
  else if (from < bytes.length) parts.push(bytes.subarray(from));
  return parts;
}
