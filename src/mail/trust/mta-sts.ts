/**
 * MTA-STS policies: which hosts they allow.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 8461 §3.2 (policy), §4.1 (names of hosts).
 */

export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none';
  /** In lower case; `*.example.org` stands for one label before the rest. */
  readonly mx: readonly string[];
  readonly maxAgeSeconds: number;
}

/** Whether a host is one the policy names. RFC 8461 §4.1: the wildcard is the leftmost label, and one label only. */
export function isHostInPolicy({ mx }: StsPolicy, givenHost: string): boolean {
  const host = givenHost.toLowerCase().replace(/\.$/, '');
  const above = host.slice(host.indexOf('.') + 1);
  return mx.some((pattern) =>
    pattern.startsWith('*.') ? above !== host && above === pattern.slice(2) : pattern === host,
  );
}
