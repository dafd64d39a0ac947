/**
 * How the threads that have mail for one site divide its connections, so that its tenants share it fairly whatever
 * threads their mail waits in.
 *
 * Runs in:   the thread that owns the site; pure (time is an argument).
 * Limits:    as many tenants of a thread as a demand names.
 * Invariant: the whole slots given out never add up to more than there are.
 *
 * A tenant's fair part goes to the threads by how much of its mail waits in each; a thread's share is the sum over its
 * tenants, often a fraction. Fractions are paid in time: a slot goes round, to the thread that is owed most. What
 * tenants got is counted, and who got less than the others is given more weight until it is made up for.
 */

/** tenant, cost of what waits, cost of what was served since the last demand. */
export type TenantDemand = readonly [tenant: number, waiting: number, served: number];

/** A slot stays where it is until another thread is owed so many more seconds of one. */
const dwellSeconds = 1;
/** Debts between threads are remembered up to this long. */
const owedSecondsMax = 20;
/**
 * What a tenant got too little is made up for in about so long, by no more than these weights: soon among the tenants
 * of a thread; slowly by slots, for those that go round should do so evenly.
 */
const makeUpSeconds = 4;
const makeUpSlotSeconds = 15;
const weightMin = 0.25;
const weightMax = 4;
/** What a tenant is owed is bounded by so much of its fair service. */
const lagSecondsMax = 20;
/** Of two weights of one thread's tenants, the lower is no less than this part of the higher. */
const partMin = 1 / 64;
const rateSeconds = 5;
/** With so many slots a thread, one that has no mail just now keeps a connection. */
const slotsToSpare = 2;

interface Sharer {
  wanted: number;
  /** Of the site's slots, those counted as this thread's. */
  lent: number;
  /** By tenant: cost that waits, or waited until just now. Undefined: not told. */
  tenants: Map<number, number> | undefined;
  /** Of what its tenants are due, its part. */
  weight: number;
  fair: number;
  target: number;
  /** Slot seconds it got too few, against the others. */
  owed: number;
}

export class Shares {
  readonly #sharers = new Map<number, Sharer>();
  /** By tenant: cost it got too little, against the others. */
  readonly #lags = new Map<number, number>();
  /** By tenant: cost that waits in all threads. */
  #waiting = new Map<number, number>();
  #passedMs: number;
  #served = 0;
  #servedSinceMs: number;
  /** Cost a second of all tenants together. */
  #rate = 0;

  constructor(nowMs: number) {
    this.#passedMs = nowMs;
    this.#servedSinceMs = nowMs;
  }

  /** Threads that want slots. */
  get count(): number {
    return this.#sharers.size;
  }

  demand(
    thread: number,
    wanted: number,
    lent: number,
    tenants: readonly TenantDemand[] | undefined,
    nowMs: number,
  ): void {
    this.#pass(nowMs);
    if (wanted === 0) {
      this.forget(thread);
      return;
    }
    let sharer = this.#sharers.get(thread);
    if (sharer === undefined) {
      sharer = { wanted, lent, tenants: undefined, weight: 0, fair: 0, target: 0, owed: 0 };
      this.#sharers.set(thread, sharer);
    }
    sharer.wanted = wanted;
    sharer.lent = lent;
    sharer.tenants = tenants === undefined ? undefined : new Map();
    for (const [tenant, waiting, served] of tenants ?? []) {
      sharer.tenants!.set(tenant, waiting + served);
    }
    this.#serve(tenants ?? [], nowMs);
  }

  forget(thread: number): void {
    this.#sharers.delete(thread);
  }

  lend(thread: number, slots: number): void {
    const sharer = this.#sharers.get(thread);
    if (sharer !== undefined) sharer.lent = slots;
  }

