/**
 * Asks lists in the DNS about an address: which of them know it, and what their answers are worth.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5782 §2.1 (IPv4), §2.4 (IPv6), §2.1 (answers are of 127.0.0.0/8, TXT says why).
 * Limits:    `answersMax` answers of one list count; a text of `textCharsMax` characters is repeated to clients.
 * Invariant: what cannot be looked up counts nothing.
 */

import ipaddr from 'ipaddr.js';
import type { Dns } from '../../ports/dns.ts';
import { type Judgement, type ListSetting, numberOf } from '../../settings/filters.ts';
import type { Finding } from './findings.ts';

const answersMax = 64;
const textCharsMax = 250;
/** Lists answer so where they will not answer: to public resolvers, or to who asks too much. */
const refusalsFrom = numberOf('127.255.255.0');
const loopbackFrom = numberOf('127.0.0.0');

/** `2.0.0.127.` or 32 nibbles, to stand before a list's name; undefined: it is no address. */
function queryPrefix(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return undefined;
  const parsed = ipaddr.process(address);
  const bytes = parsed.toByteArray();
  if (parsed.kind() === 'ipv4') return `${bytes.reverse().join('.')}.`;
  const nibbles = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${[...nibbles].reverse().join('.')}.`;
}

/** `failed`: the list could not be asked, or would not answer. */
export type ListAnswer = Finding | 'unlisted' | 'failed';

export async function askList(
  dns: Pick<Dns, 'a'>,
  list: ListSetting,
  address: string,
): Promise<ListAnswer> {
  const prefix = queryPrefix(address);
  if (prefix === undefined) return 'unlisted';
  const name = prefix + list.zone;
  const answer = await dns.a(name);
  if (!answer.ok) return answer.reason === 'failed' ? 'failed' : 'unlisted';
  const codes = answer.records.slice(0, answersMax).map(numberOf);
  if (codes.some((code) => code >= refusalsFrom && code < refusalsFrom + 256)) return 'failed';
  // A name that answers anything else is no list any more: its domain was sold, or is answered for by a provider.
  const listed = codes.filter((code) => code >= loopbackFrom && code < refusalsFrom);
  const judgement = worthOf(list, listed);
  if (listed.length === 0 || judgement === 0) return 'unlisted';
  const why = `${address} is listed by ${list.zone}`;
  return { word: `list:${list.name}`, judgement, why, textAt: name };
}

/** Each rule that fits counts once, whatever number of answers it fits. */
function worthOf({ answers, points }: ListSetting, codes: readonly number[]): Judgement {
  const worths: Judgement[] = answers
    .filter(({ first, last, bits }) =>
      codes.some((code) => code >= first && code <= last && (bits === 0 || (code & bits) !== 0)),
    )
    .map(({ judgement }) => judgement);
  if (worths.length === 0) return points;
  if (worths.includes('reject')) return 'reject';
  return (worths as number[]).reduce((sum, worth) => sum + worth, 0);
}

/** What a list says of why; "": nothing that can be repeated. */
export async function listText(dns: Pick<Dns, 'txt'>, name: string): Promise<string> {
  const answer = await dns.txt(name);
  if (!answer.ok) return '';
  // It goes into a reply, which is ASCII.
  return (answer.records[0] ?? '').replace(/[^\x20-\x7e]/g, '?').slice(0, textCharsMax);
}
