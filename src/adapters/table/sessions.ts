/**
 * Sessions of a table directory.
 *
 * Runs in:   the main thread.
 * Limits:    `sessionsMax` an account; the one used longest ago makes room. `spentHashesMax` tokens that were renewed.
 * Invariant: a refresh token is good once. One that was good before and is shown again ends the session: either its
 *            user or a thief has the newer one, and nobody can tell which.
 */

import { MailError } from '../../base/errors.ts';
import type { AccountId } from '../../base/ids.ts';
import { mayLogIn } from '../../ports/account-directory.ts';
import {
  type AccountOf,
  type Renewal,
  type Renewed,
  type Session,
  sessionsMax,
} from '../../ports/credentials.ts';
import type { IndexChange } from '../../ports/shard-index.ts';
import {
  accountThatIs,
  asideOf,
  type IdentityParts,
  isThere,
  refuseShared,
} from './identity-parts.ts';
import * as rows from './identity-rows.ts';
import type { LastUses } from './last-uses.ts';

/** How many renewed tokens of a session are still known as its own. */
const spentHashesMax = 8;

interface SessionRow extends Session {
  /** Of tokens that were renewed, the last one first. */
  readonly spent: readonly string[];
}

export class Sessions {
  readonly #parts: IdentityParts;
  readonly #uses: LastUses;

  constructor(parts: IdentityParts, uses: LastUses) {
    this.#parts = parts;
    this.#uses = uses;
  }

  all(of: AccountOf): readonly Session[] {
    return isThere(this.#parts, of) ? this.#rowsOf(of.id) : [];
  }

  one(of: AccountOf, id: number): Session | undefined {
    if (!isThere(this.#parts, of)) return undefined;
    const row = rows.readRow<SessionRow>(this.#parts.table, rows.sessionKey(of.id, id));
    return row === undefined ? undefined : this.#viewOf(of.id, row);
  }

  create(
    of: AccountOf,
    row: Omit<Session, 'id' | 'lastUse'>,
    isStill: (passwordHash: string | undefined) => boolean = () => true,
  ): Promise<Session> {
    return this.#parts.turns.aside(() => {
      const account = accountThatIs(this.#parts, of);
      refuseShared(account);
      if (!mayLogIn(account)) throw new MailError('credentials-invalid', 'it was closed meanwhile');
      if (!isStill(account.passwordHash)) {
        throw new MailError('credentials-invalid', 'its password was set anew meanwhile');
      }
      const known = this.#rowsOf(of.id);
      const open = known.filter(({ expiresMs }) => expiresMs > row.createdMs);
      const over = known.filter(({ expiresMs }) => expiresMs <= row.createdMs);
      const byUse = open.sort((a, b) => lastMsOf(a) - lastMsOf(b));
      const excess = byUse.slice(0, Math.max(0, open.length - sessionsMax + 1));
      const [id, spent] = rows.nextNumber(this.#parts.table, rows.nextSessionKey);
      const made: Session = { ...row, id };
      const stored: SessionRow = { ...made, spent: [] };
      const changes = [
        ...[...over, ...excess].map((each) => ({ remove: rows.sessionKey(of.id, each.id) })),
        rows.put(rows.sessionKey(of.id, id), stored),
        spent,
      ];
      return { changes, answer: made };
    });
  }

  renew(of: AccountOf, id: number, renewal: Renewal): Promise<Renewed> {
    return this.#parts.turns.aside<Renewed>(() => {
      accountThatIs(this.#parts, of);
      const key = rows.sessionKey(of.id, id);
      const row = rows.readRow<SessionRow>(this.#parts.table, key);
      if (row === undefined) return { changes: [], answer: 'gone' };
      const ended = { changes: [{ remove: key }], change: changeOf(of.id) };
      const { fromHash, toHash: refreshHash, nowMs, expiresMs } = renewal;
      if (row.spent.includes(fromHash)) return { ...ended, answer: 'reused' };
      // Numbers of sessions can be guessed: a token that never was theirs must not end them.
      if (row.refreshHash !== fromHash) return { changes: [], answer: 'gone' };
      if (row.expiresMs <= nowMs) return { ...ended, answer: 'gone' };
      const spent = [fromHash, ...row.spent].slice(0, spentHashesMax);
      return {
        changes: [rows.put(key, { ...row, refreshHash, expiresMs, spent })],
        answer: 'renewed',
      };
    });
  }

  noteSecondFactor(of: AccountOf, id: number, atMs: number): Promise<void> {
    return asideOf(this.#parts, of, () => {
      const key = rows.sessionKey(of.id, id);
      const row = rows.readRow<SessionRow>(this.#parts.table, key);
      if (row === undefined) throw new MailError('not-found', `session ${id}`);
      return { changes: [rows.put(key, { ...row, secondFactorMs: atMs })], answer: undefined };
    });
  }

  end(of: AccountOf, id: number): Promise<void> {
    return asideOf(this.#parts, of, () => {
      const key = rows.sessionKey(of.id, id);
      if (this.#parts.table.get(key) === undefined) {
        throw new MailError('not-found', `session ${id}`);
      }
      return { changes: [{ remove: key }], answer: undefined };
    });
  }

  endAll(of: AccountOf): Promise<void> {
    return asideOf(this.#parts, of, () => ({
      changes: this.endingAllBut(of.id, undefined),
      answer: undefined,
    }));
  }

  endingAllBut(account: AccountId, kept: number | undefined): IndexChange[] {
    const ended = this.#rowsOf(account).filter(({ id }) => id !== kept);
    return ended.map(({ id }) => ({ remove: rows.sessionKey(account, id) }));
  }

  #rowsOf(account: AccountId): Session[] {
    const all = rows.readRows<SessionRow>(this.#parts.table, rows.sessionsOf(account));
    return all.map((row) => this.#viewOf(account, row));
  }

  #viewOf(account: AccountId, { spent: _, ...row }: SessionRow): Session {
    return this.#uses.joinedTo<Session>(account, { session: row.id }, row);
  }
}

function lastMsOf({ lastUse, createdMs }: Session): number {
  return lastUse?.atMs ?? createdMs;
}

function changeOf(id: AccountId) {
  return { kind: 'credentials', id } as const;
}
