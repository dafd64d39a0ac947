/**
 * Finds out who vouches for a message: SPF, DKIM, ARC and DMARC. Messages of the usual shapes are judged by our own
 * checks (`quick/`); all others by mailauth in its strict mode, which those agree with.
 *
 * Runs in:   engine threads; waits for the DNS and costs 0.1 to 2 ms of processor, so never on the hot path.
 *            Loading this file loads mailauth (0.4 s): threads that verify do so at their start.
 * Specs:     RFC 7208 (SPF), RFC 6376, 8301 and 8463 (DKIM; rsa-sha1 never passes), RFC 8617 (ARC), RFC 9989 (DMARC),
 *            RFC 8601 (Authentication-Results).
 * Limits:    `signaturesMax` signatures of one message are looked at, the topmost.
 * Invariant: verdicts are words of RFC 8601 §2.7; the field made here names only what was checked here.
 */

import { Buffer } from 'node:buffer';
import { authenticate } from 'mailauth';
import { view } from '../../base/bytes.ts';
import { plainAddress } from '../../base/networks.ts';
import type { Dns } from '../../ports/dns.ts';
import { editHeader } from '../formats/headers/edit.ts';
import { fieldName, findField, isField, rawField } from '../formats/headers/fields.ts';
import { scanHeaders } from '../formats/headers/scan.ts';
import { type DmarcEvidence, publishedPolicy, toldSignatures } from './dmarc-evidence.ts';
import { readDmarcRecord } from './quick/dmarc-record.ts';
import { verifyQuickly } from './quick/quick.ts';
import { mailauthResolver } from './resolver.ts';

export { askedPolicy, authorOf } from './asked-policy.ts';

export interface VerifyRequest {
  /** The message as it came, before any edit. */
  readonly message: Uint8Array;
  /** MAIL FROM; "" is the null reverse-path: SPF then checks postmaster at the HELO name (RFC 7208 §2.4). */
  readonly sender: string;
  readonly peerAddress: string;
  readonly helo: string;
  readonly authservId: string;
  /** When signatures are over. */
  readonly nowMs: number;
}

export interface Verdicts {
  readonly spf: string;
  /** `pass` when any signature passes, else the first one's verdict; `none` without signatures. */
  readonly dkim: string;
  readonly arc: string;
  readonly dmarc: string;
  /** What the author's domain asks for when DMARC fails. */
  readonly dmarcPolicy: 'none' | 'quarantine' | 'reject';
  /** Domains of passing signatures, in order. */
  readonly dkimDomains: readonly string[];
}

export interface Verification {
  readonly verdicts: Verdicts;
  /** The Authentication-Results field with its line break, to be put before everything else (RFC 8601 §5). */
  readonly field: Uint8Array;
  /** Absent: DMARC came to no verdict, or nobody asks for reports. */
  readonly evidence?: DmarcEvidence;
}

const signatureName = fieldName('dkim-signature');
const arcSignatureName = fieldName('arc-message-signature');
const comma = 44;
/**
 * RFC 6376 §6.1 lets verifiers stop somewhere. Each signature costs a look-up and a hash of the header, and with an l=
 * of its own a hash of the body.
 */
export const signaturesMax = 10;

const resultsName = fieldName('authentication-results');

export async function verifyMessage(request: VerifyRequest, dns: Dns): Promise<Verification> {
  // RFC 7208 §5: an IPv4-mapped IPv6 address is the IPv4 address.
  const address = plainAddress(request.peerAddress);
  const found = await verifyQuickly(request, address, signaturesMax, dns);
  return found ?? (await verifyByReference(request, dns));
}

