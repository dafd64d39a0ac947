/**
 * What operators may ask about TLS reports.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import type { TlsPolicyReport } from '../../mail/formats/tls-report/parse.ts';
import type { PolicyOutcomes } from '../../mail/formats/tls-report/write.ts';
import type { Method } from './control-method.ts';

/** What one report says of one policy of a domain. */
export interface TlsReportView extends TlsPolicyReport {
  readonly organization: string;
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** What we will report of a day's sessions with a domain, if it asks for it. */
export interface PendingTlsReport {
  readonly domain: string;
  /** The day's beginning, in UTC. */
  readonly dayMs: number;
  readonly policies: readonly PolicyOutcomes[];
  /** Where it went already. */
  readonly sentTo: readonly string[];
  /** When it is tried next; 0: after its day, or once that is planned. */
  readonly dueMs: number;
}

export interface TlsReportMethods {
  /** The oldest first. */
  'tls-report.pending': Method<
    Record<never, never>,
    { readonly isOn: boolean; readonly reports: readonly PendingTlsReport[] }
  >;
  /** Of a domain, or of all; what ended last comes first. */
  'tls-report.list': Method<
    { readonly domain?: string; readonly sinceMs: number },
    { readonly reports: readonly TlsReportView[] }
  >;
}
