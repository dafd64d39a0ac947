/**
 * What a directory's listeners are told of rows that somebody else wrote.
 *
 * Runs in:   the main thread; pure.
 * Invariant: each letter of `directory-rows.ts` and `identity-rows.ts` that listeners care for is in the table here; a
 *            session that is made or renewed is no news, one that goes is.
 */

import { Buffer } from 'node:buffer';
import type { AccountId, ApiKeyId, GroupId, TenantId } from '../../base/ids.ts';
import type { DirectoryChange } from '../../ports/account-directory.ts';
import type { IndexChange } from '../../ports/shard-index.ts';
import { joined } from './addresses.ts';
import { nameOfKey, srsSecretsKey } from './directory-rows.ts';

/** One change for each thing that changed, in order. */
export function toldBy(changes: readonly IndexChange[]): readonly DirectoryChange[] {
  const told = new Map<string, DirectoryChange>();
  for (const change of changes) {
    if ('removeFrom' in change) continue;
    const isGone = 'remove' in change;
    const one = changeOf(Buffer.from(isGone ? change.remove : change.put), isGone);
    if (one !== undefined) told.set(JSON.stringify(one), one);
  }
  return [...told.values()];
}

function changeOf(key: Buffer, isGone: boolean): DirectoryChange | undefined {
  const number = () => key.readUInt32BE(1);
  switch (String.fromCharCode(key[0]!)) {
    case 'a':
    // Who may send in its name.
    case 'A':
      return { kind: 'account', id: number() as AccountId };
    case 'b':
    case 'c':
    case 'p':
      return { kind: 'credentials', id: number() as AccountId };
    case 'e':
      return isGone ? { kind: 'credentials', id: number() as AccountId } : undefined;
    case 'd':
    case 'k':
      return { kind: 'domain', name: key.toString('utf8', 1) };
    case 'n':
      return { kind: 'alias', address: joined(nameOfKey(key)) };
    case 'g':
    case 'q':
    case 'y':
      return { kind: 'roles', tenant: number() as TenantId };
    case 'l':
      return { kind: 'policy', tenant: number() as TenantId };
    case 'i':
    case 'j':
      return { kind: 'group', id: number() as GroupId };
    case 't':
      return { kind: 'tenant', id: number() as TenantId };
    case 'v':
      return { kind: 'api-key', id: number() as ApiKeyId };
    case 'h':
      return { kind: 'hold-rule', id: number() };
    default:
      return key.equals(srsSecretsKey) ? { kind: 'srs-secrets' } : undefined;
  }
}
