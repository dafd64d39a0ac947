/**
 * A source of log-in that tests fill by hand, and the model of real ones.
 *
 * Runs in:   tests.
 */

import { MailError } from '../../base/errors.ts';
import type { Checked, Found, LogInSource, Person } from '../../ports/log-in-source.ts';

export interface KnownPerson extends Person {
  readonly password: string;
  readonly isExpired?: boolean;
}

export class MemoryLogInSource implements LogInSource {
  readonly name: string;
  /** What was asked, oldest first: `check ADDRESS`, `find ADDRESS`. */
  readonly asked: string[] = [];
  known: KnownPerson[] = [];
  isAway = false;

  constructor(name: string) {
    this.name = name;
  }

  async check(address: string, password: string): Promise<Checked> {
    if (password === '') return { kind: 'wrong', why: 'password' };
    this.asked.push(`check ${address}`);
    const found = this.#find(address);
    if (found.kind === 'away') return found;
    if (found.kind === 'nobody') return { kind: 'wrong', why: found.why };
    const { password: right, isExpired, ...person } = found.person;
    if (!person.isEnabled) return { kind: 'wrong', why: 'disabled' };
    if (password !== right) return { kind: 'wrong', why: 'password' };
    return isExpired === true ? { kind: 'expired' } : { kind: 'right', person };
  }

  async find(address: string): Promise<Found> {
    this.asked.push(`find ${address}`);
    const found = this.#find(address);
    if (found.kind !== 'found') return found;
    const { password: _, isExpired: __, ...person } = found.person;
    return { kind: 'found', person };
  }

  async *people(): AsyncGenerator<Person> {
    for (const { password: _, isExpired: __, ...person } of this.known) {
      if (this.isAway) throw new MailError('deadline-passed', this.name);
      yield person;
    }
  }

  async close(): Promise<void> {
    this.isAway = true;
  }

  #find(address: string) {
    if (this.isAway) return { kind: 'away', why: 'away' } as const;
    const all = this.known.filter((one) => one.address === address);
    if (all.length > 1) return { kind: 'nobody', why: 'several' } as const;
    const [person] = all;
    return person === undefined
      ? ({ kind: 'nobody', why: 'missing' } as const)
      : ({ kind: 'found', person } as const);
  }
}
