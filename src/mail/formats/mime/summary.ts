/**
 * All that is worked out once when a message is stored, so that no FETCH, SORT or THREAD ever parses it again.
 *
 * Runs in:   engine threads (about 20 µs for a message of a few kB); pure.
 * Specs:     RFC 9051 §7.5.2, RFC 8970, RFC 5256, RFC 5957.
 * Invariant: plain data; never throws, whatever the bytes.
 */

import { Buffer } from 'node:buffer';
import { messageIds } from '../headers/message-ids.ts';
import { packThreadHashes, threadHashes } from '../headers/thread-ids.ts';
import { writeBody } from './body-structure.ts';
import { readEnvelopeFields, writeEnvelope } from './envelope.ts';
import { type PartPlace, partTable } from './part-table.ts';
import { previewOf } from './preview.ts';
import { type SortKeys, sortKeys } from './sort-keys.ts';
import { type Part, scanStructure } from './structure.ts';

export interface MessageSummary {
  /** Wire-ready, as UTF-8: parenthesised lists, literals where needed. */
  readonly envelope: Uint8Array;
  readonly bodyStructure: Uint8Array;
  readonly body: Uint8Array;
  readonly parts: readonly PartPlace[];
  readonly preview: string;
  readonly sort: SortKeys;
  /** Without angle brackets; "" where there is none. */
  readonly messageId: string;
  readonly inReplyTo: readonly string[];
  readonly references: readonly string[];
  /** As `threadHashes` has them, packed. */
  readonly threadHashes: Uint8Array;
  /** A part is an attachment, or has a file name and is no text. */
  readonly hasAttachment: boolean;
  /** The message went past a limit of the scanner: some of it is shown as one piece. */
  readonly isTruncated: boolean;
}

export function summarise(bytes: Uint8Array): MessageSummary {
  const structure = scanStructure(bytes);
  const { header, root } = structure;
  const fields = readEnvelopeFields(header);
  return {
    envelope: Buffer.from(writeEnvelope(fields), 'utf8'),
    bodyStructure: Buffer.from(writeBody(root, true), 'utf8'),
    body: Buffer.from(writeBody(root, false), 'utf8'),
    parts: partTable(structure),
    preview: previewOf(bytes, root),
    sort: sortKeys(fields),
    messageId: messageIds(fields.messageId ?? '')[0] ?? '',
    inReplyTo: messageIds(fields.inReplyTo ?? ''),
    references: messageIds(fields.references ?? ''),
    threadHashes: packThreadHashes(threadHashes(fields)),
    hasAttachment: hasAttachment(root),
    isTruncated: structure.isTruncated,
  };
}

function hasAttachment(part: Part): boolean {
  if (part.type === 'multipart') return part.children.some(hasAttachment);
  if (part.disposition !== undefined) return part.disposition.value !== 'inline';
  if (part.message !== undefined) return true;
  return (
    part.type !== 'text' && part.contentType.parameters.some(({ name }) => name.startsWith('name'))
  );
}
