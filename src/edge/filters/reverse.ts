/**
 * Whether an address has a name in the DNS that leads back to it.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 8601 §3 (iprev), RFC 1912 §2.1.
 * Limits:    `namesMax` names are followed.
 */

import ipaddr from 'ipaddr.js';
import { plainAddress } from '../../base/networks.ts';
import type { Dns } from '../../ports/dns.ts';

const namesMax = 5;

/** `failed`: the DNS cannot say now. */
export type ReverseResult = 'good' | 'missing' | 'mismatch' | 'failed';

export async function lookBack(
  dns: Pick<Dns, 'ptr' | 'a' | 'aaaa'>,
  given: string,
): Promise<ReverseResult> {
  const address = plainAddress(given);
  const names = await dns.ptr(address);
  if (!names.ok) return names.reason === 'failed' ? 'failed' : 'missing';
  const wanted = normal(address);
  const look = address.includes(':') ? 'aaaa' : 'a';
  const answers = await Promise.all(
    names.records.slice(0, namesMax).map((name) => dns[look](name)),
  );
  if (answers.some((answer) => answer.ok && answer.records.some((each) => normal(each) === wanted)))
    return 'good';
  const hasFailed = answers.some((answer) => !answer.ok && answer.reason === 'failed');
  return hasFailed ? 'failed' : 'mismatch';
}

function normal(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toNormalizedString() : address;
}
