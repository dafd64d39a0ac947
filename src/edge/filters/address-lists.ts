/**
 * Asks lists in the DNS about an address: which of them know it, and what their answers are worth.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5782 §2.1 (IPv4; TXT says why), §2.4 (IPv6), §5 (no list has 127.0.0.1).
 * Limits:    a text of `textCharsMax` characters is repeated to clients.
 * Invariant: what cannot be looked up counts nothing, nor does a list that lists everybody.
 */

import ipaddr from 'ipaddr.js';
import type { Dns } from '../../ports/dns.ts';
import { type ListSetting, listWorth } from '../../settings/filters.ts';
import type { Finding } from './findings.ts';

const textCharsMax = 250;
/** Of 127.0.0.1, which a list that works does not list. */
const nobodysPrefix = '1.0.0.127.';

/** `2.0.0.127.` or 32 nibbles, to stand before a list's name; undefined: it is no address. */
function queryPrefix(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return undefined;
  const parsed = ipaddr.process(address);
  const bytes = parsed.toByteArray();
  if (parsed.kind() === 'ipv4') return `${bytes.reverse().join('.')}.`;
  const nibbles = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${[...nibbles].reverse().join('.')}.`;
}

/** `failed`: the list could not be asked, would not answer, or lists everybody, as dead ones come to do. */
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
  const judgement = listWorth(list, answer.records);
  if (judgement === 'failed') return 'failed';
  if (judgement === 0) return 'unlisted';
  // Asked for few clients, and the answer is in the cache of look-ups. A list of one's own may have this host itself.
  const isNobody = prefix === nobodysPrefix;
  if (!isNobody && (await dns.a(nobodysPrefix + list.zone)).ok) return 'failed';
  const why = `${address} is listed by ${list.zone}`;
  return { word: `list:${list.name}`, judgement, why, textAt: name };
}

/** What a list says of why; "": nothing that can be repeated. */
export async function listText(dns: Pick<Dns, 'txt'>, name: string): Promise<string> {
  const answer = await dns.txt(name);
  if (!answer.ok) return '';
  // It goes into a reply, which is ASCII.
  return (answer.records[0] ?? '').replace(/[^\x20-\x7e]/g, '?').slice(0, textCharsMax);
}
