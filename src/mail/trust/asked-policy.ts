/**
 * What a message's author domain asks to be done with mail that fails, without finding out whether it does.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 9989 §4.7, §4.10.
 */

import type { Dns } from '../../ports/dns.ts';
import { authorDomain } from './quick/author.ts';
import { checkDmarc } from './quick/dmarc.ts';
import { PlainHeader } from './quick/header.ts';

/** Undefined: the author, or the policy, cannot be found out. */
export async function askedPolicy(
  message: Uint8Array,
  dns: Dns,
): Promise<'none' | 'quarantine' | 'reject' | undefined> {
  const author = authorOf(message);
  if (author === undefined) return undefined;
  const verdict = await checkDmarc({ author, spfDomain: undefined, dkimDomains: [] }, dns);
  return verdict === undefined ? undefined : (verdict.policy ?? 'none');
}

/** The domain of its author, in lower case; undefined: it cannot be found out. */
export function authorOf(message: Uint8Array): string | undefined {
  const header = PlainHeader.of(message);
  return header === undefined ? undefined : authorDomain(header);
}
