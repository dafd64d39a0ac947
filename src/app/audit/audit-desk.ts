/**
 * Where the server's parts bring what is to be in the audit log: acts, which wait until it is durable, and notes of
 * log-ins and the like, which nobody waits for.
 *
 * Runs in:   main thread.
 * Limits:    `notesMax` notes wait; what comes on top is counted, and an entry says how many there were. Notes are
 *            written together, `gatherMs` after the first; a kill costs those not written yet.
 * Invariant: while the log cannot be opened or written, acts learn so at once, notes wait, and it is tried again.
 */

import type { Log } from '../../base/log.ts';
import { secondMs } from '../../base/units.ts';
import {
  type AuditEntry,
  AuditError,
  type AuditFacts,
  type AuditLog,
} from '../../ports/audit-log.ts';
import type { Clock, Timer } from '../../ports/clock.ts';

export const notesMax = 10_000;
/** Of one append. */
const batchMax = 64;
const gatherMs = secondMs;
const retryMs = 5 * secondMs;

export interface AuditDeskParts {
  /** @throws AuditError */
  readonly open: () => Promise<AuditLog>;
  readonly clock: Pick<Clock, 'setTimer' | 'monotonicMs'>;
  readonly log: Log;
}

export class AuditDesk {
  readonly #parts: AuditDeskParts;
  readonly #notes: AuditFacts[] = [];
  #audit: AuditLog | undefined;
  #opening: Promise<AuditLog> | undefined;
  #triedMs = -Infinity;
  #timer: Timer | undefined;
  #flushing: Promise<void> | undefined;
  #isFailing = false;
  /** Notes that had no room, since the last entry that told of some. */
  #lostCount = 0;
  /** Since the start. */
  readonly counts = { lost: 0, failures: 0 };

  constructor(parts: AuditDeskParts) {
    this.#parts = parts;
  }

  /** False: what is asked to be recorded was not, the last time. */
  get isWritable(): boolean {
    return !this.#isFailing;
  }

  get waitingCount(): number {
    return this.#notes.length;
  }

  /** Opens the log, and says so where it cannot. */
  async start(): Promise<void> {
    await this.audit().catch((error: unknown) => this.#failed(error));
  }

  /** @throws AuditError while it cannot be opened. */
  async audit(): Promise<AuditLog> {
    if (this.#audit !== undefined) return this.#audit;
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#opening === undefined) {
      if (nowMs - this.#triedMs < retryMs) throw new AuditError('the audit log cannot be opened');
      this.#triedMs = nowMs;
      this.#opening = this.#parts.open();
      this.#opening.then(
        (audit) => {
          this.#audit = audit;
        },
        () => {
          this.#opening = undefined;
        },
      );
    }
    return await this.#opening;
  }

  /** Durable once it resolves. @throws AuditError */
  async record(facts: AuditFacts): Promise<AuditEntry> {
    try {
      const [entry] = await (await this.audit()).append([facts]);
      this.#isFailing = false;
      return entry!;
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  /** Written soon; nobody waits. */
  note(facts: AuditFacts): void {
    if (this.#notes.length >= notesMax) {
      this.#lostCount++;
      this.counts.lost++;
      return;
    }
    this.#notes.push(facts);
    this.#timer ??= this.#parts.clock.setTimer(gatherMs, () => this.#flushSoon());
  }

  /** Writes what waits, as far as it can. */
  async flush(): Promise<void> {
    await this.#flushing;
    await this.#flush().catch((error: unknown) => this.#failed(error));
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.flush();
    if (this.#notes.length > 0) {
      this.#parts.log.error({ count: this.#notes.length }, 'notes for the audit log are lost');
    }
    await this.#audit?.close();
  }

  #flushSoon(): void {
    this.#timer = undefined;
    this.#flushing = this.#flush()
      .catch((error: unknown) => this.#failedUnseen(error))
      .finally(() => {
        this.#flushing = undefined;
        if (this.#notes.length === 0) return;
        this.#timer ??= this.#parts.clock.setTimer(this.#isFailing ? retryMs : gatherMs, () =>
          this.#flushSoon(),
        );
      });
  }

  async #flush(): Promise<void> {
    if (this.#notes.length === 0) return;
    const audit = await this.audit();
    if (this.#lostCount > 0) {
      const count = this.#lostCount;
      await audit.append([serverFacts('audit.lost', 'failed', { count })]);
      this.#lostCount -= count;
    }
    while (this.#notes.length > 0) {
      const batch = this.#notes.slice(0, batchMax);
      await audit.append(batch);
      this.#notes.splice(0, batch.length);
      this.#isFailing = false;
    }
  }

  #failed(error: unknown): void {
    if (!(error instanceof AuditError)) throw error;
    this.#failedUnseen(error);
  }

  /** Nobody waits who could be told: whatever it is, notes stay and are tried again. */
  #failedUnseen(error: unknown): void {
    this.counts.failures++;
    if (this.#isFailing) return;
    this.#isFailing = true;
    const words = error instanceof AuditError ? error.message : String(error);
    this.#parts.log.error({ error: words }, 'the audit log cannot be written');
  }
}

/** What the server itself does. */
export function serverFacts(
  act: string,
  outcome: AuditFacts['outcome'],
  details: AuditFacts['details'] = {},
): AuditFacts {
  return { principal: 'server', act, resource: '', outcome, peer: '', reason: '', details };
}
