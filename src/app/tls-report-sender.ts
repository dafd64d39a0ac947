/**
 * Sends each day's TLS reports to the domains that ask for them.
 *
 * Runs in:   main thread.
 * Specs:     RFC 8460 §3 (who asks), §4.1 (a random delay), §5.3 (by mail, signed), §5.4 (by HTTPS), §5.5 (retries
 *            for a day at most).
 * Invariant: a report to one place has the same id each time: killed between sending it and writing that down, it is
 *            sent again, which its receiver sees; by mail it is the same message.
 */

import { Buffer } from 'node:buffer';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Log } from '../base/log.ts';
import { reportIdOf, writeReportMail, writeTlsReport } from '../mail/formats/tls-report/write.ts';
import {
  type TlsReportDestination,
  tlsReportDestinations,
} from '../mail/trust/tls-report-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Dns } from '../ports/dns.ts';
import type { Random } from '../ports/random.ts';
import type { WebPoster } from '../ports/web-poster.ts';
import { DailyReports } from './daily-reports.ts';
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

const compress = promisify(gzip);

export class TlsReportSender {
  readonly #parts: TlsReportSenderParts;
  readonly #daily: DailyReports;

  constructor(parts: TlsReportSenderParts) {
    this.#parts = parts;
    const { outcomes, clock, random, log } = parts;
    this.#daily = new DailyReports({
      ...{ kind: 'TLS', clock, random, log },
      names: (toMs) => outcomes.names(toMs),
      report: async (day, domain, stop) => {
        const found = outcomes.get(day, domain);
        return found === undefined ? [] : await this.#report(found, stop);
      },
      remove: (day, domain) => outcomes.remove(day, domain),
    });
  }

  start(): void {
    this.#daily.start();
  }

  /** When the report of a day about a domain is tried next; undefined: its day is not over. */
  dueMs(day: number, domain: string): number | undefined {
    return this.#daily.dueMs(day, domain);
  }

  close(): Promise<void> {
    return this.#daily.close();
  }

  /** Why it is to be tried again: nothing where it went everywhere, or nobody asks for it. */
  async #report(found: DayOutcomes, stop: AbortSignal): Promise<readonly string[]> {
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
      const fault = await this.#deliver(destination, report, bytes, stop);
      if (fault === '') await outcomes.sent(found.dayMs, found.domain, destination.to);
      else faults.push(`${destination.to}: ${fault}`);
    }
    return faults;
  }

  async #deliver(
    { way, to }: TlsReportDestination,
    report: Parameters<typeof writeTlsReport>[0],
    bytes: Uint8Array,
    stop: AbortSignal,
  ): Promise<string> {
    const { poster, clock, random } = this.#parts;
    if (way === 'https') {
      const headers = { 'content-type': 'application/tlsrpt+gzip' };
      const posted = await poster.post(to, headers, bytes, stop);
      if (!posted.ok) return posted.detail;
      // RFC 8460 §5.4: any 2xx has taken it.
      return posted.status >= 200 && posted.status < 300 ? '' : `status ${posted.status}`;
    }
    const boundary = `=_${Buffer.from(random.bytes(15)).toString('base64url')}`;
    const text = writeReportMail({ report, gzip: bytes, to, nowMs: clock.nowMs(), boundary });
    return await this.#parts.mail({ to, text, key: `tls-report ${reportIdOf(report)} ${to}` });
  }
}
