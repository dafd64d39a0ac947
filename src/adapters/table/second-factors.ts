/**
 * Second factors of a table directory: one row an account.
 *
 * Runs in:   the main thread.
 * Limits:    those of the port.
 * Invariant: the row and the index of passkeys' credentials change in one commit.
 */

import { MailError } from '../../base/errors.ts';
import type { AccountId } from '../../base/ids.ts';
import type { AccountOf } from '../../ports/credentials.ts';
import {
  type Passkey,
  passkeysMax,
  recoveryCodesMax,
  type SecondFactorStore,
  type SecondFactors,
  type TotpFactor,
  totpsMax,
} from '../../ports/second-factors.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import { asideOf, type IdentityParts, isThere, refuseHash, refuseText } from './identity-parts.ts';
import * as rows from './identity-rows.ts';

const credentialLengthMax = 1_400;
const publicKeyLengthMax = 4_096;
const transportsMax = 8;
const base64url = /^[A-Za-z0-9_-]+$/;
const base64 = /^[A-Za-z0-9+/]{16,128}={0,2}$/;
const none: SecondFactors = { totps: [], passkeys: [], recoveryHashes: [] };

interface FactorsRow extends SecondFactors {
  /** The next factor's number. */
  readonly next: number;
}

export class TableSecondFactors implements SecondFactorStore {
  readonly #parts: IdentityParts;

  constructor(parts: IdentityParts) {
    this.#parts = parts;
  }

  secondFactors(of: AccountOf): SecondFactors {
    if (!isThere(this.#parts, of)) return none;
    const { totps, passkeys, recoveryHashes } = this.#row(of.id);
    return { totps, passkeys, recoveryHashes };
  }

  hasSecondFactor(of: AccountOf): boolean {
    return isThere(this.#parts, of) && isFactor(this.#row(of.id));
  }

  addTotp(of: AccountOf, given: Omit<TotpFactor, 'id' | 'lastStep'>): Promise<TotpFactor> {
    return asideOf(this.#parts, of, () => {
      refuseText('a name', given.name);
      if (!base64.test(given.secret)) {
        throw new MailError('argument-invalid', 'a secret is 16 to 128 characters of base64');
      }
      const row = this.#row(of.id);
      if (row.totps.length >= totpsMax) throw tooMany(totpsMax, 'code generators');
      const made: TotpFactor = { ...given, id: row.next, lastStep: 0 };
      const changed = { ...row, next: row.next + 1, totps: [...row.totps, made] };
      return { changes: [putRow(of.id, changed)], answer: made };
    });
  }

  useTotp(of: AccountOf, id: number, step: number): Promise<boolean> {
    return asideOf(this.#parts, of, () => {
      const row = this.#row(of.id);
      const factor = row.totps.find((each) => each.id === id);
      if (factor === undefined || !Number.isSafeInteger(step) || step <= factor.lastStep) {
        return { changes: [], answer: false };
      }
      const totps = row.totps.map((each) => (each.id === id ? { ...each, lastStep: step } : each));
      return { changes: [putRow(of.id, { ...row, totps })], answer: true };
    });
  }

  addPasskey(of: AccountOf, given: Omit<Passkey, 'id'>): Promise<Passkey> {
    return asideOf(this.#parts, of, () => {
      refusePasskey(given);
      if (this.passkeyOwner(given.credentialId) !== undefined) {
        throw new MailError('already-exists', 'this passkey');
      }
      const row = this.#row(of.id);
      if (row.passkeys.length >= passkeysMax) throw tooMany(passkeysMax, 'passkeys');
      const made: Passkey = { ...given, id: row.next };
      const changed = { ...row, next: row.next + 1, passkeys: [...row.passkeys, made] };
      const owner = rows.put(rows.credentialKey(given.credentialId), {
        tenant: of.tenant,
        id: of.id,
      });
      return { changes: [putRow(of.id, changed), owner], answer: made };
    });
  }

