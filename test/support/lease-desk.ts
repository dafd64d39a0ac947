/** Threads that borrow of one site, and its owner, on a hand-turned clock; for tests of leases. */

import type { Answer, Ask } from '../../src/actors/ask.ts';
import type { SiteLimits } from '../../src/actors/leases.ts';
import { OpenSlots, openSlotWords } from '../../src/actors/open-slots.ts';
import { SiteBorrower } from '../../src/actors/site-borrower.ts';
import type { BucketsOf, SiteLease, SiteUser } from '../../src/actors/site-lease.ts';
import { SiteOwners, siteShard } from '../../src/actors/site-leases.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { SeededClock, turns } from './seeded-clock.ts';

export const slotsMax = 4;
const none = Number.POSITIVE_INFINITY;
export const unlimited: SiteLimits = {
  slotsMax,
  ...{ messagesPerSecond: none, messagesBurst: none },
  ...{ connectionsPerSecond: none, connectionsBurst: none },
};
export const shards = 8;
export const shard = siteShard('mx.test', shards);

/** A thread, its event loop and its one site. */
class Place implements SiteUser {
  granted = 0;
  dialled = 0;
  waitingCount = 0;
  weights: ReadonlyMap<number, number> = new Map();
  readonly mail = new Map([[1, { waiting: 1_000, served: 0 }]]);
  borrower: SiteBorrower;
  lease: SiteLease;
  readonly #desk: Desk;
  readonly #thread: number;
  #life = 0;
  #isStill = false;
  #later: (() => void)[] = [];

  constructor(desk: Desk, thread: number) {
    this.#desk = desk;
    this.#thread = thread;
    this.borrower = this.#newBorrower();
    this.lease = this.borrower.join('mx.test', this);
  }

  #newBorrower(): SiteBorrower {
    const { open, bucketsOf } = this.#desk;
    return new SiteBorrower({
      ...{ thread: this.#thread, life: `${this.#life}`, shards, open },
      clock: this.#clock(),
      ask: async (ask) => {
        const life = this.#life;
        const answer = await this.#desk.answer(ask);
        await this.#awake(life);
        return answer;
      },
      ...(bucketsOf === undefined ? {} : { bucketsOf }),
    });
  }

  /** Another life: it has nothing, and nobody hears what the former was told. */
  die(): void {
    this.#life++;
    this.#isStill = false;
    this.#later = [];
    this.granted = 0;
    this.#desk.open.clear(this.#thread);
    this.borrower = this.#newBorrower();
    this.lease = this.borrower.join('mx.test', this);
  }

  standStill(): void {
    this.#isStill = true;
  }

  goOn(): void {
    this.#isStill = false;
    for (const run of this.#later.splice(0)) run();
  }

  request(): void {
    const life = this.#life;
    this.lease.request(() => {
      if (life !== this.#life) return;
      this.granted++;
      this.#desk.check();
    });
  }

  dial(): void {
    this.lease.dial(() => {
      this.dialled++;
    }, 'mx.test');
  }

  release(): void {
    this.granted--;
    this.lease.release();
  }

  tell(told: Map<number, { waiting: number; served: number }>): void {
    for (const [tenant, each] of this.mail) {
      told.set(tenant, { ...each });
      each.served = 0;
    }
  }

  weigh(weights: ReadonlyMap<number, number>): void {
    this.weights = weights;
  }

  onTokens(): void {
    for (const tenant of this.mail.keys()) this.lease.gate?.isOpen(tenant, '');
  }

  #clock(): Clock {
    const { clock } = this.#desk;
    const life = this.#life;
    return {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      setTimer: (delayMs, run) => clock.setTimer(delayMs, () => this.#run(life, run)),
    };
  }

  #run(life: number, run: () => void): void {
    if (life !== this.#life) return;
    if (this.#isStill) this.#later.push(run);
    else run();
  }

  #awake(life: number): Promise<void> {
    return new Promise((resolve) => this.#run(life, resolve));
  }
}

export class Desk {
  readonly clock = new SeededClock();
  readonly open: OpenSlots;
  readonly limits: SiteLimits;
  readonly bucketsOf: BucketsOf | undefined;
  owners: SiteOwners;
  readonly places: Place[];
  /** What becomes of asks: they are not heard, or their answers are not. */
  fault: 'none' | 'unheard' | 'unanswered' = 'none';
  /** Runs when a lease was decided and the borrower does not know yet. */
  onLent: ((ask: Ask) => void) | undefined;
  mostOpen = 0;

  constructor(
    threads: number,
    {
      isFirst = true,
      limits = unlimited,
      bucketsOf,
    }: {
      readonly isFirst?: boolean;
      readonly limits?: SiteLimits;
      readonly bucketsOf?: BucketsOf;
    } = {},
  ) {
    this.limits = limits;
    this.bucketsOf = bucketsOf;
    this.open = new OpenSlots(openSlotWords(threads));
    this.owners = this.newOwners(isFirst);
    this.places = Array.from({ length: threads }, (_, thread) => new Place(this, thread));
  }

  get granted(): number[] {
    return this.places.map(({ granted }) => granted);
  }

  newOwners(isFirst: boolean): SiteOwners {
    const owners = new SiteOwners({
      clock: this.clock,
      open: this.open,
      limitsOf: () => this.limits,
      rateOf: () => ({ perSecond: 10, burst: 11 }),
    });
    owners.open(shard, isFirst);
    return owners;
  }

  async answer(ask: Ask): Promise<Answer> {
    await turns(1);
    const { fault } = this;
    if (fault === 'unheard') return { ok: false, code: 'store-busy', detail: '' };
    const answer = this.owners.lend({ ...ask, body: new Uint8Array() });
    this.onLent?.(ask);
    await turns(1);
    return fault === 'unanswered' ? { ok: false, code: 'store-busy', detail: '' } : answer;
  }

  check(): void {
    const sum = this.granted.reduce((total, count) => total + count, 0);
    this.mostOpen = Math.max(this.mostOpen, sum);
  }

  request(thread: number): void {
    this.places[thread]!.request();
  }

  release(thread: number): void {
    this.places[thread]!.release();
  }
}
