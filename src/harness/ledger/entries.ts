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
  /** The connection it was sent over, its name in this ledger: within one, order is defined. */
  readonly session?: string;
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

/** Found in a mailbox. Read again, it is entered again: `via` and `uid` tell that it is the same. */
export interface SeenEntry extends ArrivedEntry {
  /** The mailbox with its UIDVALIDITY, as an IMAP URL. */
  readonly via: string;
  /** UIDs ascend in the order of arrival (RFC 9051 §2.3.1.1). */
  readonly uid: number;
  /** The internal date: whole seconds, of the server's clock. */
  readonly atMs: number;
}

/** A failure notice (RFC 3464) that names the message; `to` lists its failed recipients, none where it names nobody. */
export interface BouncedEntry {
  readonly id: string;
  readonly to: readonly string[];
  readonly atMs: number;
}

export const reportEvents = ['delivered', 'failed', 'delayed', 'relayed', 'expanded'] as const;
/** RFC 3464 §2.3.3, whoever says it. */
export type ReportEvent = (typeof reportEvents)[number];

/** What the server told of a message that goes on: by a notice that is no failure, or any event by a webhook. */
export interface ReportedEntry {
  readonly id: string;
  readonly to: readonly string[];
  readonly event: ReportEvent;
  readonly by: 'notice' | 'webhook';
  readonly atMs: number;
}

export interface LedgerEntries {
  injected: InjectedEntry;
  acknowledged: AcknowledgedEntry;
  refused: RefusedEntry;
  arrived: ArrivedEntry;
  seen: SeenEntry;
  bounced: BouncedEntry;
  reported: ReportedEntry;
}

export type EntryKind = keyof LedgerEntries;

export const entryKinds = [
  'injected',
  'acknowledged',
  'refused',
  'arrived',
  'seen',
  'bounced',
  'reported',
] as const satisfies readonly EntryKind[];

export function entryFile(kind: EntryKind): string {
  return `${kind}.jsonl`;
}

/** Wall time for entries, finer than a millisecond; comparable between processes of one machine. */
export function ledgerNowMs(): number {
  return performance.timeOrigin + performance.now();
}
