/**
 * What a ledger folder holds: one file of JSON lines for each kind of entry.
 *
 * Runs in:   load generator and sink (they write), ledger (it reads).
 * Invariant: files are only appended to, a whole line in one write, so several processes may share
 *            a folder.
 *
 * All instants are milliseconds since 1970 with fractions, from the writing machine's clock.
 */

export interface InjectedEntry {
  readonly id: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly to: readonly string[];
  /** When the schedule wanted the message to start. */
  readonly intendedMs: number;
}

export interface AcknowledgedEntry {
  readonly id: string;
  /** The recipients the server took responsibility for. */
  readonly to: readonly string[];
  /** When the last byte of the message was handed to the socket. */
  readonly sentMs: number;
  readonly atMs: number;
}

export interface RefusedEntry {
  readonly id: string;
  readonly to: readonly string[];
  readonly reply: string;
  readonly atMs: number;
}

export interface ArrivedEntry {
  readonly id: string;
  /** Of the body as it arrived. */
  readonly sha256: string;
  readonly to: readonly string[];
  /** Which door it came through: a sink's address, or a mailbox. */
  readonly via: string;
  readonly atMs: number;
}

/** A failure notice (RFC 3464) that names the message; `to` lists its failed recipients. */
export interface BouncedEntry {
  readonly id: string;
  readonly to: readonly string[];
  readonly atMs: number;
}

export interface LedgerEntries {
  injected: InjectedEntry;
  acknowledged: AcknowledgedEntry;
  refused: RefusedEntry;
  arrived: ArrivedEntry;
  bounced: BouncedEntry;
}

export type EntryKind = keyof LedgerEntries;

export const entryKinds = ['injected', 'acknowledged', 'refused', 'arrived', 'bounced'] as const;

export function entryFile(kind: EntryKind): string {
  return `${kind}.jsonl`;
}

/** Wall time for entries, finer than a millisecond; comparable between processes of one machine. */
export function ledgerNowMs(): number {
  return performance.timeOrigin + performance.now();
}
