/**
 * Changes signing keys, and looks for the records of new ones until they are published.
 *
 * Runs in:   main thread.
 * Limits:    `lookUpsAtOnce` look-ups at a time.
 * Invariant: changes of keys run one after the other, each durable before it is answered; a key signs only after its
 *            record was seen, or by force. What a kill interrupts is where the last durable change left it: keys that
 *            wait are looked for again after a start.
 */

import { dkimKeysJob } from '../actors/asks/job-asks.ts';
import type { Jobs } from '../actors/jobs.ts';
import { MailError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { DkimKey as MadeKey } from '../mail/trust/dkim/keys.ts';
import { dkimRecordText } from '../mail/trust/dkim/keys.ts';
import {
  activated,
  algorithmsOf,
  isPublished,
  isSigning,
  selectorFor,
  without,
  withRetired,
  withWaiting,
} from '../mail/trust/dkim/rotation.ts';
import type { AccountDirectory, DkimAlgorithm, DkimKey } from '../ports/account-directory.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Dns } from '../ports/dns.ts';

export interface DkimKeysParts {
  readonly directory: AccountDirectory;
  readonly jobs: Jobs;
  readonly dns: Dns;
  readonly clock: Clock;
  readonly log: Log;
  /** Between look-ups for keys that wait. */
  readonly lookUpMs: number;
  /** How long a key that signs no more stays published. */
  readonly overlapMs: number;
  /** Engine threads must be told. */
  readonly policyChanged: () => Promise<void>;
}

const lookUpsAtOnce = 8;

export class DkimKeys {
  readonly #parts: DkimKeysParts;
  #last: Promise<unknown> = Promise.resolve();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: DkimKeysParts) {
    this.#parts = parts;
  }

  /** Begins to look for the records of keys that wait. */
  start(): void {
    this.#again();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#last;
  }

  /** Makes keys that sign from now on: of a new domain. */
  async create(domain: string, algorithms: readonly DkimAlgorithm[]): Promise<void> {
    const createdMs = this.#parts.clock.nowMs();
    const selectors = { 'rsa-sha256': 'chaski-rsa', 'ed25519-sha256': 'chaski-ed' } as const;
    const named = algorithms.map((algorithm) => [algorithm, selectors[algorithm]] as const);
    const made = await this.#make(named, createdMs);
    await this.#change(domain, (keys) => [...keys, ...made]);
  }

  /**
   * Makes a new key for each algorithm; it waits for its record, or signs at once by force. Keys that wait already
   * are as good: said twice, it makes none.
   */
  async rotate(
    domain: string,
    wanted: readonly DkimAlgorithm[] | undefined,
    isForced: boolean,
  ): Promise<readonly DkimKey[]> {
    const { directory, clock } = this.#parts;
    await this.#inTurn(async () => {
      const before = await directory.dkimKeys(domain);
      const algorithms = wanted ?? algorithmsOf(before);
      const waits = (algorithm: DkimAlgorithm) =>
        before.some((key) => key.algorithm === algorithm && key.state === 'waiting');
      const nowMs = clock.nowMs();
      const missing = algorithms.filter((algorithm) => !waits(algorithm));
      const named = missing.map((each) => [each, selectorFor(each, nowMs, before)] as const);
      let keys: readonly DkimKey[] = withWaiting(before, await this.#make(named, nowMs));
      if (isForced) {
        const forced = keys.filter((key) => algorithms.includes(key.algorithm));
        keys = activated(keys, selectorsOf(forced), nowMs + this.#parts.overlapMs);
      }
      await this.#put(domain, before, keys);
    });
    return await directory.dkimKeys(domain);
  }

  retire(domain: string, selector: string, isForced: boolean): Promise<void> {
    const untilMs = this.#parts.clock.nowMs() + this.#parts.overlapMs;
    return this.#change(domain, (keys) => withRetired(keys, selector, untilMs, isForced));
  }

  delete(domain: string, selector: string, isForced: boolean): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    return this.#change(domain, (keys) => without(keys, selector, nowMs, isForced));
  }

  /** Looks for the records of all keys that wait; those that are there sign from now on. */
  async lookUp(): Promise<void> {
    const { directory } = this.#parts;
    const domains: string[] = [];
    for (const { name } of await directory.domains()) {
      const keys = await directory.dkimKeys(name);
      if (keys.some(({ state }) => state === 'waiting')) domains.push(name);
    }
    for (let at = 0; at < domains.length && !this.#isClosed; at += lookUpsAtOnce) {
      const some = domains.slice(at, at + lookUpsAtOnce);
      await Promise.all(some.map((domain) => this.#lookUpDomain(domain)));
    }
  }

  async #lookUpDomain(domain: string): Promise<void> {
    const { directory, clock, dns, log, overlapMs } = this.#parts;
    const seen: string[] = [];
    for (const { selector, state, privatePem } of await directory.dkimKeys(domain)) {
      if (state !== 'waiting') continue;
      const answer = await dns.txt(`${selector}._domainkey.${domain}`);
      if (answer.ok && isPublished(dkimRecordText(privatePem), answer.records)) seen.push(selector);
    }
    if (seen.length === 0) return;
    await this.#change(domain, (keys) => activated(keys, seen, clock.nowMs() + overlapMs));
    log.info({ domain, selectors: seen }, 'new signing keys are published, and sign from now on');
  }

  #again(): void {
    const { clock, log, lookUpMs } = this.#parts;
    this.#timer = clock.setTimer(lookUpMs, async () => {
      try {
        await this.lookUp();
      } catch (error) {
        log.error({ error }, 'records of signing keys could not be looked for');
      }
      if (!this.#isClosed) this.#again();
    });
  }

  #change(domain: string, decide: (keys: readonly DkimKey[]) => readonly DkimKey[]): Promise<void> {
    return this.#inTurn(async () => {
      const before = await this.#parts.directory.dkimKeys(domain);
      await this.#put(domain, before, decide(before));
    });
  }

  async #put(domain: string, before: readonly DkimKey[], keys: readonly DkimKey[]): Promise<void> {
    await this.#parts.directory.putDkimKeys(domain, keys);
    const signers = [before, keys].map((each) => selectorsOf(each.filter(isSigning)).join(' '));
    if (signers[0] !== signers[1]) await this.#parts.policyChanged();
  }

  async #make(
    named: readonly (readonly [DkimAlgorithm, string])[],
    createdMs: number,
  ): Promise<DkimKey[]> {
    if (named.length === 0) return [];
    const answer = await this.#parts.jobs.run({ name: dkimKeysJob, meta: named });
    if (!answer.ok) throw new MailError(answer.code, answer.detail);
    const made = answer.value as readonly MadeKey[];
    return made.map(({ selector, algorithm, privatePem }) => ({
      ...{ selector, algorithm, privatePem, createdMs },
    }));
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {});
    return done;
  }
}

function selectorsOf(keys: readonly DkimKey[]): readonly string[] {
  return keys.map(({ selector }) => selector);
}
