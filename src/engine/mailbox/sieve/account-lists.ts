/**
 * Lists of addresses that scripts of an account compare with: its own, as annotations, and the server's.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 6134.
 * Limits:    an own list is as long as an annotation may be.
 */

import type { ServerScripts } from '../../../mail/sieve/compile/at-delivery.ts';
import {
  type AddressList,
  isInList,
  parseAddressList,
  parseListName,
} from '../../../mail/sieve/message/address-list.ts';
import type { SieveLists } from '../../../mail/sieve/run/host.ts';

/** Where an account keeps its lists, the name behind it. */
const ownListEntry = '/private/vendor/chaski/addrbook/';

/** `annotation`: a value of the account's own. A list is read once a run. */
export function accountLists(
  { lists }: Pick<ServerScripts, 'lists'>,
  annotation: (entry: string) => string | undefined,
): SieveLists {
  const read = new Map<string, AddressList | undefined>();
  const find = (list: string): AddressList | undefined => {
    const name = parseListName(list);
    if (name === undefined) return undefined;
    if (!name.isOwn) return lists.get(name.name);
    if (!read.has(name.name)) {
      // The default one is there for everybody, empty at first.
      const text =
        annotation(ownListEntry + name.name) ?? (name.name === 'default' ? '' : undefined);
      read.set(name.name, text === undefined ? undefined : parseAddressList(text));
    }
    return read.get(name.name);
  };
  return {
    isKnown: (list) => find(list) !== undefined,
    contains: (list, value) => {
      const found = find(list);
      return found !== undefined && isInList(found, value);
    },
    members: (list) => [...(find(list) ?? [])].filter((member) => !member.startsWith('@')),
  };
}
