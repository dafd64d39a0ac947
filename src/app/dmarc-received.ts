/**
 * Adds up what others report of mail that names our domains as its author's.
 *
 * Runs in:   main thread.
 * Specs:     RFC 9990 §3.5.2 (a report passes DMARC itself), §3.5.4 (the same id from the same reporter is the same
 *            report).
 * Limits:    `perMinuteMax` mails are read, up to `mailBytesMax` each, one at a time, `waitingMax` wait. Of a domain's
 *            day, and of a day of all domains, so much as `provenLimits` and `unprovenLimits` say; what is older than
 *            `keptMs` goes.
 * Invariant: a report is one commit: it counts once, whatever kills the process. Reports that nobody's DMARC vouches for
 *            stand apart, and take no room from the others.
 */

import type { Buffer } from 'node:buffer';
import type { Answer, Ask } from '../actors/ask.ts';
import {
  type DmarcMail,
  type DmarcSourceCount,
  dmarcReadJob,
  type MailedDmarcReport,
} from '../actors/asks/dmarc-intake-asks.ts';
import type { Jobs } from '../actors/jobs.ts';
import { cappedSum } from '../base/capped-sum.ts';
import { failure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { dayMs, mebibyte, minuteMs, secondMs } from '../base/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { IndexChange, ShardIndex } from '../ports/shard-index.ts';
import { dayKey, domainKey, putRow, rowKey, rowOf, rowsBelow } from './day-rows.ts';

export interface DmarcReceivedParts {
  readonly table: ShardIndex;
  readonly clock: Clock;
  readonly log: Log;
  readonly jobs: () => Pick<Jobs, 'run'>;
  isDomainOurs(name: string): Promise<boolean>;
}

/** A domain's day, by reports that are proven or by those that are not. */
export interface ReceivedDay {
  readonly dayMs: number;
  readonly reports: number;
  readonly messages: number;
  readonly passed: number;
  /** Of them, those whose source is not told: there was no room. */
  readonly omittedMessages: number;
  readonly sourceCount: number;
  /** Messages by who reports them; "" are those there was no room for. */
  readonly reporters: Readonly<Record<string, number>>;
}

interface Limits {
  readonly reportsPerDomainMax: number;
  readonly sourcesPerDomainMax: number;
  readonly rowsPerDayMax: number;
}

export const provenLimits: Limits = {
  reportsPerDomainMax: 500,
  sourcesPerDomainMax: 1_000,
  rowsPerDayMax: 100_000,
};
export const unprovenLimits: Limits = {
  reportsPerDomainMax: 50,
  sourcesPerDomainMax: 100,
  rowsPerDayMax: 5_000,
};
export const keptMs = 90 * dayMs;
export const perMinuteMax = 120;
export const mailBytesMax = 4 * mebibyte;
export const waitingMax = 16;
const reportersMax = 50;
/** How far a report's day may lie ahead of our clock. */
const aheadMsMax = 2 * dayMs;
const readMsMax = 15 * secondMs;

export class DmarcReceived {
  readonly #parts: DmarcReceivedParts;
  #minute = 0;
  #inMinute = 0;
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: DmarcReceivedParts) {
    this.#parts = parts;
  }

  /** Answered when what the mail reports is on disk. */
  async take(ask: Pick<Ask, 'meta' | 'body'>): Promise<Answer> {
    const bytes = ask.body.reduce((sum, part) => sum + part.byteLength, 0);
    if (bytes > mailBytesMax) return failure('message-too-large', `${bytes} octets`);
    if (this.#waiting >= waitingMax || !this.#hasRoom()) {
      return failure('store-busy', 'too many reports');
    }
    this.#waiting++;
    const done = this.#turn.then(() => this.#read(ask.meta as DmarcMail, ask.body));
    this.#turn = done.catch(() => {});
    try {
      return await done;
    } catch (error) {
      return failure('store-busy', String(error));
    } finally {
      this.#waiting--;
    }
  }

  /** Days of a domain since one, the oldest first. */
  days(domain: string, sinceMs: number, isProven: boolean): readonly ReceivedDay[] {
    const days: ReceivedDay[] = [];
    const nowMs = this.#parts.clock.nowMs();
    const first = Math.max(dayOf(sinceMs), dayOf(nowMs - keptMs));
    for (let day = first; day <= nowMs + aheadMsMax; day += dayMs) {
      const found = this.#day(day, domain, isProven);
      if (found !== undefined) days.push(found);
    }
    return days;
  }

  sources(day: number, domain: string, isProven: boolean): readonly DmarcSourceCount[] {
    const rows = rowsBelow(this.#parts.table, domainKey(kindOf('source', isProven), day, domain));
    return rows.map(({ value }) => rowOf<DmarcSourceCount>(value));
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#parts.table.close();
  }

  #hasRoom(): boolean {
    const minute = Math.floor(this.#parts.clock.monotonicMs() / minuteMs);
    if (minute !== this.#minute) this.#inMinute = 0;
    this.#minute = minute;
    return this.#inMinute++ < perMinuteMax;
  }

  async #read(mail: DmarcMail, body: readonly Uint8Array[]): Promise<Answer> {
    const { jobs, clock, isDomainOurs, log } = this.#parts;
    const deadlineMs = clock.nowMs() + readMsMax;
    const answer = await jobs().run({ name: dmarcReadJob, meta: undefined, body, deadlineMs });
    if (!answer.ok) return answer;
    for (const report of answer.value as readonly MailedDmarcReport[]) {
      const { domain } = report;
      const verdict = (await isDomainOurs(domain)) ? await this.#keep(mail, report) : 'not-ours';
      log.info({ ...mail, domain, verdict }, 'a DMARC report came');
    }
    return { ok: true, value: undefined };
  }

  async #keep({ reporter, isProven }: DmarcMail, report: MailedDmarcReport): Promise<string> {
    const { table, clock } = this.#parts;
    const limits = isProven ? provenLimits : unprovenLimits;
    const { domain, id } = report;
    const day = dayOf(report.startMs);
    const oldest = dayOf(clock.nowMs() - keptMs);
    if (day < oldest || day > clock.nowMs() + aheadMsMax) return 'invalid';
    const of = (kind: 'source' | 'seen') => domainKey(kindOf(kind, isProven), day, domain);
    const seen = rowKey(of('seen'), JSON.stringify([reporter, id]));
    if (table.get(seen) !== undefined) return 'known';
    const known = this.#day(day, domain, isProven) ?? begun(day);
    let rowCount = this.#rowCount(day, isProven);
    const isFull = known.reports >= limits.reportsPerDomainMax;
    if (isFull || rowCount >= limits.rowsPerDayMax) return 'too-many';
    const changes: IndexChange[] = [...expiries(oldest), putRow(seen, {})];
    rowCount++;
    let { sourceCount, omittedMessages, messages, passed } = known;
    for (const source of report.sources) {
      ({ messages, passed } = cappedSum({ messages, passed }, source));
      const key = rowKey(of('source'), source.sourceAddress);
      const before = rowOf<DmarcSourceCount>(table.get(key));
      if (before === undefined) {
        if (sourceCount >= limits.sourcesPerDomainMax || rowCount >= limits.rowsPerDayMax) {
          ({ omittedMessages } = cappedSum(
            { omittedMessages },
            { omittedMessages: source.messages },
          ));
          continue;
        }
        sourceCount++;
        rowCount++;
      }
      const { sourceAddress, ...counts } = source;
      changes.push(putRow(key, { sourceAddress, ...cappedSum(counts, before) }));
    }
    const told = report.sources.reduce((sum, each) => cappedSum(sum, each), { messages: 0 });
    const reporters = withReporter(known.reporters, reporter, told.messages);
    const head = { ...known, reports: known.reports + 1, messages, passed, omittedMessages };
    changes.push(
      putRow(headKey(day, domain, isProven), { ...head, sourceCount, reporters }),
      putRow(totalKey(day, isProven), { rowCount }),
    );
    await table.commit(changes);
    return 'taken';
  }

  #day(day: number, domain: string, isProven: boolean): ReceivedDay | undefined {
    return rowOf<ReceivedDay>(this.#parts.table.get(headKey(day, domain, isProven)));
  }

  #rowCount(day: number, isProven: boolean): number {
    const found = this.#parts.table.get(totalKey(day, isProven));
    return rowOf<{ rowCount: number }>(found)?.rowCount ?? 0;
  }
}

