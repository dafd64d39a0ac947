/**
 * Certificates of an authority: ordered, renewed in time, tried again with patience.
 *
 * Runs in:   main thread.
 * Limits:    one order at a time; waits after failures as in `renewal.ts`, an operator's wish excepted, and that too
 *            waits where the authority asked for it.
 * Invariant: an order counts as failed from before it begins until its certificate is durable: a kill in the middle
 *            costs a wait, never a storm of orders, and the former certificate stays in use.
 */

import { MailError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { CertificateAuthority, ProofBoard } from '../../ports/certificate-authority.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { OrderSetting } from '../../settings/certificates.ts';
import type { Settings } from '../../settings/schema.ts';
import type { AcmeFiles, Tries } from './acme-files.ts';
import { type HeldPair, readPair } from './held-pair.ts';
import { renewalMs, waitMs } from './renewal.ts';

export interface AcmeOrdersParts {
  readonly acme: Settings['acme'];
  readonly authority: CertificateAuthority;
  readonly files: AcmeFiles;
  readonly board: ProofBoard;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** A new certificate is there. */
  readonly changed: () => void;
  readonly failed: (name: string) => void;
}

export interface OrderedState {
  readonly name: string;
  readonly names: readonly string[];
  /** Undefined: none has come yet. */
  readonly pair: HeldPair | undefined;
  /** When it is ordered next. */
  readonly nextMs: number;
  /** How the last order failed; "": it did not. */
  readonly error: string;
}

interface Ordered {
  readonly row: OrderSetting;
  readonly fraction: number;
  pair: HeldPair | undefined;
  tries: Tries | undefined;
}

const interrupted = 'the server stopped during the order';
const overdue = 'the certificate that came is due to be renewed already';

export class AcmeOrders {
  readonly #parts: AcmeOrdersParts;
  readonly #ordered = new Map<string, Ordered>();
  readonly #ending = new AbortController();
  #running: Promise<void> | undefined;

  private constructor(parts: AcmeOrdersParts) {
    this.#parts = parts;
  }

  static async open(parts: AcmeOrdersParts): Promise<AcmeOrders> {
    const orders = new AcmeOrders(parts);
    for (const row of parts.acme.certificates) {
      const tries = await parts.files.tries(row.name);
      const pair = await parts.files.pair(row.name);
      const isOver =
        tries === undefined ||
        !isSame(tries.names, row.names) ||
        (pair !== undefined && pair.fingerprint !== tries.replaces);
      orders.#ordered.set(row.name, {
        ...{ row, fraction: parts.random.fraction(), pair },
        tries: isOver ? undefined : tries,
      });
    }
    return orders;
  }

  states(): readonly OrderedState[] {
    return [...this.#ordered.values()].map((one) => ({
      ...{ name: one.row.name, names: one.row.names, pair: one.pair },
      nextMs: nextMsOf(one),
      error: one.tries?.detail ?? '',
    }));
  }

  /** Begins the next order that is due, unless one runs. */
  look(): void {
    if (this.#running !== undefined || this.#ending.signal.aborted) return;
    const nowMs = this.#parts.clock.nowMs();
    const due = [...this.#ordered.values()].find((one) => nextMsOf(one) <= nowMs);
    if (due !== undefined) void this.#begin(due).catch(() => {});
  }

  /** Orders now. @throws MailError `not-found`, `not-possible-now` */
  async renew(name: string): Promise<void> {
    const one = this.#ordered.get(name);
    if (one === undefined) throw new MailError('not-found', `certificate ${name}`);
    const { tries } = one;
    if (tries?.isAsked === true && tries.nextMs > this.#parts.clock.nowMs()) {
      const until = new Date(tries.nextMs).toISOString();
      throw new MailError('not-possible-now', `the authority asks us to wait until ${until}`);
    }
    if (this.#running !== undefined)
      throw new MailError('not-possible-now', 'an order is under way: ask again in a minute');
    await this.#begin(one);
    if (one.tries !== undefined) throw new MailError('not-possible-now', one.tries.detail);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running?.catch(() => {});
  }

  #begin(one: Ordered): Promise<void> {
    const running = this.#order(one).finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #order(one: Ordered): Promise<void> {
    const { authority, files, board, acme, clock, log, changed } = this.#parts;
    const { name, names } = one.row;
    try {
      await this.#note(one, interrupted, 0);
      log.info({ certificate: name, names }, 'a certificate is ordered');
      const accountKey = await files.accountKey(() => authority.newAccountKey());
      const { signal } = this.#ending;
      const order = { names, challenge: acme.challenge, accountKey, signal };
      const answer = await authority.order(order, board);
      if (!answer.ok) return await this.#refused(one, answer.detail, answer.retryAfterMs);
      const pair = readPair(answer);
      const missing = names.filter((each) => !pair.names.includes(each));
      if (missing.length > 0) throw new Error(`the certificate is not for ${missing.join(', ')}`);
      await files.keepPair(name, pair);
      one.pair = pair;
      const { failureCount = 1 } = one.tries ?? {};
      one.tries = undefined;
      changed();
      if (nextMsOf(one) <= clock.nowMs()) {
        // By our clock, or by its own dates: without a wait it would be ordered for ever.
        one.tries = this.#triesOf(one, overdue, failureCount);
        await files.keepTries(name, one.tries);
        log.error({ certificate: name, notAfterMs: pair.notAfterMs }, overdue);
        return;
      }
      await this.#forget(name);
      const until = new Date(pair.notAfterMs).toISOString();
      log.info({ certificate: name, names, until }, 'a certificate has come');
    } catch (error) {
      await this.#refused(one, (error as Error).message, undefined);
    }
  }

  /** What is left of them is known to be over by the certificate that came. */
  async #forget(name: string): Promise<void> {
    const { files, log } = this.#parts;
    try {
      await files.forgetTries(name);
    } catch (error) {
      log.warn({ certificate: name, error }, 'how the last order went is not forgotten on disk');
    }
  }

  async #refused(one: Ordered, detail: string, askedMs: number | undefined): Promise<void> {
    const { log, failed } = this.#parts;
    if (this.#ending.signal.aborted) return;
    const { name } = one.row;
    failed(name);
    const failureCount = one.tries?.failureCount ?? 1;
    one.tries = this.#triesOf(one, detail, failureCount, askedMs);
    const nextTry = new Date(one.tries.nextMs).toISOString();
    log.error({ certificate: name, detail, failureCount, nextTry }, 'a certificate did not come');
    try {
      await this.#parts.files.keepTries(name, one.tries);
    } catch (error) {
      log.error({ certificate: name, error }, 'how an order went is not kept over a restart');
    }
  }

  /** One more failure, until it is none. */
  async #note(one: Ordered, detail: string, askedMs: number): Promise<void> {
    const failureCount = (one.tries?.failureCount ?? 0) + 1;
    one.tries = this.#triesOf(one, detail, failureCount, askedMs);
    await this.#parts.files.keepTries(one.row.name, one.tries);
  }

  #triesOf(one: Ordered, detail: string, failureCount: number, askedMs = 0): Tries {
    const { clock, random } = this.#parts;
    return {
      ...{ names: one.row.names, failureCount, detail, isAsked: askedMs > 0 },
      replaces: one.pair?.fingerprint ?? '',
      nextMs: clock.nowMs() + waitMs(failureCount, askedMs, random.fraction()),
    };
  }
}

function nextMsOf({ row, pair, tries, fraction }: Ordered): number {
  if (tries !== undefined) return tries.nextMs;
  // An authority may add names (`www.`); one that we want no more goes with the next renewal.
  if (pair === undefined || !row.names.every((name) => pair.names.includes(name))) return 0;
  return renewalMs(pair, fraction);
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((name) => others.includes(name));
}
