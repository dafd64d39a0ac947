/**
 * How mail fared by DMARC, on its way from engine threads to where it is added up.
 *
 * Runs in: both sides; plain data only.
 */

import type { DmarcRecord, PublishedPolicy } from '../../mail/formats/dmarc-report/report.ts';

/** Notice: what a thread counted since it told last. Value: `DmarcCounts`. */
export const dmarcCountsNotice = 'dmarc-report.counts';

export interface DmarcCounts {
  /** When the first of them was counted. */
  readonly sinceMs: number;
  readonly rows: readonly DmarcCount[];
}

export interface DmarcCount {
  readonly published: PublishedPolicy;
  readonly record: DmarcRecord;
}