/** By mailauth, whatever the shape. */
export async function verifyByReference(request: VerifyRequest, dns: Dns): Promise<Verification> {
  const result = await authenticate(whatIsSigned(request.message), {
    sender: request.sender,
    ip: plainAddress(request.peerAddress),
    helo: request.helo,
    mta: request.authservId,
    resolver: mailauthResolver(dns),
    disableBimi: true,
    strict: true,
  });
  const signatures = result.dkim.results;
  const passing = signatures.filter(({ status }) => status.result === 'pass');
  const dmarc = result.dmarc === false ? undefined : result.dmarc;
  const verdicts: Verdicts = {
    spf: result.spf === false ? 'none' : result.spf.status.result,
    dkim: passing.length > 0 ? 'pass' : (signatures[0]?.status.result ?? 'none'),
    arc: result.arc === false ? 'none' : result.arc.status.result,
    // RFC 9989 §5.3.1: without exactly one author domain there is no DMARC verdict.
    dmarc: dmarc?.status.result ?? 'none',
    dmarcPolicy: dmarcPolicy(dmarc?.policy),
    dkimDomains: passing.flatMap(({ signingDomain }) => signingDomain ?? []),
  };
  const evidence = evidenceOf(result);
  const field = resultsField(result.headers);
  return { verdicts, field, ...(evidence === undefined ? {} : { evidence }) };
}

type Reference = Awaited<ReturnType<typeof authenticate>>;

function evidenceOf({ dmarc, spf, dkim }: Reference): DmarcEvidence | undefined {
  if (dmarc === false || dmarc.rr === undefined) return undefined;
  const { policyDomain, status, alignment } = dmarc;
  const record = readDmarcRecord(dmarc.rr);
  const isJudged = status.result === 'pass' || status.result === 'fail';
  if (!isJudged || record === undefined || policyDomain === undefined) return undefined;
  const published = publishedPolicy(policyDomain, record);
  const author = status.header?.from?.toLowerCase();
  if (published === undefined || author === undefined) return undefined;
  const signatures = dkim.results.map(({ signingDomain, selector, status: { result } }) => ({
    ...{ domain: (signingDomain ?? '').toLowerCase(), selector: selector ?? '', result },
  }));
  return {
    ...{ author, published },
    isDkimAligned: Boolean(alignment?.dkim?.result),
    isSpfAligned: Boolean(alignment?.spf?.result),
    spf:
      spf === false
        ? { domain: '', result: 'none' }
        : { domain: (spf.domain ?? '').toLowerCase(), result: spf.status.result },
    dkim: toldSignatures(
      author,
      signatures.filter(({ domain, selector }) => domain !== '' && selector !== ''),
    ),
  };
}

/** The message as far as verdicts depend on it. */
function whatIsSigned(message: Uint8Array): Buffer {
  const scan = scanHeaders(message);
  const signatures: number[] = [];
  let needsBody = false;
  for (let field = 0; field < scan.count; field++) {
    if (isField(scan, field, signatureName)) signatures.push(field);
    // A line that is no field may be one to mailauth, which reads folds before a colon.
    const isOdd = scan.nameEnd(field) === scan.nameStart(field);
    if (isOdd || isField(scan, field, arcSignatureName)) needsBody = true;
  }
  // Without a signature no verdict looks at the body (100 kB: 590 µs → 260).
  if (signatures.length === 0 && !needsBody) return view(message).subarray(0, scan.bodyStart);
  if (signatures.length <= signaturesMax) return view(message);
  return Buffer.concat(editHeader(scan, signatures.slice(signaturesMax)));
}

function dmarcPolicy(policy: string | undefined): Verdicts['dmarcPolicy'] {
  return policy === 'quarantine' || policy === 'reject' ? policy : 'none';
}

/** mailauth hands back Received-SPF too; RFC 7208 §9 lets one of the two do, and we write the one all methods share. */
function resultsField(headers: string): Uint8Array {
  const scan = scanHeaders(Buffer.from(headers, 'utf8'));
  return withoutSemicolons(rawField(scan, findField(scan, resultsName)));
}

/**
 * Comments and quoted values repeat what the peer called itself. A semicolon there is legal, but readers that split the
 * field without reading those would see a verdict of the peer's making.
 */
function withoutSemicolons(field: Uint8Array): Uint8Array {
  const bytes = Buffer.from(field);
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const char = String.fromCharCode(bytes[at]!);
    if (char === '\\') at++;
    else if (char === ';' && (isQuoted || depth > 0)) bytes[at] = comma;
    else if (isQuoted) isQuoted = char !== '"';
    else if (char === '(') depth++;
    else if (char === ')' && depth > 0) depth--;
    else if (char === '"' && depth === 0) isQuoted = true;
  }
  return bytes;
}
