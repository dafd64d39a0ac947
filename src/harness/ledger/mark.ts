/**
 * The mark that makes a message recognisable wherever it turns up: its id and the hash of its body.
 *
 * Runs in:   load generator, sink, ledger; any thread.
 * Specs:     RFC 5322 §2.1 (the body begins after the first empty line).
 * Invariant: only the body is hashed: servers may add header fields, none may touch the body.
 */

import { Buffer } from 'node:buffer';
import { createHash, hash } from 'node:crypto';
import { byteLength, latin1, view } from '../../base/bytes.ts';

const markName = 'X-Chaski-Ledger';

/**
 * `sha256` is base64url of the hash of the body as SMTP's canonical form has it, dots unstuffed.
 */
export interface Mark {
  readonly id: string;
  readonly sha256: string;
}

const markStart = latin1(`${markName}: `);
const headerEnd = latin1('\r\n\r\n');
const markPattern = /^([\w.-]{1,64}) sha256=([\w-]{43})$/;
const markBytesMax = 200;
/** Up to here copying the parts together is cheaper than a hash object. */
const oneShotBytesMax = 64 * 1024;

export function markLine(mark: Mark): string {
  return `${markName}: ${mark.id} sha256=${mark.sha256}\r\n`;
}

/** The first mark at or after `from`, whether it stands in the header or in a part of the body. */
export function findMark(message: Uint8Array, from = 0): Mark | undefined {
  const bytes = view(message);
  const at = bytes.indexOf(markStart, from);
  if (at === -1) return undefined;
  const start = at + markStart.length;
  const end = bytes.indexOf('\r\n', start, 'latin1');
  if (end === -1 || end - start > markBytesMax) return undefined;
  const match = markPattern.exec(bytes.toString('latin1', start, end));
  return match === null ? undefined : { id: match[1]!, sha256: match[2]! };
}

/** Where the body begins; the message's length when it is all header. */
export function bodyStart(message: Uint8Array): number {
  const bytes = view(message);
  const at = bytes.indexOf(headerEnd);
  return at === -1 ? bytes.length : at + headerEnd.length;
}

export function bodyHash(body: Uint8Array): string {
  return hash('sha256', body, 'base64url');
}

export function bodyHashOfParts(parts: readonly Uint8Array[]): string {
  if (byteLength(parts) <= oneShotBytesMax) return bodyHash(Buffer.concat(parts));
  const hasher = createHash('sha256');
  for (const part of parts) hasher.update(part);
  return hasher.digest('base64url');
}
