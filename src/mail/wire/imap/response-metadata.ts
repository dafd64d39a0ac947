/**
 * Writes METADATA responses.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5464 §4.4.
 */

import { parenClose, space } from './octets.ts';
import type { ResponseWriter } from './response.ts';

/** `* METADATA INBOX (/shared/comment "x")`; null is NIL. Nothing is written for no entries. */
export function writeMetadata<Handle>(
  writer: ResponseWriter<Handle>,
  mailbox: string,
  values: readonly (readonly [entry: string, value: Uint8Array | null])[],
): void {
  if (values.length === 0) return;
  startMetadata(writer, mailbox);
  writer.text(' (');
  values.forEach(([entry, value], i) => {
    if (i > 0) writer.octet(space);
    writer.astring(entry).octet(space);
    if (value === null) writer.text('NIL');
    else if (value.includes(0)) writer.literal8(value);
    else writer.stringBytes(value);
  });
  writer.octet(parenClose).crlf();
}

/** `* METADATA INBOX /shared/comment`: changed, and the client may ask what to. */
export function writeMetadataChanged<Handle>(
  writer: ResponseWriter<Handle>,
  mailbox: string,
  entries: readonly string[],
): void {
  if (entries.length === 0) return;
  startMetadata(writer, mailbox);
  for (const entry of entries) writer.octet(space).astring(entry);
  writer.crlf();
}

/** The server's own have no mailbox. */
function startMetadata<Handle>(writer: ResponseWriter<Handle>, mailbox: string): void {
  writer.text('* METADATA ');
  if (mailbox === '') writer.string('');
  else writer.mailbox(mailbox);
}
