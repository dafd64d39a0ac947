/**
 * Reads an aggregate report: how mail that names a domain as its author's fared elsewhere.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9990 §3.1.1 (elements), appendix A; RFC 7489 appendix C (the older schema).
 * Limits:    `reportBytesMax` of XML, `recordsMax` records, `resultsMax` results and `reasonsMax` reasons of a record,
 *            texts of `textCharsMax`.
 * Invariant: what comes out is bounded and printable whatever came in: anybody may send a report.
 */

import type {
  DkimResult,
  DmarcRecord,
  DmarcReport,
  OverrideReason,
  PublishedPolicy,
  SpfResult,
} from './report.ts';
import { childOf, childrenOf, readXml, type XmlElement } from './xml.ts';

export const reportBytesMax = 16 * 1_024 * 1_024;
export const recordsMax = 20_000;
/** RFC 9990 §3.1.3: no more signatures than that are worth a report. */
const resultsMax = 100;
const reasonsMax = 10;
const errorsMax = 10;
const textCharsMax = 255;

/** Undefined: it is no report, or a larger one than is read. */
export function parseDmarcReport(xml: Uint8Array): DmarcReport | undefined {
  if (xml.byteLength > reportBytesMax) return undefined;
  const root = readXml(new TextDecoder('utf-8').decode(xml), 'feedback');
  if (root === undefined) return undefined;
  const metadata = childOf(root, 'report_metadata');
  const range = childOf(metadata, 'date_range');
  const [startMs, endMs] = [instantOf(range, 'begin'), instantOf(range, 'end')];
  const id = textOf(metadata, 'report_id');
  const policy = policyOf(childOf(root, 'policy_published'));
  const records = elementsOf(root, 'record', recordsMax + 1);
  if (id === '' || policy.domain === '' || startMs === undefined || endMs === undefined) {
    return undefined;
  }
  if (records.length === 0 || records.length > recordsMax) return undefined;
  return {
    organization: textOf(metadata, 'org_name'),
    contact: textOf(metadata, 'email'),
    extraContact: textOf(metadata, 'extra_contact_info'),
    ...{ id, startMs, endMs },
    errors: childrenOf(metadata, 'error').slice(0, errorsMax).map(printable),
    generator: textOf(metadata, 'generator'),
    policy,
    records: records.map(recordOf),
  };
}

function policyOf(given: XmlElement): PublishedPolicy {
  return {
    domain: nameOf(given, 'domain'),
    p: wordOf(given, 'p'),
    sp: wordOf(given, 'sp'),
    np: wordOf(given, 'np'),
    adkim: wordOf(given, 'adkim'),
    aspf: wordOf(given, 'aspf'),
    fo: wordOf(given, 'fo'),
    isTesting: wordOf(given, 'testing') === 'y',
    discovery: wordOf(given, 'discovery_method'),
  };
}

function recordOf(given: XmlElement): DmarcRecord {
  const row = childOf(given, 'row');
  const evaluated = childOf(row, 'policy_evaluated');
  const identifiers = childOf(given, 'identifiers');
  const results = childOf(given, 'auth_results');
  return {
    sourceAddress: textOf(row, 'source_ip'),
    count: countOf(row, 'count'),
    disposition: wordOf(evaluated, 'disposition'),
    dkim: wordOf(evaluated, 'dkim'),
    spf: wordOf(evaluated, 'spf'),
    reasons: elementsOf(evaluated, 'reason', reasonsMax).map(
      (reason): OverrideReason => ({
        type: wordOf(reason, 'type'),
        comment: textOf(reason, 'comment'),
      }),
    ),
    headerFrom: nameOf(identifiers, 'header_from'),
    envelopeFrom: nameOf(identifiers, 'envelope_from'),
    envelopeTo: nameOf(identifiers, 'envelope_to'),
    dkimResults: elementsOf(results, 'dkim', resultsMax).map(
      (each): DkimResult => ({
        domain: nameOf(each, 'domain'),
        selector: textOf(each, 'selector'),
        result: wordOf(each, 'result'),
      }),
    ),
    spfResults: elementsOf(results, 'spf', resultsMax).map(
      (each): SpfResult => ({ domain: nameOf(each, 'domain'), result: wordOf(each, 'result') }),
    ),
  };
}

function elementsOf(parent: XmlElement, name: string, countMax: number): readonly XmlElement[] {
  return childrenOf(parent, name)
    .slice(0, countMax)
    .map((each) => (typeof each === 'object' ? each : {}));
}

function textOf(parent: XmlElement, name: string): string {
  return printable(childrenOf(parent, name)[0]);
}

function wordOf(parent: XmlElement, name: string): string {
  return textOf(parent, name).toLowerCase();
}

function nameOf(parent: XmlElement, name: string): string {
  return textOf(parent, name).toLowerCase().replace(/\.$/, '');
}

/** One line of printable characters; an element with attributes has its text under a name of the parser's. */
function printable(given: XmlElement | string | undefined): string {
  const text = typeof given === 'object' ? given['#text'] : given;
  return String(text ?? '')
    .slice(0, textCharsMax)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, ' ')
    .trim();
}

function countOf(parent: XmlElement, name: string): number {
  const count = digitsOf(parent, name);
  return Number.isSafeInteger(count) ? count : 0;
}

/** Seconds since 1970. */
function instantOf(parent: XmlElement, name: string): number | undefined {
  const ms = digitsOf(parent, name) * 1_000;
  return Number.isSafeInteger(ms) && ms <= instantMsMax ? ms : undefined;
}

/** Of a Date. */
const instantMsMax = 8.64e15;

function digitsOf(parent: XmlElement, name: string): number {
  const text = textOf(parent, name);
  return /^\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
}
