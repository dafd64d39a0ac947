/**
 * What operators may ask about TLS reports.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import type { TlsPolicyReport } from '../../mail/formats/tls-report/parse.ts';
import type { Method } from './control-method.ts';

/** What one report says of one policy of a domain. */
export interface TlsReportView extends TlsPolicyReport {
  readonly organization: string;
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
}

export interface TlsReportMethods {
  /** Of a domain, or of all; what ended last comes first. */
  'tls-report.list': Method<
    { readonly domain?: string; readonly sinceMs: number },
    { readonly reports: readonly TlsReportView[] }
  >;
}