  usePasskey(of: AccountOf, id: number, counter: number): Promise<boolean> {
    return asideOf(this.#parts, of, () => {
      const row = this.#row(of.id);
      const key = row.passkeys.find((each) => each.id === id);
      if (key === undefined) return { changes: [], answer: false };
      // WebAuthn §7.2, signature counter: authenticators without one say 0 for ever.
      if (counter === 0 && key.counter === 0) return { changes: [], answer: true };
      if (counter <= key.counter) return { changes: [], answer: false };
      const passkeys = row.passkeys.map((each) => (each.id === id ? { ...each, counter } : each));
      return { changes: [putRow(of.id, { ...row, passkeys })], answer: true };
    });
  }

  passkeyOwner(credentialId: string): AccountOf | undefined {
    if (credentialId.length > credentialLengthMax || !base64url.test(credentialId)) {
      return undefined;
    }
    return rows.readRow<AccountOf>(this.#parts.table, rows.credentialKey(credentialId));
  }

  deleteFactor(of: AccountOf, id: number): Promise<void> {
    return asideOf(this.#parts, of, () => {
      const row = this.#row(of.id);
      const gone = row.passkeys.filter((each) => each.id === id);
      const kept = {
        ...row,
        totps: row.totps.filter((each) => each.id !== id),
        passkeys: row.passkeys.filter((each) => each.id !== id),
      };
      if (gone.length === 0 && kept.totps.length === row.totps.length) {
        throw new MailError('not-found', `second factor ${id}`);
      }
      const changed = isFactor(kept) ? kept : { ...kept, recoveryHashes: [] };
      return { changes: [putRow(of.id, changed), ...unowned(gone)], answer: undefined };
    });
  }

  putRecoveryCodes(of: AccountOf, hashes: readonly string[]): Promise<void> {
    return asideOf(this.#parts, of, () => {
      if (hashes.length > recoveryCodesMax) throw tooMany(recoveryCodesMax, 'recovery codes');
      for (const hash of hashes) refuseHash(hash);
      const row = this.#row(of.id);
      if (!isFactor(row)) {
        throw new MailError('not-possible-now', 'recovery codes are for one with a second factor');
      }
      return {
        changes: [putRow(of.id, { ...row, recoveryHashes: [...new Set(hashes)] })],
        answer: undefined,
      };
    });
  }

  useRecoveryCode(of: AccountOf, hash: string): Promise<boolean> {
    return asideOf(this.#parts, of, () => {
      const row = this.#row(of.id);
      if (!row.recoveryHashes.includes(hash)) return { changes: [], answer: false };
      const recoveryHashes = row.recoveryHashes.filter((each) => each !== hash);
      return { changes: [putRow(of.id, { ...row, recoveryHashes })], answer: true };
    });
  }

  clearFactors(of: AccountOf): Promise<void> {
    return asideOf(this.#parts, of, () => {
      const { next, passkeys } = this.#row(of.id);
      return {
        changes: [putRow(of.id, { ...none, next }), ...unowned(passkeys)],
        answer: undefined,
      };
    });
  }

  #row(id: AccountId): FactorsRow {
    return rowOf(this.#parts.table, id);
  }
}

/** What goes with an account. */
export function factorRemovals(table: ShardIndex, id: AccountId): IndexChange[] {
  return [{ remove: rows.factorsKey(id) }, ...unowned(rowOf(table, id).passkeys)];
}

function rowOf(table: ShardIndex, id: AccountId): FactorsRow {
  return rows.readRow<FactorsRow>(table, rows.factorsKey(id)) ?? { ...none, next: 1 };
}

function isFactor({ totps, passkeys }: SecondFactors): boolean {
  return passkeys.length > 0 || totps.some(({ lastStep }) => lastStep > 0);
}

function putRow(id: AccountId, row: FactorsRow): IndexChange {
  return rows.put(rows.factorsKey(id), row);
}

function unowned(passkeys: readonly Passkey[]): IndexChange[] {
  return passkeys.map(({ credentialId }) => ({ remove: rows.credentialKey(credentialId) }));
}

function refusePasskey(passkey: Omit<Passkey, 'id'>): void {
  const { name, credentialId, publicKey, counter, transports } = passkey;
  refuseText('a name', name);
  const isGood =
    credentialId.length <= credentialLengthMax &&
    base64url.test(credentialId) &&
    publicKey.length <= publicKeyLengthMax &&
    base64url.test(publicKey) &&
    Number.isSafeInteger(counter) &&
    counter >= 0 &&
    transports.length <= transportsMax;
  if (!isGood) throw new MailError('argument-invalid', 'no passkey');
  for (const each of transports) refuseText('a transport', each);
}

function tooMany(most: number, what: string): MailError {
  return new MailError('not-possible-now', `an account has at most ${most} ${what}`);
}
