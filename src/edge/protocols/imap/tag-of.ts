/**
 * Under which tag to answer what could not be read as a command.
 *
 * Runs in: edge (main thread).
 */

import type { Buffer } from 'node:buffer';
import { parseTag } from '../../../mail/wire/imap/parse-command.ts';
import { untagged } from '../../../mail/wire/imap/response-status.ts';
import type { ImapService } from './service.ts';

/** `*` where there is none. Keeps the cursor's fault. */
export function tagOf({ cursor }: ImapService, bytes: Buffer, start: number, end: number): string {
  const { fault, faultKind } = cursor;
  const tag = parseTag(cursor.open(bytes, start, end)) ?? untagged;
  cursor.fault = fault;
  cursor.faultKind = faultKind;
  return tag;
}
