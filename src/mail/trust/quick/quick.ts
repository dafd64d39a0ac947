/**
 * Finds out who vouches for a message of a usual shape, in a fraction of what the reference takes.
 *
 * Runs in:   engine threads; waits for the DNS, costs some 0.15 ms of processor.
 * Specs:     RFC 7208 (SPF), RFC 6376, 8301 and 8463 (DKIM), RFC 8617 (ARC), RFC 9989 (DMARC), RFC 8601 (results).
 * Invariant: verdicts and field are those the reference would give, to the byte, or there are none: then it is asked.
 *            So nothing here words an error, and no shape need be taken for the sake of its rightness.
 */

import { isIP } from 'node:net';
import type { Dns } from '../../../ports/dns.ts';
import { type DmarcEvidence, toldSignatures } from '../dmarc-evidence.ts';
import type { Verdicts, Verification, VerifyRequest } from '../verify.ts';
import { type ArcVerdict, checkArc, findChain } from './arc.ts';
import { authorDomain } from './author.ts';
import { checkDkim, findSignatures, type SignatureVerdict } from './dkim.ts';
import { checkDmarc, type DmarcVerdict } from './dmarc.ts';
import { PlainHeader } from './header.ts';
import { type ResultRow, resultsField } from './results.ts';
import { isPlainDomain, isToken, plainAddressOf } from './shapes.ts';
import { checkSpf, type SpfQuestion, type SpfVerdict } from './spf.ts';

const spfWords = {
  '+': 'pass',
  '-': 'fail',
  '~': 'softfail',
  '?': 'neutral',
  none: 'none',
} as const;

/** Who sent it, once it is sure how to read that. */
interface Client extends SpfQuestion {
  readonly isNullSender: boolean;
  /** As given. */
  readonly writtenDomain: string;
}

/** `address`: the peer's, IPv4 not mapped into IPv6. Undefined: ask the reference. */
export async function verifyQuickly(
  request: VerifyRequest,
  address: string,
  signaturesMax: number,
  dns: Dns,
): Promise<Verification | undefined> {
  const { message, authservId, nowMs } = request;
  const client = clientOf(request, address);
  const header = PlainHeader.of(message);
  if (client === undefined || header === undefined || !isToken(authservId)) return undefined;
  const author = authorDomain(header);
  if (author === undefined || header.fields('dkim-signature').length > signaturesMax) {
    return undefined;
  }
  // All shapes before anything costs, and the record that is at fault most often before what costs most.
  const found = findSignatures(header);
  const chain = found && findChain(header);
  if (found === undefined || chain === undefined) return undefined;
  const parts = { header, dns, nowMs };
  const spf = await checkSpf(client, dns);
  const signatures = spf && (await checkDkim(found, parts));
  const arc = signatures && (await checkArc(chain, parts));
  if (spf === undefined || signatures === undefined || arc === undefined) return undefined;
  const passing = signatures.filter(({ result }) => result === 'pass');
  const dkimDomains = passing.map(({ signature }) => signature.domain);
  const spfDomain = spf.result === '+' ? client.domain : undefined;
  const dmarc = await checkDmarc({ author, spfDomain, dkimDomains }, dns);
  if (dmarc === undefined) return undefined;
  const verdicts: Verdicts = {
    spf: spfWords[spf.result],
    dkim: passing.length > 0 ? 'pass' : (signatures[0]?.result ?? 'none'),
    arc: arc.result,
    dmarc: dmarc.result,
    dmarcPolicy: dmarc.policy ?? 'none',
    dkimDomains,
  };
  const rows = [
    ...dkimRows(signatures),
    spfRow(client, spf, authservId),
    {
      ...{ method: 'arc', result: arc.result, comments: [arc.comment] },
      properties: [['smtp.remote-ip', address]],
    } satisfies ResultRow,
    dmarcRow(author, dmarc, arc),
  ];
  const field = resultsField(authservId, rows);
  if (dmarc.told === undefined) return { verdicts, field };
  const dkim = signatures.map(({ signature, result }) => ({
    ...{ domain: signature.domain.toLowerCase(), selector: signature.selector, result },
  }));
  const evidence: DmarcEvidence = {
    ...{ ...dmarc.told, author, dkim: toldSignatures(author, dkim) },
    spf: { domain: client.domain, result: verdicts.spf },
  };
  return { verdicts, field, evidence };
}

function clientOf({ sender, helo }: VerifyRequest, address: string): Client | undefined {
  // An IPv4 address may be written into IPv6 in more ways than one.
  if (isIP(address) === 0 || /%|^::ffff:|^0+:/i.test(address)) return undefined;
  const isPlainHelo = isPlainDomain(helo) && isIP(helo) === 0;
  const isNullSender = sender === '';
  if (isNullSender && !isPlainHelo) return undefined;
  const given = isNullSender ? `postmaster@${helo}` : sender;
  const domain = plainAddressOf(given)?.domain;
  if (domain === undefined) return undefined;
  return {
    ...{ sender: given, domain: domain.toLowerCase(), writtenDomain: domain, isNullSender },
    ...{ address, helo: isPlainHelo ? helo : undefined },
  };
}

function dkimRows(verdicts: readonly SignatureVerdict[]): readonly ResultRow[] {
  if (verdicts.length === 0) {
    return [{ method: 'dkim', result: 'none', comments: ['message not signed'], properties: [] }];
  }
  return verdicts.map(({ signature, result, comment, unsigned }) => ({
    ...{ method: 'dkim', result, comments: [unsignedComment(unsigned), comment] },
    properties: [
      ['header.d', signature.domain],
      ['header.i', signature.identity],
      ['header.s', signature.selector],
      ['header.a', signature.algorithm],
      ['header.b', signature.value.slice(0, 8)],
    ],
  }));
}

/** What `l=` leaves open to whoever adds to a body is said with any verdict. */
function unsignedComment(bytes: number): string {
  return bytes === 0 ? '' : `undersized signature: ${bytes} bytes unsigned`;
}

function spfRow(client: Client, { result, usedLocalPart }: SpfVerdict, own: string): ResultRow {
  const { sender, address, isNullSender, writtenDomain, helo = '' } = client;
  const comments = {
    '+': `domain of ${sender} designates ${address} as permitted sender`,
    '~': `domain of transitioning ${sender} does not designate ${address} as permitted sender`,
    '-': `domain of ${sender} does not designate ${address} as permitted sender`,
    '?': `${address} is neither permitted nor denied by domain of ${sender}`,
    none: `${client.domain} does not designate permitted sender hosts`,
  };
  // RFC 8601 §2.7.2: the local-part only where it decided.
  const identity = usedLocalPart ? sender : writtenDomain;
  return {
    ...{ method: 'spf', result: spfWords[result], comments: [`${own}: ${comments[result]}`] },
    properties: [isNullSender ? ['smtp.helo', helo] : ['smtp.mailfrom', identity]],
  };
}

function dmarcRow(
  author: string,
  { result, policy, p, sp }: DmarcVerdict,
  arc: ArcVerdict,
): ResultRow {
  const from = ['header.from', author] as const;
  if (policy === undefined || p === undefined)
    return { method: 'dmarc', result, properties: [from] };
  const own = `p=${p.toUpperCase()}${sp === undefined ? '' : ` sp=${sp.toUpperCase()}`}`;
  return {
    ...{ method: 'dmarc', result, comments: [`${own} arc=${arc.result}`] },
    properties: [['policy.dmarc', policy], from],
  };
}
