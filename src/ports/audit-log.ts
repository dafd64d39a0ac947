/**
 * Who did what here: entries that are appended, chained by their hashes, and never changed.
 *
 * Contract (`test/contracts/audit-log.ts`):
 * - `append` resolves when all of the batch is durable, in its order, without another's entry in between; batches
 *   take their places in the order of the calls. What is appended while a sync is under way shares the next one.
 * - A rejected `append` (`AuditError`) may have left any whole entries of its batch behind; the chain holds all the
 *   same, and the next `append` goes on behind what is there for certain.
 * - An entry's `sequence` is one more than that of the entry before, the first is 1; `previous` is the `hash` of the
 *   entry before, the first has the `genesis` of its log, which no other log has.
 * - `tip` names the last durable entry. `read` hands out durable entries, oldest first, and never waits for new ones.
 * - `trim` forgets the oldest entries, and always some of a row: what stays is a chain. It answers what is forgotten up
 *   to, 0 where nothing ever was.
 * - Texts are taken as they are: whoever appends sees to it that no secret and nothing of a message is among them.
 */

import type { TenantId } from '../base/ids.ts';

/** `begun`: a changing act is about to be done; an entry with the same `of` says how it ended. */
export const auditOutcomes = ['begun', 'done', 'refused', 'failed'] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

export type AuditDetail = string | number | boolean;

export interface AuditFacts {
  /** Who acts: `operator`, `account ann@example.org`, `key 3`, `server`, `nobody` (not logged in). */
  readonly principal: string;
  /** Whose auditors may read it; absent: the operator's alone. */
  readonly tenant?: TenantId;
  /** As `tenant.create`, `log-in`. */
  readonly act: string;
  /** What it is done to, as `account ann@example.org`; "" where that says nothing. */
  readonly resource: string;
  readonly outcome: AuditOutcome;
  /** Address it came from; "" from this machine's own socket. */
  readonly peer: string;
  /** Why it was done, or refused; "" where nobody said. */
  readonly reason: string;
  /** Sequence of the entry that began the act. */
  readonly of?: number;
  readonly details: Readonly<Record<string, AuditDetail>>;
}

export interface AuditEntry extends AuditFacts {
  readonly sequence: number;
  /** When it was appended; the wall clock's, so it may step back. */
  readonly atMs: number;
  /** Hex of SHA-256, as `hash`. */
  readonly previous: string;
  readonly hash: string;
}

export interface AuditTip {
  /** 0: there is no entry yet, and `hash` is the genesis. */
  readonly sequence: number;
  readonly hash: string;
}

export interface AuditRange {
  /** From the entry behind this one; 0 or absent: from the oldest. */
  readonly afterSequence?: number;
  readonly afterMs?: number;
  readonly untilMs?: number;
  /** Only entries of this tenant. */
  readonly tenant?: TenantId;
}

export class AuditError extends Error {
  override readonly name = 'AuditError';
}

export interface AuditLog {
  /** Of this log and no other: hex of 16 random bytes. */
  readonly id: string;
  readonly tip: AuditTip;
  append(batch: readonly AuditFacts[]): Promise<readonly AuditEntry[]>;
  read(range: AuditRange): AsyncIterable<AuditEntry>;
  /** Entries older than `beforeMs`, and the oldest while there are more than `bytesMax`; undefined: no such bound. */
  trim(bounds: {
    readonly beforeMs?: number;
    readonly bytesMax?: number;
  }): Promise<{ readonly forgottenTo: number }>;
  close(): Promise<void>;
}
