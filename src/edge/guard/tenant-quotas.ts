/**
 * How many messages each tenant has handed in this hour and this day, and has waiting, against what it may.
 *
 * Runs in:   edge (main thread), where all mail comes in: no other count has to agree with this one.
 * Limits:    one small object for each tenant that has a quota; one write a tenant at a time.
 * Invariant: no tenant has more accepted in an hour or a day (UTC) than its quota, whatever is killed. Counts are
 *            written down in blocks, ahead of the messages: a kill costs a tenant what is left of its block
 *            (`quota-count.ts`), a clean stop nothing. No message is taken that would be one more in the queues than
 *            the tenant may have there; reports to its senders are no message of its own, and come on top.
 */

import type { ErrorCode } from '../../base/errors.ts';
import type { TenantId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { minuteMs } from '../../base/units.ts';
import type { AccountDirectory, Eventually, Tenant } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import { IndexError, type ShardIndex } from '../../ports/shard-index.ts';
import { QuotaCount, type QuotaRow } from './quota-count.ts';

type Refusal = Extract<ErrorCode, 'tenant-over-quota' | 'store-failed'>;

export interface QuotaParts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly directory: Pick<AccountDirectory, 'tenants' | 'tenantById' | 'subscribe'>;
  /** Its commits are on disk when they resolve. */
  readonly table: Pick<ShardIndex, 'get' | 'commit' | 'close'>;
  readonly log: Log;
  /** Messages of the tenant that wait in all queues now. */
  readonly waitingCount: (tenant: TenantId) => number;
}

/** When there is room in a full queue again nobody knows. */
const queueRetryMs = minuteMs;

interface Counted {
  readonly id: TenantId;
  readonly count: QuotaCount;
  /** 0: as many may wait as come. */
  queueMax: number;
  /** Counted messages that no answer came for yet: the queue may have them already, or not. */
  underWayCount: number;
  /** False: it could not be written. */
  writing: Promise<boolean> | undefined;
}

export class TenantQuotas {
  readonly #parts: QuotaParts;
  readonly #counted = new Map<TenantId, Counted>();

  constructor(parts: QuotaParts) {
    this.#parts = parts;
  }

  /** Reads the quotas, and follows them from here on; ends with the directory. */
  async start(): Promise<void> {
    const { directory } = this.#parts;
    directory.subscribe((change) => {
      if (change.kind === 'tenant') void this.#read(change.id);
    });
    for (const tenant of await directory.tenants()) this.#set(tenant);
  }

  /** Nothing is handed in any more. */
  async close(): Promise<void> {
    const { table, log } = this.#parts;
    await Promise.all([...this.#counted.values()].map(({ writing }) => writing));
    const rows = [...this.#counted.values()].filter(({ count }) => !count.isNone);
    try {
      await table.commit(rows.map(({ id, count }) => putOf(id, count.exact)));
    } catch (error) {
      log.warn({ error: String(error) }, 'what is left of quotas could not be written');
    }
    this.#counted.clear();
    await table.close();
  }

  /** How long until the tenant may hand in so many; 0: now. */
  waitMs(tenant: TenantId, count = 1): number {
    const counted = this.#counted.get(tenant);
    if (counted === undefined) return 0;
    const waitMs = counted.count.waitMs(count, this.#parts.clock.nowMs());
    return waitMs === 0 && this.#isQueueFull(counted, count) ? queueRetryMs : waitMs;
  }

  /** Counted twice for a moment rather than not at all. */
  #isQueueFull({ id, queueMax, underWayCount }: Counted, count: number): boolean {
    return queueMax > 0 && this.#parts.waitingCount(id) + underWayCount + count > queueMax;
  }

  /** Counts a message: answers when, for `answered`; 0: its tenant has no quota. At once, but for a block's first. */
  take(tenant: TenantId): Eventually<number | Refusal> {
    const counted = this.#counted.get(tenant);
    if (counted === undefined) return 0;
    return this.#takeNow(counted) ?? this.#takeWritten(counted);
  }

  /** A message that was counted is accepted, or `isAccepted` is false: then it is not counted. */
  answered(tenant: TenantId, takenMs: number, isAccepted: boolean): void {
    const counted = this.#counted.get(tenant);
    if (counted === undefined || takenMs === 0) return;
    counted.underWayCount--;
    if (!isAccepted) counted.count.giveBack(takenMs);
  }

  /** Undefined: more has to be written down first. */
  #takeNow(counted: Counted): number | Refusal | undefined {
    const nowMs = this.#parts.clock.nowMs();
    const { count } = counted;
    if (count.waitMs(1, nowMs) > 0 || this.#isQueueFull(counted, 1)) return 'tenant-over-quota';
    if (!count.isNone) {
      if (count.left < 1) return undefined;
      count.add();
      if (count.isShort) this.#write(counted);
    }
    counted.underWayCount++;
    return nowMs;
  }

  async #takeWritten(counted: Counted): Promise<number | Refusal> {
    for (;;) {
      if (!(await this.#write(counted))) return 'store-failed';
      const taken = this.#takeNow(counted);
      if (taken !== undefined) return taken;
    }
  }

  /** One at a time; nobody has to wait for it. */
  #write(counted: Counted): Promise<boolean> {
    counted.writing ??= this.#writeAhead(counted).finally(() => {
      counted.writing = undefined;
    });
    return counted.writing;
  }

  async #writeAhead({ id, count }: Counted): Promise<boolean> {
    const row = count.ahead();
    try {
      await this.#parts.table.commit([putOf(id, row)]);
    } catch (error) {
      if (!(error instanceof IndexError)) throw error;
      this.#parts.log.error({ tenant: id, error: error.message }, 'a quota could not be written');
      return false;
    }
    count.written(row);
    return true;
  }

  async #read(id: TenantId): Promise<void> {
    const tenant = await this.#parts.directory.tenantById(id);
    if (tenant !== undefined) this.#set(tenant);
  }

  #set({ id, messagesPerHourMax = 0, messagesPerDayMax = 0, queueMax = 0 }: Tenant): void {
    let counted = this.#counted.get(id);
    if (counted === undefined) {
      if (messagesPerHourMax === 0 && messagesPerDayMax === 0 && queueMax === 0) return;
      const count = new QuotaCount(this.#rowOf(id));
      counted = { id, count, queueMax, underWayCount: 0, writing: undefined };
      this.#counted.set(id, counted);
    }
    counted.queueMax = queueMax;
    counted.count.perHourMax = messagesPerHourMax;
    counted.count.perDayMax = messagesPerDayMax;
  }

  #rowOf(id: TenantId): QuotaRow | undefined {
    const value = this.#parts.table.get(keyOf(id));
    return value === undefined
      ? undefined
      : (JSON.parse(Buffer.from(value).toString()) as QuotaRow);
  }
}

function putOf(id: TenantId, row: QuotaRow) {
  return { put: keyOf(id), value: Buffer.from(JSON.stringify(row)) };
}

function keyOf(id: TenantId): Buffer {
  const key = Buffer.alloc(5, 'q');
  key.writeUInt32BE(id, 1);
  return key;
}
