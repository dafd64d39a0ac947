/**
 * The job that reads DMARC reports out of a mail.
 *
 * Runs in:   threads marked for jobs.
 * Limits:    those of `readDmarcReports`.
 */

import type { Handlers } from '../../actors/ask.ts';
import {
  type DmarcSourceCount,
  dmarcReadJob,
  type MailedDmarcReport,
} from '../../actors/asks/dmarc-intake-asks.ts';
import { cappedSum } from '../../base/capped-sum.ts';
import type { DmarcReport } from '../../mail/formats/dmarc-report/report.ts';

export const dmarcReadHandlers: Handlers = {
  [dmarcReadJob]: (job) => ({ pending: read(job.body) }),
};

async function read(message: Uint8Array) {
  // Loaded by the first report: most servers get none.
  const { readDmarcReports } = await import('../../mail/formats/dmarc-report/read.ts');
  const value: readonly MailedDmarcReport[] = readDmarcReports(message).reports.map(bySource);
  return { ok: true, value } as const;
}

function bySource({ id, policy, startMs, records }: DmarcReport): MailedDmarcReport {
  const sources = new Map<string, DmarcSourceCount>();
  for (const { sourceAddress, count, dkim, spf, disposition } of records) {
    const known = sources.get(sourceAddress);
    const of = (isSo: boolean) => (isSo ? count : 0);
    const counted = {
      ...{ messages: count, passed: of(dkim === 'pass' || spf === 'pass') },
      ...{ dkim: of(dkim === 'pass'), spf: of(spf === 'pass') },
      ...{ quarantined: of(disposition === 'quarantine'), rejected: of(disposition === 'reject') },
    };
    sources.set(sourceAddress, { sourceAddress, ...cappedSum(counted, known) });
  }
  return { id, domain: policy.domain, startMs, sources: [...sources.values()] };
}
