/**
 * TLS reports, as operators read them.
 *
 * Runs in: main thread.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import { domainNamed } from './directory-handlers.ts';
import type { ControlParts } from './parts.ts';

const pendingMax = 1_000;

export function tlsReportHandlers(parts: ControlParts): ControlHandlers {
  const { directory, tlsReports, tlsReporting } = parts;
  return {
    'tls-report.list': async ({ domain, sinceMs }) => {
      const { hostname } = tlsReports;
      const names =
        domain === undefined
          ? [...new Set([hostname, ...(await directory.domains()).map(({ name }) => name)])]
          : [domain === hostname ? hostname : (await domainNamed(parts, domain)).name];
      const reports = names.flatMap((name) => tlsReports.list(name, sinceMs));
      return { reports: reports.sort((a, b) => b.endMs - a.endMs) };
    },
    'tls-report.pending': async () => ({
      isOn: tlsReporting !== undefined,
      reports: tlsReporting?.pending(pendingMax) ?? [],
    }),
  };
}