function begun(day: number): ReceivedDay {
  return {
    ...{ dayMs: day, reports: 0, messages: 0, passed: 0 },
    ...{ omittedMessages: 0, sourceCount: 0, reporters: {} },
  };
}

function withReporter(
  reporters: Readonly<Record<string, number>>,
  reporter: string,
  messages: number,
): Record<string, number> {
  const isKnown = Object.hasOwn(reporters, reporter);
  const name = isKnown || Object.keys(reporters).length < reportersMax ? reporter : '';
  const before = Object.hasOwn(reporters, name) ? reporters[name]! : 0;
  const sum = cappedSum({ messages }, { messages: before });
  return { ...reporters, [name]: sum.messages };
}

function dayOf(ms: number): number {
  return Math.floor(Math.max(0, ms) / dayMs) * dayMs;
}

const kinds = ['source', 'seen', 'head', 'total'] as const;

/** The first byte of keys: days go kind by kind. */
function kindOf(kind: (typeof kinds)[number], isProven: boolean): number {
  return kinds.indexOf(kind) * 2 + (isProven ? 0 : 1);
}

function headKey(day: number, domain: string, isProven: boolean): Buffer {
  return domainKey(kindOf('head', isProven), day, domain);
}

function totalKey(day: number, isProven: boolean): Buffer {
  return dayKey(kindOf('total', isProven), day);
}

/** All that is of before a day. */
function expiries(oldest: number): readonly IndexChange[] {
  return Array.from({ length: kinds.length * 2 }, (_, kind) => ({
    removeFrom: dayKey(kind, 0),
    to: dayKey(kind, oldest),
  }));
}
