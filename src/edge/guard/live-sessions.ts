/**
 * Sessions of mail programs that are logged in, so that each ends within a second of what let it in: its account was
 * disabled or deleted, its password set anew, its app password revoked or over, its token's session ended, the token
 * of another issuer over, or its tenant asks for more now.
 *
 * Runs in:   edge (main thread).
 * Limits:    `sessionsMax` of one account; an entry for each session that is logged in, and a timer where what let it in has an end; connections are
 *            counted elsewhere. One account is looked at at a time; one that waits already is not noted twice.
 * Invariant: a change costs nothing where no session of its account is open. Each session is looked at once after it
 *            entered, so a change that came while its password was checked is not missed.
 */

import type { AccountId, TenantId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { secondMs } from '../../base/units.ts';
import type { Account, AccountDirectory } from '../../ports/account-directory.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { AccountOf } from '../../ports/credentials.ts';

/** What let a session in: it lasts no longer than that. `untilMs`: its end, of wall time; 0: it has none. */
export type Admission =
  /** The hash that the main password was checked against. */
  | { readonly kind: 'password'; readonly hash: string }
  | { readonly kind: 'app-password'; readonly id: number; readonly untilMs: number }
  | { readonly kind: 'session'; readonly id: number }
  /** An issuer's token, as long as it is one; `isWithSecondFactor`: it says one was shown. */
  | {
      readonly kind: 'issuer';
      readonly isWithSecondFactor: boolean;
      readonly untilMs: number;
    }
  /** A password that this source found right. */
  | { readonly kind: 'source'; readonly source: string }
  /** As long as the tenant allows them. */
  | { readonly kind: 'certificate' }
  /** A passkey, or the word of a proxy: the account alone decides. */
  | { readonly kind: 'other' };

export interface LiveSession {
  /** Undefined: nobody is logged in. */
  readonly account: Account | undefined;
  readonly admission: Admission | undefined;
  /** It ends, as soon as its protocol lets it. */
  accessEnded(): void;
}

/** What of an account lets in now. */
export type Standing = (of: AccountOf) => Promise<(admission: Admission) => boolean>;

export interface LiveSessionsParts {
  readonly directory: Pick<AccountDirectory, 'subscribe'>;
  readonly standing: Standing;
  /** Of one account, at a time; absent or 0: as many as it likes. */
  readonly sessionsMax?: number;
  readonly clock: Pick<Clock, 'setTimer' | 'nowMs'>;
  readonly log: Log;
}

const retryMs = secondMs;

export class LiveSessions {
  readonly #parts: LiveSessionsParts;
  readonly #byAccount = new Map<AccountId, Set<LiveSession>>();
  /** Of sessions that end by themselves. */
  readonly #ends = new Map<LiveSession, Timer>();
  /** Accounts to look at, the oldest first. */
  readonly #changed = new Set<AccountId>();
  readonly #unsubscribe: () => void;
  #isLooking = false;

  constructor(parts: LiveSessionsParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.directory.subscribe((change) => {
      if (change.kind === 'account' || change.kind === 'credentials') this.#look(change.id);
      else if (change.kind === 'policy') this.#lookAtTenant(change.tenant);
    });
  }

  /** Accounts with sessions. */
  get count(): number {
    return this.#byAccount.size;
  }

  /** Whether the account may have one more. Those that log in at the same instant may be a few too many. */
  hasRoom({ id }: Pick<Account, 'id'>): boolean {
    const { sessionsMax = 0 } = this.#parts;
    return sessionsMax === 0 || (this.#byAccount.get(id)?.size ?? 0) < sessionsMax;
  }

  /** Once it is logged in. */
  enter(session: LiveSession): void {
    const { id } = session.account!;
    const known = this.#byAccount.get(id);
    if (known === undefined) this.#byAccount.set(id, new Set([session]));
    else known.add(session);
    this.#endInTime(session);
    this.#look(id);
  }

  /** Before its account is forgotten; of one that never entered nothing comes. */
  leave(session: LiveSession): void {
    const id = session.account?.id;
    const known = id === undefined ? undefined : this.#byAccount.get(id);
    if (known?.delete(session) === true && known.size === 0) this.#byAccount.delete(id!);
    this.#ends.get(session)?.cancel();
    this.#ends.delete(session);
  }

  close(): void {
    this.#unsubscribe();
    for (const timer of this.#ends.values()) timer.cancel();
    this.#ends.clear();
    this.#changed.clear();
  }

  /** The wall clock may have been set back meanwhile: then it has longer to go. */
  #endInTime(session: LiveSession): void {
    const { account, admission } = session;
    const { untilMs } = { untilMs: 0, ...admission };
    if (account === undefined || untilMs === 0 || !Number.isFinite(untilMs)) return;
    const { clock } = this.#parts;
    const timer = clock.setTimer(Math.max(0, untilMs - clock.nowMs()), () => {
      this.#ends.delete(session);
      if (clock.nowMs() < untilMs) this.#endInTime(session);
      else this.#look(account.id);
    });
    this.#ends.set(session, timer);
  }

  #lookAtTenant(tenant: TenantId): void {
    for (const [id, [first]] of this.#byAccount) {
      if (first?.account?.tenant === tenant) this.#look(id);
    }
  }

  #look(id: AccountId): void {
    if (!this.#byAccount.has(id)) return;
    this.#changed.add(id);
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    let id: AccountId | undefined;
    try {
      for (id of this.#changed) {
        // First: what changes while it is judged is a reason to judge it again.
        this.#changed.delete(id);
        await this.#judge(id);
      }
      this.#isLooking = false;
    } catch (error) {
      this.#changed.add(id!);
      // Nobody is let go unjudged: what could not be read is read again.
      this.#parts.log.error({ error: String(error) }, 'open sessions could not be judged');
      this.#parts.clock.setTimer(retryMs, () => void this.#run());
    }
  }

  async #judge(id: AccountId): Promise<void> {
    const [first] = this.#byAccount.get(id) ?? [];
    const tenant = first?.account?.tenant;
    if (tenant === undefined) return;
    const isGood = await this.#parts.standing({ tenant, id });
    for (const session of [...(this.#byAccount.get(id) ?? [])]) {
      const { admission } = session;
      if (admission !== undefined && !isGood(admission)) session.accessEnded();
    }
  }
}
