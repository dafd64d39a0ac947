/**
 * What is known of accounts' owners, in a table directory: one row an account.
 *
 * Runs in:   the main thread.
 * Limits:    those of the port.
 */

import { MailError } from '../../base/errors.ts';
import type { AccountId } from '../../base/ids.ts';
import { type LogInPlace, type OwnerStore, placesMax } from '../../ports/account-owners.ts';
import type { AccountOf } from '../../ports/credentials.ts';
import type { IndexChange } from '../../ports/shard-index.ts';
import { accountThatIs, type IdentityParts, isThere } from './identity-parts.ts';
import * as rows from './identity-rows.ts';

/** RFC 5321 §4.5.3.1.3: a path has 256 octets. */
const addressLengthMax = 254;
const nameLengthMax = 300;

interface OwnerRow {
  readonly recoveryAddress: string;
  /** The last one first. */
  readonly places: readonly LogInPlace[];
}

const nothingKnown: OwnerRow = { recoveryAddress: '', places: [] };

export class TableOwners implements OwnerStore {
  readonly #parts: IdentityParts;

  constructor(parts: IdentityParts) {
    this.#parts = parts;
  }

  recoveryAddress(of: AccountOf): string {
    return isThere(this.#parts, of) ? this.#row(of.id).recoveryAddress : '';
  }

  putRecoveryAddress(of: AccountOf, address: string): Promise<void> {
    if (address.length > addressLengthMax || /[\x00-\x20\x7f]/.test(address)) {
      return Promise.reject(new MailError('argument-invalid', 'no address'));
    }
    return this.#change(of, (row) => ({ ...row, recoveryAddress: address }));
  }

  places(of: AccountOf): readonly LogInPlace[] {
    return isThere(this.#parts, of) ? this.#row(of.id).places : [];
  }

  notePlace(of: AccountOf, place: LogInPlace): Promise<void> {
    const known = { name: place.name.slice(0, nameLengthMax), atMs: place.atMs };
    return this.#change(of, (row) => {
      const others = row.places.filter(({ name }) => name !== known.name);
      return { ...row, places: [known, ...others].slice(0, placesMax) };
    });
  }

  #change(of: AccountOf, change: (row: OwnerRow) => OwnerRow): Promise<void> {
    return this.#parts.turns.aside(() => {
      accountThatIs(this.#parts, of);
      const changes = [rows.put(rows.ownerKey(of.id), change(this.#row(of.id)))];
      return { changes, answer: undefined };
    });
  }

  #row(id: AccountId): OwnerRow {
    return rows.readRow<OwnerRow>(this.#parts.table, rows.ownerKey(id)) ?? nothingKnown;
  }
}

/** What goes with an account. */
export function ownerRemovals(id: AccountId): IndexChange[] {
  return [{ remove: rows.ownerKey(id) }];
}