  /** What is this thread's part of a site's rates, against the others; above 0. */
  weightOf(thread: number): number {
    return Math.max(partMin, this.#sharers.get(thread)?.weight ?? 0);
  }

  /** Whole slots for the thread, of so many. */
  targetOf(thread: number, slotsMax: number): number {
    this.#divide(slotsMax);
    return this.#sharers.get(thread)?.target ?? 0;
  }

  /** More is wanted than there is. */
  isContended(slotsMax: number): boolean {
    let wanted = 0;
    for (const sharer of this.#sharers.values()) wanted += sharer.wanted;
    return wanted > slotsMax;
  }

  /** For the tenants of a demand, in its order: how the thread is to weigh them against each other. */
  weightsOf(thread: number, tenants: readonly TenantDemand[]): number[] {
    const sharer = this.#sharers.get(thread);
    if (sharer?.tenants === undefined || this.#sharers.size < 2) return [];
    const weights = tenants.map(([tenant]) => this.#partOf(sharer, tenant, makeUpSeconds));
    const most = Math.max(...weights);
    return most > 0 ? weights.map((weight) => Math.max(partMin, weight / most)) : [];
  }

  #pass(nowMs: number): void {
    const seconds = (nowMs - this.#passedMs) / 1_000;
    this.#passedMs = nowMs;
    if (seconds <= 0) return;
    let sum = 0;
    let contenders = 0;
    for (const sharer of this.#sharers.values()) {
      // Who has all it wants is owed nothing.
      if (sharer.fair >= sharer.wanted) sharer.owed = 0;
      else {
        sharer.owed += (sharer.fair - sharer.lent) * seconds;
        sum += sharer.owed;
        contenders++;
      }
    }
    for (const sharer of this.#sharers.values()) {
      if (sharer.fair >= sharer.wanted) continue;
      const most = owedSecondsMax * Math.max(1, sharer.fair);
      sharer.owed = Math.max(-most, Math.min(most, sharer.owed - sum / contenders));
    }
  }

  /** Counts what tenants got against what each of those who wait should have got of it. */
  #serve(tenants: readonly TenantDemand[], nowMs: number): void {
    const waiting = new Map<number, number>();
    for (const sharer of this.#sharers.values()) {
      for (const [tenant, cost] of sharer.tenants ?? []) {
        if (cost > 0) waiting.set(tenant, (waiting.get(tenant) ?? 0) + cost);
      }
    }
    this.#waiting = waiting;
    let served = 0;
    for (const [, , cost] of tenants) served += cost;
    this.#measure(served, nowMs);
    for (const tenant of this.#lags.keys()) if (!waiting.has(tenant)) this.#lags.delete(tenant);
    if (waiting.size === 0) return;
    const each = served / waiting.size;
    const most = (lagSecondsMax * this.#rate) / waiting.size;
    for (const tenant of waiting.keys()) {
      this.#lags.set(tenant, (this.#lags.get(tenant) ?? 0) + each);
    }
    for (const [tenant, , cost] of tenants) {
      const lag = this.#lags.get(tenant);
      if (lag !== undefined) this.#lags.set(tenant, lag - cost);
    }
    for (const [tenant, lag] of this.#lags) {
      // Nobody is owed more than what waits.
      const owed = Math.min(lag, most, waiting.get(tenant)!);
      this.#lags.set(tenant, Math.max(-most, owed));
    }
  }

  #measure(served: number, nowMs: number): void {
    this.#served += served;
    const seconds = (nowMs - this.#servedSinceMs) / 1_000;
    if (seconds < 1) return;
    const part = Math.min(1, seconds / rateSeconds);
    this.#rate += (this.#served / seconds - this.#rate) * part;
    this.#served = 0;
    this.#servedSinceMs = nowMs;
  }

  /** Of a tenant's fair part, what this thread has of its mail; more or less by what it is owed. */
  #partOf(sharer: Sharer, tenant: number, inSeconds: number): number {
    const cost = sharer.tenants!.get(tenant) ?? 0;
    const all = this.#waiting.get(tenant) ?? 0;
    if (cost === 0 || all === 0) return 0;
    const fairRate = this.#rate / this.#waiting.size;
    const lagSeconds = fairRate > 0 ? (this.#lags.get(tenant) ?? 0) / fairRate : 0;
    const madeUp = 1 + lagSeconds / inSeconds;
    return (cost / all) * Math.max(weightMin, Math.min(weightMax, madeUp));
  }

  #divide(slotsMax: number): void {
    const sharers = [...this.#sharers.values()];
    const isSpare = slotsMax >= slotsToSpare * sharers.length;
    const weights = sharers.map((sharer) => {
      if (sharer.tenants === undefined) return 1;
      let weight = 0;
      for (const tenant of sharer.tenants.keys())
        weight += this.#partOf(sharer, tenant, makeUpSlotSeconds);
      return weight;
    });
    const wants = sharers.map(({ wanted }) => wanted);
    const floors = weights.map((weight) => (weight === 0 && isSpare ? 1 : 0));
    const fair = fairShares(wants, weights, floors, slotsMax);
    for (const [i, sharer] of sharers.entries()) {
      sharer.weight = weights[i]!;
      sharer.fair = fair[i]!;
    }
    giveWhole(sharers);
  }
}

/** Fractions become whole slots: who is owed most of them has one more, and keeps it for a while. */
function giveWhole(sharers: readonly Sharer[]): void {
  const wholeOf = (sharer: Sharer) => Math.floor(sharer.fair + epsilon);
  const contenders = sharers.filter((sharer) => sharer.fair > wholeOf(sharer) + epsilon);
  let rest = epsilon;
  for (const sharer of contenders) rest += sharer.fair - wholeOf(sharer);
  const least = Math.min(...contenders.map(({ fair }) => fair));
  const dwell = dwellSeconds * Math.max(1, least);
  const claim = (sharer: Sharer) =>
    sharer.owed + (sharer.target > wholeOf(sharer) ? dwell : 0) + sharer.fair * epsilon;
  const claims = new Map(contenders.map((sharer) => [sharer, claim(sharer)]));
  contenders.sort((a, b) => claims.get(b)! - claims.get(a)!);
  for (const sharer of sharers) sharer.target = wholeOf(sharer);
  for (const sharer of contenders.slice(0, Math.floor(rest))) sharer.target++;
}

const epsilon = 1e-6;

/**
 * Divides `total` by weights, where nobody gets more than he wants (max-min fairness), each at least his floor as far
 * as he wants it. Those of no weight get what the others leave.
 */
export function fairShares(
  wants: readonly number[],
  weights: readonly number[],
  floors: readonly number[],
  total: number,
): number[] {
  const shares = wants.map((want, i) => Math.min(want, floors[i]!));
  let left = total - shares.reduce((sum, share) => sum + share, 0);
  for (const isWeighed of [true, false]) {
    let open = wants.map((_, i) => i).filter((i) => weights[i]! > 0 === isWeighed);
    open = open.filter((i) => shares[i]! < wants[i]!);
    const weightOf = (i: number) => (isWeighed ? weights[i]! : 1);
    while (open.length > 0 && left > epsilon) {
      const level = left / open.reduce((sum, i) => sum + weightOf(i), 0);
      const filled = open.filter((i) => wants[i]! - shares[i]! <= level * weightOf(i));
      for (const i of filled.length > 0 ? filled : open) {
        const more = filled.length > 0 ? wants[i]! - shares[i]! : level * weightOf(i);
        shares[i]! += more;
        left -= more;
      }
      if (filled.length === 0) break;
      open = open.filter((i) => !filled.includes(i));
    }
  }
  return shares;
}
