/**
 * Brings the entries of the audit log to a receiver, in their order, behind a cursor that outlives the process.
 *
 * Runs in:   main thread; no act waits for it.
 * Limits:    a batch has `batchCountMax` entries; one is under way. After a failure it has half as many, one at last, and
 *            grows again with what is taken. Between tries `retryMsMax` at most. New entries are looked for each `pollMs`.
 * Invariant: the cursor passes an entry only after the receiver took it, so each comes at least once. What was lost
 *            before it was sent is counted and logged.
 */

import type { Log } from '../../base/log.ts';
import { minuteMs, secondMs } from '../../base/units.ts';
import { type AuditEntry, AuditError, type AuditLog } from '../../ports/audit-log.ts';
import type { Clock } from '../../ports/clock.ts';
import { DiskError } from '../../ports/disk.ts';
import type { Random } from '../../ports/random.ts';

/** Of a target: they are too many at once, and fewer may do. Never of one alone. */
export class BatchTooLarge extends Error {
  override readonly name = 'BatchTooLarge';
}

export interface AuditTarget {
  readonly name: string;
  /** Rejects where they are to be sent again. `stubs`: of how many the receiver took no more than that they were there. */
  send(
    log: string,
    entries: readonly AuditEntry[],
    signal: AbortSignal,
  ): Promise<{ readonly stubs: number }>;
  close(): Promise<void>;
}

export interface SendCursor {
  /** The log's id, and the last entry that was taken; 0: none was. */
  read(): Promise<{ readonly log: string; readonly sequence: number }>;
  write(cursor: { readonly log: string; readonly sequence: number }): Promise<void>;
}

export interface AuditSenderParts {
  readonly target: AuditTarget;
  readonly cursor: SendCursor;
  /** Undefined while it cannot be opened. */
  readonly audit: () => Pick<AuditLog, 'id' | 'tip' | 'read'> | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export const batchCountMax = 200;
export const pollMs = secondMs;
export const retryMsMax = 5 * minuteMs;
const retryMsMin = secondMs;

export class AuditSender {
  readonly #parts: AuditSenderParts;
  readonly #end = new AbortController();
  #done: Promise<void> = Promise.resolve();
  #sequence = 0;
  #log = '';
  #triesFailed = 0;
  #countMax = batchCountMax;
  readonly counts = { sent: 0, failures: 0, missed: 0, stubs: 0 };

  constructor(parts: AuditSenderParts) {
    this.#parts = parts;
  }

  /** Entries that were not taken yet. */
  get behind(): number {
    return Math.max(0, (this.#parts.audit()?.tip.sequence ?? 0) - this.#sequence);
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Resolves when nothing of it is under way. */
  async stop(): Promise<void> {
    this.#end.abort();
    await this.#done;
    await this.#parts.target.close();
  }

  async #run(): Promise<void> {
    let isRead = false;
    while (!this.#end.signal.aborted) {
      const audit = this.#parts.audit();
      try {
        if (audit !== undefined) {
          if (!isRead) await this.#take(audit);
          isRead = true;
          if (audit.tip.sequence > this.#sequence) await this.#follow(audit);
        }
      } catch (error) {
        if (!(error instanceof DiskError || error instanceof AuditError)) throw error;
        await this.#failed(error);
        continue;
      }
      await this.#sleep(pollMs);
    }
  }

  /** Where it stood. */
  async #take({ id, tip }: Pick<AuditLog, 'id' | 'tip'>): Promise<void> {
    const { cursor, log, target } = this.#parts;
    const known = await cursor.read();
    this.#log = id;
    this.#sequence = known.log === id ? known.sequence : 0;
    if (this.#sequence <= tip.sequence) return;
    // Entries that were sent are gone from here: those to come have numbers that were sent before.
    const fields = { target: target.name, sent: this.#sequence, newest: tip.sequence };
    log.error(fields, 'the audit log has fewer entries than were sent');
    this.#sequence = tip.sequence;
  }

  async #follow(audit: Pick<AuditLog, 'read'>): Promise<void> {
    let batch: AuditEntry[] = [];
    for await (const entry of audit.read({ afterSequence: this.#sequence })) {
      batch.push(entry);
      if (batch.length < batchCountMax) continue;
      await this.#send(batch);
      batch = [];
      if (this.#end.signal.aborted) return;
    }
    if (batch.length > 0) await this.#send(batch);
  }

  async #send(batch: readonly AuditEntry[]): Promise<void> {
    const { target, cursor, log } = this.#parts;
    const missed = batch[0]!.sequence - this.#sequence - 1;
    if (missed > 0) {
      this.counts.missed += missed;
      log.error(
        { target: target.name, missed },
        'audit entries were forgotten before they were sent',
      );
    }
    for (let rest = batch; rest.length > 0; ) {
      const part = rest.slice(0, this.#countMax);
      if (!(await this.#sendPart(part))) {
        if (this.#end.signal.aborted) return;
        continue;
      }
      this.#triesFailed = 0;
      this.#countMax = Math.min(batchCountMax, this.#countMax * 2);
      this.counts.sent += part.length;
      const { sequence } = part.at(-1)!;
      await cursor.write({ log: this.#log, sequence });
      this.#sequence = sequence;
      rest = rest.slice(part.length);
    }
  }

  /** Whether it was taken; if not, it was waited, or there are fewer to send. */
  async #sendPart(part: readonly AuditEntry[]): Promise<boolean> {
    const { signal } = this.#end;
    try {
      const { stubs } = await this.#parts.target.send(this.#log, part, signal);
      this.counts.stubs += stubs;
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const isTooLarge = error instanceof BatchTooLarge && part.length > 1;
      this.#countMax = Math.max(1, Math.floor(part.length / 2));
      if (!isTooLarge) await this.#failed(error);
      return false;
    }
  }

  async #failed(error: unknown): Promise<void> {
    const { target, random, log } = this.#parts;
    this.counts.failures++;
    const fields = { target: target.name, error: String(error) };
    if (this.#triesFailed === 0)
      log.error(fields, 'the audit log cannot be sent, and is tried again');
    const delayMs = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(this.#triesFailed, 20));
    this.#triesFailed++;
    await this.#sleep(delayMs * (0.75 + random.fraction() / 4));
  }

  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#end;
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#parts.clock.setTimer(ms, resolve);
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort);
    await promise;
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
