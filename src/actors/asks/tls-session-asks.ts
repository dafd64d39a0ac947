/**
 * How TLS of sessions with other servers went, on its way from engine threads to where it is added up.
 *
 * Runs in: both sides; plain data only.
 */

import type { PolicyOutcomes } from '../../mail/formats/tls-report/write.ts';

/** Notice: what a thread counted since it told last. Value: `TlsSessionCounts`. */
export const tlsSessionsNotice = 'tls-report.sessions';

export interface TlsSessionCounts {
  /** When the first of them was counted. */
  readonly sinceMs: number;
  readonly domains: readonly DomainOutcomes[];
}

export interface DomainOutcomes {
  /** Of recipients, in lower-case A-labels. */
  readonly domain: string;
  readonly policies: readonly PolicyOutcomes[];
}
