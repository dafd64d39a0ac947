/**
 * Reads a TLS report: how another organization's servers fared with TLS to ours.
 *
 * Runs in:   main thread; pure.
 * Specs:     RFC 8460 §4.3 (result types), §4.4 (JSON), §5.4 (gzip).
 * Limits:    `reportBytesMax` of JSON, `policiesMax`, `failuresMax` of a policy, texts of `textCharsMax`.
 * Invariant: what comes out is small and printable whatever came in: anybody may send a report.
 */

export const reportBytesMax = 2 * 1_024 * 1_024;
export const policiesMax = 100;
export const failuresMax = 100;
const textCharsMax = 255;
const hostsMax = 20;

export interface TlsFailure {
  /** As `certificate-expired`; types that are not known yet as they are. */
  readonly resultType: string;
  readonly host: string;
  readonly sendingAddress: string;
  readonly sessions: number;
  readonly reason: string;
}

export interface TlsPolicyReport {
  /** `tlsa`, `sts` or `no-policy-found`. */
  readonly type: string;
  /** Lower case. */
  readonly domain: string;
  readonly hosts: readonly string[];
  readonly successes: number;
  readonly failures: number;
  readonly details: readonly TlsFailure[];
}

export interface TlsReport {
  readonly organization: string;
  readonly contact: string;
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly policies: readonly TlsPolicyReport[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Undefined: it is no report. */
export function parseTlsReport(json: Uint8Array): TlsReport | undefined {
  if (json.byteLength > reportBytesMax) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch {
    return undefined;
  }
  const report = fieldsOf(value);
  const range = fieldsOf(report['date-range']);
  const startMs = instantOf(range['start-datetime']);
  const endMs = instantOf(range['end-datetime']);
  const id = textOf(report['report-id']);
  const policies = listOf(report.policies);
  if (id === '' || startMs === undefined || endMs === undefined) return undefined;
  if (policies.length === 0 || policies.length > policiesMax) return undefined;
  return {
    organization: textOf(report['organization-name']),
    contact: textOf(report['contact-info']),
    ...{ id, startMs, endMs },
    policies: policies.map(policyOf),
  };
}

function policyOf(value: unknown): TlsPolicyReport {
  const { policy, summary, 'failure-details': details } = fieldsOf(value);
  const given = fieldsOf(policy);
  const counts = fieldsOf(summary);
  // The RFC's text and its example differ on what this one is: a list, or one name.
  const hosts = given['mx-host'];
  return {
    type: textOf(given['policy-type']),
    domain: textOf(given['policy-domain']).toLowerCase().replace(/\.$/, ''),
    hosts: (Array.isArray(hosts) ? hosts : [hosts]).slice(0, hostsMax).map(textOf).filter(Boolean),
    successes: countOf(counts['total-successful-session-count']),
    failures: countOf(counts['total-failure-session-count']),
    details: listOf(details).slice(0, failuresMax).map(failureOf),
  };
}

function failureOf(value: unknown): TlsFailure {
  const given = fieldsOf(value);
  return {
    resultType: textOf(given['result-type']),
    host: textOf(given['receiving-mx-hostname']),
    sendingAddress: textOf(given['sending-mta-ip']),
    sessions: countOf(given['failed-session-count']),
    reason: textOf(given['failure-reason-code']),
  };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** One line of printable characters. */
function textOf(value: unknown): string {
  if (typeof value !== 'string') return '';
  return value
    .slice(0, textCharsMax)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, ' ')
    .trim();
}

function countOf(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0;
}

function instantOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' && value.length < 64 ? Date.parse(value) : Number.NaN;
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}
