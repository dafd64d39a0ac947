/**
 * What a message that turned up is to the ledger: one of those sent, or a notice of what became of one.
 *
 * Runs in:   sink, ledger.
 * Specs:     RFC 3464 (delivery status notifications), RFC 5321 §4.5.5 (notices have the null sender).
 */

import type { Buffer } from 'node:buffer';
import { type ReadRecipient, readReport } from '../../mail/formats/dsn/read-report.ts';
import { type ReportEvent, reportEvents } from './entries.ts';
import type { LedgerWriter } from './ledger-writer.ts';
import { bodyHash, bodyStart, findMark, type Mark } from './mark.ts';

export type Letter =
  | {
      readonly kind: 'message';
      readonly id: string;
      /** Of the body as it came. */
      readonly sha256: string;
    }
  | {
      readonly kind: 'notice';
      readonly id: string;
      /** Undefined: a bounce in a form of its own, which names nobody we could read. */
      readonly recipients: readonly ReadRecipient[] | undefined;
    };

/** Undefined: neither. `sender` is the reverse path; where it is not known, what the last server noted of it. */
export function readLetter(bytes: Buffer, sender?: string): Letter | undefined {
  const body = bodyStart(bytes);
  const mark = findMark(bytes.subarray(0, body));
  if (mark !== undefined) {
    return { kind: 'message', id: mark.id, sha256: bodyHash(bytes.subarray(body)) };
  }
  // A mark deeper down: a notice that brings back the header of what it speaks of.
  const returned = findMark(bytes, body);
  return returned === undefined ? undefined : noticeOf(bytes, returned, sender, body);
}

function noticeOf(
  bytes: Buffer,
  { id }: Mark,
  sender: string | undefined,
  body: number,
): Letter | undefined {
  const recipients = readReport(bytes);
  const isBounce = sender === undefined ? hasNullPath(bytes.subarray(0, body)) : sender === '';
  // Anybody may forward a message with its header.
  return recipients === undefined && !isBounce ? undefined : { kind: 'notice', id, recipients };
}

function hasNullPath(header: Buffer): boolean {
  return /^Return-Path:\s*<>\s*$/im.test(header.toString('latin1'));
}

/** Enters a notice: failures as bounces, the rest as reports. True when something failed. */
export function enterNotice(
  { id, recipients }: Letter & { readonly kind: 'notice' },
  atMs: number,
  ledger: LedgerWriter,
): boolean {
  if (recipients === undefined) {
    ledger.append('bounced', { id, to: [], atMs });
    return true;
  }
  for (const event of reportEvents) {
    const to = recipientsOf(recipients, event);
    if (to.length === 0) continue;
    if (event === 'failed') ledger.append('bounced', { id, to, atMs });
    else ledger.append('reported', { id, to, event, by: 'notice', atMs });
  }
  return recipients.some(({ action }) => action === 'failed');
}

/** As the sender named them, where the notice knows. */
function recipientsOf(recipients: readonly ReadRecipient[], event: ReportEvent): readonly string[] {
  return recipients
    .filter(({ action }) => action === event)
    .map(({ originalRecipient, finalRecipient }) => originalRecipient ?? finalRecipient);
}
