/**
 * Enters what arrived at a sink: a marked message, or a notice that returns one.
 *
 * Runs in:   sink.
 */

import type { Buffer } from 'node:buffer';
import { ledgerNowMs } from './entries.ts';
import type { LedgerWriter } from './ledger-writer.ts';
import { enterNotice, readLetter } from './letter.ts';

export interface Arrival {
  readonly sender: string;
  readonly recipients: readonly string[];
  /** Which door it came through, as HOST:PORT. */
  readonly via: string;
}

/** What it was: a marked message, a notice that one failed, another notice, or none of these (nothing is entered). */
export function enterArrival(
  bytes: Buffer,
  { sender, recipients, via }: Arrival,
  ledger: LedgerWriter,
): 'arrived' | 'bounced' | 'noticed' | 'unmarked' {
  const letter = readLetter(bytes, sender);
  const atMs = ledgerNowMs();
  if (letter === undefined) return 'unmarked';
  if (letter.kind === 'notice') return enterNotice(letter, atMs, ledger) ? 'bounced' : 'noticed';
  const { id, sha256 } = letter;
  ledger.append('arrived', { id, sha256, to: recipients, via, atMs });
  return 'arrived';
}
