/**
 * DMARC policy records: read once per record text.
 *
 * Runs in:   engine threads; a cache per thread.
 * Specs:     RFC 9989 §4.7 (tags), §4.10.1 (a record without a valid policy).
 * Limits:    `recordsMax` records are kept; none over `recordCharsMax` is to be given here.
 */

import { RecentMap } from '../../../base/recent-map.ts';

export type DmarcPolicy = 'none' | 'quarantine' | 'reject';

export interface DmarcRecord {
  /** Absent: neither a valid policy nor anybody to report to, and no processing. */
  readonly policies:
    | {
        readonly p: DmarcPolicy;
        readonly sp: DmarcPolicy | undefined;
        readonly np: DmarcPolicy | undefined;
      }
    | undefined;
  /** Somebody is to be told of mail by reports. */
  readonly isReported: boolean;
  readonly isTest: boolean;
  readonly isDkimStrict: boolean;
  readonly isSpfStrict: boolean;
  /** Of a public suffix: `y`, `n`, or nothing said. */
  readonly psd: 'y' | 'n' | undefined;
}

const recordsMax = 2_000;
export const recordCharsMax = 2_048;
const version = /^[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/;
const policies: readonly string[] = ['none', 'quarantine', 'reject'] satisfies DmarcPolicy[];
const reportingUri = /^[a-z][a-z0-9+.-]*:(?:[a-z0-9\-._~:/?#[\]@$&'()*+;=]|%[0-9a-f]{2})*$/i;
const obsoleteSize = /![0-9]+[kmgt]?$/i;

/** `null`: a text that is no valid record. */
const records = new RecentMap<string, DmarcRecord | null>(recordsMax);

export function isDmarcRecord(text: string): boolean {
  return version.test(text.trim());
}

/** Undefined: no valid tag list, and so no record (RFC 9989 §4.10 step 2). */
export function readDmarcRecord(text: string): DmarcRecord | undefined {
  let record = records.get(text);
  if (record === undefined) {
    record = parse(text) ?? null;
    records.set(text, record);
  }
  return record ?? undefined;
}

function parse(text: string): DmarcRecord | undefined {
  const tags = new Map<string, string>();
  const named = new Set<string>();
  for (const spec of text.split(';')) {
    const entry = spec.trim();
    const equals = entry.indexOf('=');
    if (entry === '' || equals === 0) continue;
    if (equals < 0) {
      // No tag: what it names is not said, and no policy.
      tags.set(entry.toLowerCase(), '');
      continue;
    }
    const written = entry.slice(0, equals).trim();
    // Names are as written (RFC 6376 §3.2), but for the version's.
    const name = tags.size === 0 ? written.toLowerCase() : written;
    if (named.has(name)) return undefined;
    named.add(name);
    tags.set(name, entry.slice(equals + 1).trim());
  }
  const word = (name: string) => tags.get(name)?.toLowerCase();
  const psd = word('psd');
  return {
    policies: policiesOf(word('p'), word('sp'), word('np'), tags.get('rua')),
    isReported: hasReportingUri(tags.get('rua')),
    isTest: word('t') === 'y',
    isDkimStrict: word('adkim') === 's',
    isSpfStrict: word('aspf') === 's',
    psd: psd === 'y' || psd === 'n' ? psd : undefined,
  };
}

function policiesOf(
  p: string | undefined,
  sp: string | undefined,
  np: string | undefined,
  rua: string | undefined,
): DmarcRecord['policies'] {
  if (isPolicy(p) && (sp === undefined || isPolicy(sp)) && (np === undefined || isPolicy(np))) {
    return { p, sp, np };
  }
  return hasReportingUri(rua) ? { p: 'none', sp: undefined, np: undefined } : undefined;
}

function hasReportingUri(rua: string | undefined): boolean {
  const uris = rua?.split(',').map((uri) => uri.trim().replace(obsoleteSize, '')) ?? [];
  return uris.some((uri) => reportingUri.test(uri));
}

function isPolicy(text: string | undefined): text is DmarcPolicy {
  return text !== undefined && policies.includes(text);
}
