/**
 * Mail whose DMARC failures an operator forgives: of forwarders that do not seal, and of domains that cannot do better.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 9989 §5.4 (what is done is for the receiver to say).
 * Invariant: an author that is not told from one field, in one way, is no exception.
 */

import type { NetworkSet } from '../../base/networks.ts';
import { authorDomain } from '../../mail/trust/quick/author.ts';
import { PlainHeader } from '../../mail/trust/quick/header.ts';

export interface DmarcExceptions {
  readonly networks: NetworkSet;
  /** In lower-case A-labels; names below them are meant, too. */
  readonly domains: ReadonlySet<string>;
}

export function isExcepted(
  { networks, domains }: DmarcExceptions,
  peerAddress: string,
  message: Uint8Array,
): boolean {
  if (networks.has(peerAddress)) return true;
  if (domains.size === 0) return false;
  const header = PlainHeader.of(message);
  let name = header === undefined ? undefined : authorDomain(header);
  while (name !== undefined) {
    if (domains.has(name)) return true;
    const dot = name.indexOf('.');
    name = dot < 0 ? undefined : name.slice(dot + 1);
  }
  return false;
}
