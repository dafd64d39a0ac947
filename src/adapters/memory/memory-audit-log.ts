/**
 * An audit log in memory: for tests, and as the model of the one in files.
 *
 * Runs in: any thread. Nothing outlives the process.
 */

import { Buffer } from 'node:buffer';
import {
  type AuditEntry,
  AuditError,
  type AuditFacts,
  type AuditLog,
  type AuditRange,
  type AuditTip,
} from '../../ports/audit-log.ts';
import type { Clock } from '../../ports/clock.ts';
import { chained, genesisOf, isInRange, lineOf } from '../audit/chain.ts';

export class MemoryAuditLog implements AuditLog {
  readonly id: string;
  readonly #clock: Pick<Clock, 'nowMs'>;
  #entries: readonly AuditEntry[] = [];
  #tip: AuditTip;
  /** While it is true nothing can be appended. */
  isFailing = false;

  constructor(clock: Pick<Clock, 'nowMs'>, id = '0'.repeat(32)) {
    this.#clock = clock;
    this.id = id;
    this.#tip = { sequence: 0, hash: genesisOf(id) };
  }

  get tip(): AuditTip {
    return this.#tip;
  }

  async append(batch: readonly AuditFacts[]): Promise<readonly AuditEntry[]> {
    if (this.isFailing) throw new AuditError('the audit log cannot be written');
    const appended = batch.map((facts) => {
      const { sequence, hash: previous } = this.#tip;
      const place = { sequence: sequence + 1, atMs: this.#clock.nowMs(), previous };
      const { entry } = chained(facts, place);
      this.#tip = { sequence: entry.sequence, hash: entry.hash };
      return entry;
    });
    this.#entries = [...this.#entries, ...appended];
    return appended;
  }

  async *read(range: AuditRange): AsyncIterable<AuditEntry> {
    for (const entry of this.#entries) if (isInRange(entry, range)) yield entry;
  }

  async trim({ beforeMs = -Infinity, bytesMax = Infinity }) {
    const sizes = this.#entries.map((entry) => Buffer.byteLength(lineOf(entry)) + 1);
    let bytes = sizes.reduce((sum, size) => sum + size, 0);
    let goes = 0;
    while (goes < sizes.length - 1 && (this.#entries[goes]!.atMs < beforeMs || bytes > bytesMax)) {
      bytes -= sizes[goes]!;
      goes++;
    }
    this.#entries = this.#entries.slice(goes);
    return { forgottenTo: (this.#entries[0]?.sequence ?? 1) - 1 };
  }

  async close(): Promise<void> {}
}
