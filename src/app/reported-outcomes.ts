/**
 * How mail fared, as domains tell each other: what is counted for others, and what they tell of ours.
 *
 * Runs in: main thread.
 */

import type { Log } from '../base/log.ts';
import type { Settings } from '../settings/schema.ts';
import type { DmarcOutcomes } from './dmarc-outcomes.ts';
import type { DmarcReceived } from './dmarc-received.ts';
import {
  type DmarcReceivedNeeds,
  openDmarcOutcomes,
  openDmarcReceived,
} from './dmarc-reporting.ts';
import type { TlsOutcomes } from './tls-outcomes.ts';
import { openTlsOutcomes } from './tls-reporting.ts';

/** What other domains are told of, and tell; undefined: settings have none told. */
export interface ReportedOutcomes {
  readonly outcomes: TlsOutcomes | undefined;
  readonly dmarcOutcomes: DmarcOutcomes | undefined;
  readonly dmarcReceived: DmarcReceived | undefined;
}

/** Before the engine's threads. */
export function openReported(
  settings: Settings,
  folder: string,
  log: Log,
  reading: DmarcReceivedNeeds,
  closers: (() => Promise<void>)[],
): ReportedOutcomes {
  return {
    outcomes: openTlsOutcomes(settings, folder, log, closers),
    dmarcOutcomes: openDmarcOutcomes(settings, folder, log, closers),
    dmarcReceived: openDmarcReceived(settings, folder, log, reading, closers),
  };
}
