/**
 * Makes entries of log-ins, refusals and the opening of others' mail, few enough to keep.
 *
 * Runs in:   main thread. Implements the witness of `edge/guard`.
 * Limits:    of one account, address, mechanism and outcome there is one entry at once and one, with a count, at the
 *            end of the minute; `perMinuteMax` of both in a minute, past which one entry counts the rest.
 * Invariant: a name that was tried is kept only where it is an address at a domain of ours.
 */

import { domainOf } from '../../base/address-parts.ts';
import { minuteMs } from '../../base/units.ts';
import type {
  AccessWitness,
  KeyTold,
  LogInTold,
  SharedMailTold,
} from '../../edge/guard/access-witness.ts';
import type { AccountDirectory } from '../../ports/account-directory.ts';
import type { AuditFacts } from '../../ports/audit-log.ts';
import type { Clock } from '../../ports/clock.ts';

export interface AccessEntriesParts {
  readonly directory: Pick<AccountDirectory, 'accountByAddress' | 'domain'>;
  readonly clock: Pick<Clock, 'setTimer'>;
  readonly note: (facts: AuditFacts) => void;
  readonly perMinuteMax: number;
}

interface Joined {
  readonly facts: AuditFacts;
  /** After the first. */
  count: number;
}

export class AccessEntries implements AccessWitness {
  readonly #parts: AccessEntriesParts;
  /** Of the minute that runs. */
  #minute = new Map<string, Joined>();
  #others = { done: 0, refused: 0 };
  #isRunning = false;
  #namesUnderWay = 0;

  constructor(parts: AccessEntriesParts) {
    this.#parts = parts;
  }

  logIn(told: LogInTold): void {
    const { account, user } = told;
    if (account !== undefined) {
      const principal = `account ${account.address}`;
      this.#join({ ...logInFacts(told, 'done'), principal, tenant: account.tenant });
      return;
    }
    // Looking a name up may read the disk: no more at a time than a minute has entries.
    if (this.#namesUnderWay >= this.#parts.perMinuteMax) {
      this.#count('refused');
      return;
    }
    this.#namesUnderWay++;
    void this.#named(user)
      .then((known) => this.#join({ ...logInFacts(told, 'refused'), ...known }))
      // A directory that does not answer costs the name, not the entry.
      .catch(() => this.#join(logInFacts(told, 'refused')))
      .finally(() => {
        this.#namesUnderWay--;
      });
  }

  key({ key, refusal, asked, peer }: KeyTold): void {
    const principal = key === undefined ? 'nobody' : `key ${key.id}`;
    this.#join({
      ...{ principal, ...(key === undefined ? {} : { tenant: key.tenant }) },
      ...{ act: refusal === 'permission-missing' ? 'permission' : 'log-in', resource: '' },
      ...{ outcome: refusal === undefined ? 'done' : 'refused', peer, reason: refusal ?? '' },
      details: { method: 'api-key', listener: 'http', ...(refusal === undefined ? {} : { asked }) },
    });
  }

  sharedMail({ reader, owner, listener, peer }: SharedMailTold): void {
    this.#join({
      ...{ principal: `account ${reader.address}`, tenant: owner.tenant, act: 'mail.open-shared' },
      ...{ resource: `account ${owner.address}`, outcome: 'done', peer, reason: '' },
      details: { listener },
    });
  }

  /** What is joined of the minute that runs. */
  close(): void {
    this.#end();
  }

  async #named(user: string): Promise<Partial<AuditFacts>> {
    const { directory } = this.#parts;
    const account = await directory.accountByAddress(user);
    if (account !== undefined) {
      return { tenant: account.tenant, resource: `account ${account.address}` };
    }
    const domain = user.includes('@') ? await directory.domain(domainOf(user)) : undefined;
    if (domain === undefined) return {};
    return { tenant: domain.tenant, resource: `account ${user.toLowerCase()}` };
  }

  #join(facts: AuditFacts): void {
    const { principal, act, resource, outcome, peer, reason, details } = facts;
    const key = JSON.stringify([principal, act, resource, outcome, peer, reason, details]);
    const known = this.#minute.get(key);
    if (known !== undefined) {
      known.count++;
      return;
    }
    if (this.#minute.size >= this.#parts.perMinuteMax / 2) {
      this.#count(outcome === 'done' ? 'done' : 'refused');
      return;
    }
    this.#minute.set(key, { facts, count: 0 });
    this.#run();
    this.#parts.note(facts);
  }

  #count(outcome: 'done' | 'refused'): void {
    this.#others[outcome]++;
    this.#run();
  }

  #run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#parts.clock.setTimer(minuteMs, () => this.#end());
  }

  #end(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    const { note } = this.#parts;
    for (const { facts, count } of this.#minute.values()) {
      if (count > 0) note({ ...facts, details: { ...facts.details, count } });
    }
    this.#minute = new Map();
    for (const outcome of ['done', 'refused'] as const) {
      const count = this.#others[outcome];
      if (count === 0) continue;
      const nobody = { principal: 'nobody', resource: '', peer: '', reason: 'rate-exceeded' };
      note({ ...nobody, act: 'log-in.others', outcome, details: { count } });
    }
    this.#others = { done: 0, refused: 0 };
  }
}

function logInFacts(told: LogInTold, outcome: 'done' | 'refused'): AuditFacts {
  const { method, listener, peer, refusal = '' } = told;
  return {
    ...{ principal: 'nobody', act: 'log-in', resource: '', outcome, peer, reason: refusal },
    details: { listener, ...(method === undefined ? {} : { method }) },
  };
}
