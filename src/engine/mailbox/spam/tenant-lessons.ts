/**
 * What the accounts of a tenant taught together: mail that several of them call spam is spam to the others, too.
 *
 * Runs in:   the engine thread that owns the shard; made in turns of one account, beside all other work.
 * Limits:    of a tenant the `accountsPerTenant` that taught last, of each `examplesPerAccount` of each kind, the newest;
 *            nothing is said by fewer than `teachersMin`. Made anew once in `remakeMs`, where something was taught.
 *            Models are in the memory that all shards of the thread share.
 * Invariant: of the examples of a kind an account gives a third at most (decision 0153); what it taught goes with it at
 *            the next making. Accounts of one shard speak to each other: a tenant on several has several models.
 */

import type { TaughtSpam } from '../../../actors/asks/quarantine-asks.ts';
import { minuteMs } from '../../../base/units.ts';
import type { Reading } from '../../../mail/trust/spam/reading.ts';
import {
  examplesOfEach,
  SharedGather,
  type SharedModel,
  sharedPoints,
  teachersMin,
} from '../../../mail/trust/spam/shared.ts';
import type { Clock } from '../../../ports/clock.ts';
import { accountRange, tables } from '../../store/keys.ts';
import { DerivedMap } from '../derived-memory.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { Mailboxes } from '../mailboxes.ts';
import { decodeLesson, type Lesson } from '../rows/lesson-row.ts';
import { type Teacher, teachersOf } from './teachers.ts';

const accountsPerTenant = 64;
const examplesPerAccount = 4;
const remakeMs = 10 * minuteMs;
/** Of a place and its odds. */
const bytesPerPlace = 8;
const overheadBytes = 512;

export interface TenantLessonsParts {
  readonly shard: MailboxShard;
  readonly mailboxes: Pick<Mailboxes, 'derived'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

export class TenantLessons {
  readonly #parts: TenantLessonsParts;
  readonly #models: DerivedMap<SharedModel>;
  /** Tenants that had a model at the last making. */
  readonly #made = new Set<string>();
  #isStale = true;
  #isMaking = false;
  #isClosed = false;
  #madeMs = Number.NEGATIVE_INFINITY;

  constructor(parts: TenantLessonsParts) {
    this.#parts = parts;
    this.#models = new DerivedMap(parts.mailboxes.derived);
  }

  has(tenant: number): boolean {
    return this.#models.has(String(tenant));
  }

  /** To be added to the points of a message; 0 where nothing was learnt. */
  points(tenant: number, reading: Reading): number {
    const model = this.#models.get(String(tenant));
    return model === undefined ? 0 : sharedPoints(model, reading);
  }

  /** Examples its model is made of; none where there is no model. */
  examples(tenant: number): TaughtSpam {
    const { spamCount = 0, hamCount = 0 } = this.#models.get(String(tenant)) ?? {};
    return { spam: spamCount, ham: hamCount };
  }

  /** Nothing is said any more until the next making. */
  forget(tenant: number): void {
    this.#models.delete(String(tenant));
    this.#isStale = true;
  }

  /** An account taught something, or forgot. */
  changed(): void {
    this.#isStale = true;
  }

  /** Called often. */
  sweep(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#isMaking || nowMs < this.#madeMs + remakeMs) return;
    // Memory that others of the thread needed: what was let go is made again.
    const isLost = [...this.#made].some((key) => !this.#models.has(key));
    if (!this.#isStale && !isLost) return;
    this.#isStale = false;
    this.#isMaking = true;
    this.#madeMs = nowMs;
    // Rows that cannot be read: what was made before stays.
    this.#make()
      .catch(() => {})
      .finally(() => {
        this.#isMaking = false;
      });
  }

  close(): void {
    this.#isClosed = true;
    this.#models.close();
  }

  async #make(): Promise<void> {
    const tenants = await this.#teachers();
    for (const [tenant, teachers] of tenants) {
      const model = teachers.length < teachersMin ? undefined : await this.#modelOf(teachers);
      if (this.#isClosed) return;
      const key = String(tenant);
      this.#models.delete(key);
      this.#made.delete(key);
      if (model === undefined) continue;
      this.#made.add(key);
      this.#models.set(key, model, overheadBytes + model.places.length * bytesPerPlace);
    }
    for (const key of this.#made) {
      if (tenants.has(Number(key))) continue;
      this.#models.delete(key);
      this.#made.delete(key);
    }
  }

  /** By tenant, those that taught last. */
  async #teachers(): Promise<Map<number, readonly Teacher[]>> {
    const found = new Map<number, Teacher[]>();
    for await (const page of teachersOf(this.#parts.shard)) {
      for (const teacher of page) {
        const teachers = found.get(teacher.tenant) ?? [];
        teachers.push(teacher);
        found.set(teacher.tenant, newest(teachers, accountsPerTenant));
      }
      if (this.#isClosed) break;
    }
    return found;
  }

  async #modelOf(teachers: readonly Teacher[]): Promise<SharedModel | undefined> {
    const taught: { readonly spam: Lesson[]; readonly ham: Lesson[] }[] = [];
    for (const { account } of teachers) {
      await turn();
      if (this.#isClosed) return undefined;
      const rows = this.#parts.shard.range(accountRange(tables.lesson, account));
      const lessons = rows.map(({ value }) => decodeLesson(value));
      const spam = lessons.filter(({ kind }) => kind === 'spam');
      const ham = lessons.filter(({ kind }) => kind !== 'spam');
      taught.push({ spam: newest(spam, examplesPerAccount), ham: newest(ham, examplesPerAccount) });
    }
    const gather = new SharedGather();
    for (const kind of ['spam', 'ham'] as const) {
      const counts = taught.map((own) => own[kind].length);
      const each = examplesOfEach(counts, examplesPerAccount);
      for (const own of taught) {
        await turn();
        const taken = newest(own[kind], each);
        gather.add(
          kind === 'spam',
          taken.map(({ places }) => places),
        );
      }
    }
    return gather.model();
  }
}

function newest<T extends { readonly atMs: number }>(all: T[], count: number): T[] {
  if (all.length <= count) return all;
  return all.sort((a, b) => b.atMs - a.atMs).slice(0, count);
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
