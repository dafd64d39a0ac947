/**
 * What a domain that asks for DMARC reports is told of one message.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9990 §3.1.1 (contents), §3.1.3 (signatures by preference).
 * Limits:    `signaturesMax` signatures of one message.
 */

import type { DkimResult, PublishedPolicy, SpfResult } from '../formats/dmarc-report/report.ts';
import type { DmarcRecord } from './quick/dmarc-record.ts';

export interface DmarcEvidence {
  /** The author domain, in lower case. */
  readonly author: string;
  readonly published: PublishedPolicy;
  readonly isDkimAligned: boolean;
  readonly isSpfAligned: boolean;
  readonly spf: SpfResult;
  readonly dkim: readonly DkimResult[];
}

const signaturesMax = 10;

/** RFC 9990 §3.1.1.5: unsaid tags have their defaults. Undefined: nobody asks for reports. */
export function publishedPolicy(domain: string, record: DmarcRecord): PublishedPolicy | undefined {
  const { policies, isReported, isDkimStrict, isSpfStrict, isTest } = record;
  if (!isReported || policies === undefined) return undefined;
  const { p, sp = p } = policies;
  return {
    ...{ domain, p, sp, np: policies.np ?? sp, fo: '', discovery: 'treewalk' },
    ...{ adkim: isDkimStrict ? 's' : 'r', aspf: isSpfStrict ? 's' : 'r', isTesting: isTest },
  };
}

/** RFC 9990 §3.1.3: those of the author first, then those that pass. */
export function toldSignatures(author: string, all: readonly DkimResult[]): readonly DkimResult[] {
  const rank = ({ domain, result }: DkimResult) => {
    if (result !== 'pass') return 3;
    if (domain === author) return 0;
    return author.endsWith(`.${domain}`) || domain.endsWith(`.${author}`) ? 1 : 2;
  };
  return all.toSorted((a, b) => rank(a) - rank(b)).slice(0, signaturesMax);
}
