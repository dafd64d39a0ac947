/**
 * Sends each day's TLS reports to the domains that ask for them.
 *
 * Runs in:   main thread.
 * Specs:     RFC 8460 §3 (who asks), §4.1 (a random delay), §5.3 (by mail, signed), §5.4 (by HTTPS), §5.5 (retries
 *            for a day at most).
 * Limits:    `sideBySideMax` reports under way; a report waits up to `spreadMs` after midnight and is tried for
 *            `triedMs`, with pauses from `retryMsMin` that double up to `retryMsMax`; then it is dropped.
 * Invariant: a report to one place has the same id each time: killed between sending it and writing that down, it is
 *            sent again, which its receiver sees; by mail it is the same message.
 */

import { Buffer } from 'node:buffer';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Log } from '../base/log.ts';
import { dayMs, hourMs, minuteMs } from '../base/units.ts';
import { reportIdOf, writeReportMail, writeTlsReport } from '../mail/formats/tls-report/write.ts';
import {
  type TlsReportDestination,
  tlsReportDestinations,
} from '../mail/trust/tls-report-record.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Dns } from '../ports/dns.ts';
import type { Random } from '../ports/random.ts';
import type { WebPoster } from '../ports/web-poster.ts';
import type { DayOutcomes, TlsOutcomes } from './tls-outcomes.ts';

export interface ReportMailToSend {
  readonly to: string;
  readonly text: string;
  /** Sent again with this, it is the same message. */
  readonly key: string;
}

export interface TlsReportSenderParts {
  readonly outcomes: TlsOutcomes;
  readonly organization: string;
  readonly contact: string;
  readonly dns: Pick<Dns, 'txt'>;
  readonly poster: WebPoster;
  /** Answers why it could not be taken, or "". */
  readonly mail: (mail: ReportMailToSend) => Promise<string>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

interface Due {
  readonly dayMs: number;
  readonly domain: string;
  readonly sinceMs: number;
  dueMs: number;
  tries: number;
}

export const spreadMs = 4 * hourMs;
const retryMsMin = 15 * minuteMs;
const retryMsMax = 4 * hourMs;
export const triedMs = dayMs;
/** Threads tell what they counted before midnight a few seconds after it. */
export const settlingMs = minuteMs;
const tickMs = minuteMs;
const sideBySideMax = 8;
const compress = promisify(gzip);

export class TlsReportSender {
  readonly #parts: TlsReportSenderParts;
  readonly #due = new Map<string, Due>();
  readonly #stop = new AbortController();
  #plannedMs = 0;
  #timer: Timer | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(parts: TlsReportSenderParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, log } = this.#parts;
    this.#timer = clock.setTimer(tickMs, () => {
      this.#round = this.#send().catch((error: unknown) => {
        log.error({ error: String(error) }, 'TLS reports could not be sent');
      });
      void this.#round.then(() => {
        if (!this.#stop.signal.aborted) this.start();
      });
    });
  }

  /** When the report of a day about a domain is tried next; undefined: its day is not over. */
  dueMs(day: number, domain: string): number | undefined {
    return this.#due.get(keyOf(day, domain))?.dueMs;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#timer?.cancel();
    await this.#round;
  }

  async #send(): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    this.#plan(nowMs);
    const due = [...this.#due.values()].filter((each) => each.dueMs <= nowMs);
    const worker = async () => {
      for (let each = due.pop(); each !== undefined; each = due.pop()) {
        if (this.#stop.signal.aborted) return;
        await this.#try(each);
      }
    };
    await Promise.all(Array.from({ length: sideBySideMax }, worker));
  }

  /** Days that ended since it looked last. */
  #plan(nowMs: number): void {
    const today = Math.floor((nowMs - settlingMs) / dayMs) * dayMs;
    if (today === this.#plannedMs) return;
    this.#plannedMs = today;
    const { outcomes, random } = this.#parts;
    for (const { dayMs: day, domain } of outcomes.names(today)) {
      const key = keyOf(day, domain);
      if (this.#due.has(key)) continue;
      const dueMs = nowMs + Math.floor(random.fraction() * spreadMs);
      this.#due.set(key, { dayMs: day, domain, sinceMs: dueMs, dueMs, tries: 0 });
    }
  }

  async #try(due: Due): Promise<void> {
    const { outcomes, clock, log } = this.#parts;
    const { domain, dayMs: day } = due;
    const found = outcomes.get(day, domain);
    const faults = found === undefined ? [] : await this.#report(found);
    if (this.#stop.signal.aborted && faults.length > 0) return;
    const pauseMs = Math.min(retryMsMin * 2 ** Math.min(due.tries++, 10), retryMsMax);
    due.dueMs = clock.nowMs() + pauseMs;
    const isOver = due.dueMs > due.sinceMs + triedMs;
    if (faults.length > 0) {
      log.warn({ domain, faults, isOver }, 'a TLS report could not be delivered');
      if (!isOver) return;
    }
    this.#due.delete(keyOf(day, domain));
    await outcomes.remove(day, domain);
  }

  /** Why it is to be tried again: nothing where it went everywhere, or nobody asks for it. */
  async #report(found: DayOutcomes): Promise<readonly string[]> {
    const { dns, outcomes, organization, contact } = this.#parts;
    const answer = await dns.txt(`_smtp._tls.${found.domain}`);
    if (!answer.ok) return answer.reason === 'failed' ? [answer.detail] : [];
    const open = tlsReportDestinations(answer.records).filter(
      ({ to }) => !found.sentTo.includes(to),
    );
    if (open.length === 0) return [];
    const report = { ...found, organization, contact };
    const bytes = await compress(writeTlsReport(report));
    const faults: string[] = [];
    for (const destination of open) {
      const fault = await this.#deliver(destination, report, bytes);
      if (fault === '') await outcomes.sent(found.dayMs, found.domain, destination.to);
      else faults.push(`${destination.to}: ${fault}`);
    }
    return faults;
  }

  async #deliver(
    { way, to }: TlsReportDestination,
    report: Parameters<typeof writeTlsReport>[0],
    bytes: Uint8Array,
  ): Promise<string> {
    const { poster, clock, random } = this.#parts;
    if (way === 'https') {
      const headers = { 'content-type': 'application/tlsrpt+gzip' };
      const posted = await poster.post(to, headers, bytes, this.#stop.signal);
      if (!posted.ok) return posted.detail;
      // RFC 8460 §5.4: any 2xx has taken it.
      return posted.status >= 200 && posted.status < 300 ? '' : `status ${posted.status}`;
    }
    const boundary = `=_${Buffer.from(random.bytes(15)).toString('base64url')}`;
    const text = writeReportMail({ report, gzip: bytes, to, nowMs: clock.nowMs(), boundary });
    return await this.#parts.mail({ to, text, key: `tls-report ${reportIdOf(report)} ${to}` });
  }
}

function keyOf(day: number, domain: string): string {
  return `${day} ${domain}`;
}
