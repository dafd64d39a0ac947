/**
 * A mailbox's access list: who has which rights, besides its owner who has all.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 4314 §2 (identifiers, negative rights).
 * Limits:    `aclEntriesMax` identifiers: the row stays below half a page.
 * Invariant: entries ascend by identifier; one without rights is not there.
 */

import { packRow, unpackRow } from './packing.ts';

export const aclEntriesMax = 100;

/** Every account of the owner's tenant; no account has this number. */
const anyone = 0;

export interface AclEntry {
  /** An account's number, a group's, which is above those, or `anyone`. */
  readonly identifier: number;
  /** Bits of `rights` in `mail/wire/imap/rights.ts`. */
  readonly given: number;
  readonly taken: number;
}

export interface AclRow {
  /** Of the owner: readers of another have no rights. */
  readonly tenant: number;
  readonly entries: readonly AclEntry[];
}

type PackedEntry = readonly [identifier: number, given: number, taken: number];

export function encodeAcl({ tenant, entries }: AclRow): Uint8Array {
  const packed = entries.map(({ identifier, given, taken }): PackedEntry => {
    return [identifier, given, taken];
  });
  return packRow([tenant, packed]);
}

export function decodeAcl(value: Uint8Array): AclRow {
  const [tenant, packed] = unpackRow<readonly [number, readonly PackedEntry[]]>(value);
  const entries = packed.map(([identifier, given, taken]) => ({ identifier, given, taken }));
  return { tenant, entries };
}

/** The list with one identifier's rights as they are to be. */
export function withEntry(row: AclRow, entry: AclEntry): AclRow {
  const others = row.entries.filter(({ identifier }) => identifier !== entry.identifier);
  const entries = entry.given === 0 && entry.taken === 0 ? others : [...others, entry];
  return { ...row, entries: entries.sort((a, b) => a.identifier - b.identifier) };
}

interface Reader {
  readonly account: number;
  readonly tenant: number;
  readonly groups: readonly number[];
}

/** RFC 4314 §2: what the reader, its groups and anyone are given, without what is taken from any of them. */
export function rightsIn(row: AclRow, { account, tenant, groups }: Reader): number {
  if (row.tenant !== tenant) return 0;
  let given = 0;
  let taken = 0;
  for (const entry of row.entries) {
    const { identifier } = entry;
    const isMeant = identifier === account || identifier === anyone || groups.includes(identifier);
    if (!isMeant) continue;
    given |= entry.given;
    taken |= entry.taken;
  }
  return given & ~taken;
}
