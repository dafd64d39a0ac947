/**
 * MTA-STS policies: the TXT record that announces one, its text, and which hosts it allows.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 8461 §3.1 (record), §3.2 (policy), §4.1 (names of hosts).
 * Limits:    `policyBytesMax` a policy, `patternsMax` patterns in it, `maxAgeSecondsMax` it is believed.
 */

import { createHash } from 'node:crypto';

export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none';
  /** In lower case; `*.example.org` stands for one label before the rest. */
  readonly mx: readonly string[];
  readonly maxAgeSeconds: number;
}

export const policyPath = '/.well-known/mta-sts.txt';
export const policyBytesMax = 64 * 1_024;
/** RFC 8461 §3.2: about a year. */
export const maxAgeSecondsMax = 31_557_600;
const patternsMax = 200;
const patternOf =
  /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** The id of the one record there must be, else undefined: there is no policy then. */
export function stsRecordId(texts: readonly string[]): string | undefined {
  const announced = texts.filter((text) => /^v=STSv1[ \t]*(?:;|$)/.test(text));
  if (announced.length !== 1) return undefined;
  for (const field of announced[0]!.split(';').slice(1)) {
    const id = /^[ \t]*id[ \t]*=[ \t]*([a-zA-Z0-9]{1,32})[ \t]*$/.exec(field)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}

/** Undefined where the text is no policy: it is as if it could not be fetched (RFC 8461 §3.3). */
export function parseStsPolicy(text: string): StsPolicy | undefined {
  const single = new Map<string, string>();
  const mx: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const key = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    if (key === 'mx') mx.push(value.toLowerCase().replace(/\.$/, ''));
    // RFC 8461 §3.2: of a field that stands twice, the first counts.
    else if (!single.has(key)) single.set(key, value);
  }
  const mode = single.get('mode');
  const maxAge = single.get('max_age') ?? '';
  if (single.get('version') !== 'STSv1' || !/^\d{1,10}$/.test(maxAge)) return undefined;
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return undefined;
  if (mode !== 'none' && mx.length === 0) return undefined;
  if (mx.length > patternsMax || !mx.every((pattern) => patternOf.test(pattern))) return undefined;
  return { mode, mx, maxAgeSeconds: Math.min(Number(maxAge), maxAgeSecondsMax) };
}

/** Another for every other policy: servers that have the old one fetch again (RFC 8461 §3.1). */
export function stsPolicyId(policy: StsPolicy): string {
  return createHash('sha256').update(writeStsPolicy(policy)).digest('hex').slice(0, 20);
}

/** Whether a host is one the policy names. RFC 8461 §4.1: the wildcard is the leftmost label, and one label only. */
export function isHostInPolicy({ mx }: StsPolicy, givenHost: string): boolean {
  const host = givenHost.toLowerCase().replace(/\.$/, '');
  const above = host.slice(host.indexOf('.') + 1);
  return mx.some((pattern) =>
    pattern.startsWith('*.') ? above !== host && above === pattern.slice(2) : pattern === host,
  );
}

export function writeStsPolicy({ mode, mx, maxAgeSeconds }: StsPolicy): string {
  const lines = ['version: STSv1', `mode: ${mode}`];
  for (const pattern of mx) lines.push(`mx: ${pattern}`);
  lines.push(`max_age: ${maxAgeSeconds}`, '');
  return lines.join('\r\n');
}
