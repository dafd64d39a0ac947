/**
 * Sends each day's DMARC reports to the domains that ask for them.
 *
 * Runs in:   main thread.
 * Specs:     RFC 9990 §3.4 (who asks), §3.5 (sizes), §3.5.2 (by mail, signed), §4 (places outside the domain).
 * Limits:    a report holds no more rows than `DmarcOutcomes` keeps; places that take less than its mail get none.
 * Invariant: a report to one place says the same under the same id and file name each time: killed between sending it
 *            and writing that down, it is sent again under its key and is the same message; none is lost. Two reports
 *            of one day, as when the clock went back, have ids of their own.
 */

import { Buffer } from 'node:buffer';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Log } from '../base/log.ts';
import {
  type DmarcReportFacts,
  dmarcReportId,
  writeDmarcReport,
  writeDmarcReportMail,
} from '../mail/formats/dmarc-report/write.ts';
import { dmarcDestinations } from '../mail/trust/dmarc-report-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Dns } from '../ports/dns.ts';
import type { Random } from '../ports/random.ts';
import { DailyReports } from './daily-reports.ts';
import type { DmarcOutcomes } from './dmarc-outcomes.ts';
import { type PendingReports, pendingReports } from './dmarc-pending.ts';
import type { ReportMailToSend } from './tls-report-sender.ts';

export interface DmarcReportSenderParts {
  readonly outcomes: DmarcOutcomes;
  readonly organization: string;
  readonly contact: string;
  /** Domains that are told nothing, in lower case. */
  readonly except: readonly string[];
  readonly dns: Pick<Dns, 'txt'>;
  /** Answers why it could not be taken, or "". */
  readonly mail: (mail: ReportMailToSend) => Promise<string>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const compress = promisify(gzip);

export class DmarcReportSender {
  readonly #parts: DmarcReportSenderParts;
  readonly #except: ReadonlySet<string>;
  readonly #daily: DailyReports;

  constructor(parts: DmarcReportSenderParts) {
    this.#parts = parts;
    this.#except = new Set(parts.except);
    const { outcomes, clock, random, log } = parts;
    this.#daily = new DailyReports({
      ...{ kind: 'DMARC', clock, random, log },
      names: (toMs) => outcomes.names(toMs),
      report: (day, domain) => this.#report(day, domain),
      remove: (day, domain) => outcomes.remove(day, domain),
    });
  }

  start(): void {
    this.#daily.start();
  }

  pending(): Promise<PendingReports> {
    return pendingReports({
      outcomes: this.#parts.outcomes,
      dueMs: (day, name) => this.#daily.dueMs(day, name),
      measure: (day, name) => this.#measured(day, name),
    });
  }

  close(): Promise<void> {
    return this.#daily.close();
  }

  /** Why it is to be tried again: nothing where it went everywhere, or nobody asks for it. */
  async #report(day: number, name: string): Promise<readonly string[]> {
    const { outcomes, dns, log } = this.#parts;
    const found = outcomes.get(day, name);
    if (found === undefined) return [];
    const { domain } = found.policy;
    if (this.#except.has(domain)) return [];
    const places = await dmarcDestinations(domain, dns);
    if (places === 'wait') return ['the DNS does not say where it goes'];
    const open = places.filter(({ address }) => !this.#has(found.sentTo, address));
    if (open.length === 0) return [];
    await outcomes.seal(day, name);
    const report = this.#written(day, name);
    if (report === undefined) return [];
    const bytes = await compress(writeDmarcReport(report));
    const faults: string[] = [];
    for (const { address, bytesMax } of open) {
      const text = this.#mailOf(report, bytes, address);
      // RFC 9990 §3.5: after compression and encoding.
      if (text.length > bytesMax) {
        log.warn({ domain, bytes: text.length, bytesMax }, 'a DMARC report is too large to send');
        continue;
      }
      const key = `dmarc-report ${dmarcReportId(report)} ${address}`;
      const fault = await this.#parts.mail({ to: address, text, key });
      if (fault === '') await outcomes.sent(day, name, address);
      else faults.push(`${address}: ${fault}`);
    }
    return faults;
  }

  /** As it would be if it left now. */
  async #measured(day: number, name: string): Promise<number> {
    const report = this.#written(day, name);
    if (report === undefined) return 0;
    const bytes = await compress(writeDmarcReport(report));
    return this.#mailOf(report, bytes, `dmarc@${report.policy.domain}`).length;
  }

  #mailOf(report: DmarcReportFacts, bytes: Uint8Array, to: string): string {
    const { clock, random } = this.#parts;
    const boundary = `=_${Buffer.from(random.bytes(15)).toString('base64url')}`;
    return writeDmarcReportMail({ report, gzip: bytes, to, nowMs: clock.nowMs(), boundary });
  }

  /** Undefined: nothing is told of it. */
  #written(day: number, name: string): DmarcReportFacts | undefined {
    const { outcomes, organization, contact } = this.#parts;
    const found = outcomes.get(day, name);
    const records = outcomes.records(day, name);
    if (found === undefined || records.length === 0) return undefined;
    const { policy, serial = '', droppedCount } = found;
    const error = droppedCount === 0 ? '' : `${droppedCount} more messages are not in this report`;
    return { organization, contact, dayMs: day, serial, policy, records, error };
  }

  /** It has it, or is to be left alone. */
  #has(sentTo: readonly string[], address: string): boolean {
    const host = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
    return sentTo.includes(address) || this.#except.has(host);
  }
}
