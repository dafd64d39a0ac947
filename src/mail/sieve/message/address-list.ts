/**
 * Lists of addresses that scripts compare with by name, and how they are written: one address a line.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 6134 §2.2 (what is compared), §2.5 (names are URIs; those that begin with a colon stand for URNs).
 * Limits:    `addressListMax` of one text; what is behind is not in the list.
 */

export const addressListMax = 100_000;

/** In lower case; `@domain` stands for all addresses there. */
export type AddressList = ReadonlySet<string>;

/** An address, or a `@domain`, a line; what is behind a `#` is a comment. */
export function parseAddressList(text: string): AddressList {
  const members = new Set<string>();
  for (const line of text.split('\n')) {
    const member = line.replace(/#.*/, '').trim().toLowerCase();
    if (member !== '' && members.size < addressListMax) members.add(member);
  }
  return members;
}

export function isInList(list: AddressList, value: string): boolean {
  const text = value.toLowerCase();
  const at = text.lastIndexOf('@');
  return list.has(text) || (at > 0 && list.has(text.slice(at)));
}

export interface ListName {
  readonly isOwn: boolean;
  readonly name: string;
}

const ownPattern = /^(?:urn:ietf:params:sieve)?:addrbook:([a-z\d][a-z\d_.-]{0,63})$/i;
const sharedPattern = /^tag:[^:\s]{1,255}:([a-z\d][a-z\d_.-]{0,63})$/i;

/** `:addrbook:NAME` is the account's own, `tag:…:NAME` the server's. Undefined: no list has such a name. */
export function parseListName(list: string): ListName | undefined {
  const own = ownPattern.exec(list)?.[1];
  if (own !== undefined) return { isOwn: true, name: own.toLowerCase() };
  const shared = sharedPattern.exec(list)?.[1];
  return shared === undefined ? undefined : { isOwn: false, name: shared.toLowerCase() };
}
