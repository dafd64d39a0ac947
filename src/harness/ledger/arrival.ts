/**
 * Enters what arrived at a sink: a marked message, or a bounce that returns one.
 *
 * Runs in:   sink.
 * Specs:     RFC 3464 §2.3.2 (Final-Recipient, read from bounces).
 */

import type { Buffer } from 'node:buffer';
import { ledgerNowMs } from './entries.ts';
import type { LedgerWriter } from './ledger-writer.ts';
import { bodyHash, bodyStart, findMark } from './mark.ts';

export interface Arrival {
  readonly sender: string;
  readonly recipients: readonly string[];
  /** Which door it came through, as HOST:PORT. */
  readonly via: string;
}

/** What the message was: a marked one, a bounce of one, or neither (nothing is entered). */
export function enterArrival(
  bytes: Buffer,
  { sender, recipients, via }: Arrival,
  ledger: LedgerWriter,
): 'arrived' | 'bounced' | 'unmarked' {
  const body = bodyStart(bytes);
  const mark = findMark(bytes.subarray(0, body));
  const atMs = ledgerNowMs();
  if (mark !== undefined) {
    const sha256 = bodyHash(bytes.subarray(body));
    ledger.append('arrived', { id: mark.id, sha256, to: recipients, via, atMs });
    return 'arrived';
  }
  // A null sender and a mark deeper down: a bounce that carries the header of what failed.
  const returned = sender === '' ? findMark(bytes, body) : undefined;
  if (returned === undefined) return 'unmarked';
  ledger.append('bounced', { id: returned.id, to: failedRecipients(bytes), atMs });
  return 'bounced';
}

/** The final recipients a delivery status notification names. */
function failedRecipients(bytes: Buffer): readonly string[] {
  const text = bytes.toString('latin1');
  return Array.from(text.matchAll(/^Final-Recipient: *rfc822; *(\S+)/gim), (match) => match[1]!);
}
