/**
 * How much of something a client may have: so many in a time, or so many at once.
 *
 * Runs in:   sink; pure (time comes with the step).
 * Limits:    `keysMax` addresses, senders …; those long unseen have all of theirs again.
 */

import { RecentMap } from '../../base/recent-map.ts';
import { secondMs } from '../../base/units.ts';
import type { Step } from './fault-conditions.ts';
import type { Visit } from './fault-source.ts';
import type { LimitRule } from './model.ts';
import type { Reputation } from './reputation.ts';

const keysMax = 100_000;
const scoreMax = 100;

interface Bucket {
  left: number;
  atMs: number;
}

export class RateLimit {
  readonly #rule: LimitRule;
  readonly #reputation: Reputation | undefined;
  readonly #buckets = new RecentMap<string, Bucket>(keysMax);
  /** Without a time: how many there are now. Bounded by the connections that are open. */
  readonly #open = new Map<string, number>();
  readonly #held = new Map<Visit, string[]>();

  constructor(rule: LimitRule, reputation: Reputation | undefined) {
    this.#rule = rule;
    this.#reputation = reputation;
  }

  /** Takes one of what is left; false when there is none, and then nothing is taken. */
  use(step: Step): boolean {
    return this.#rule.seconds === undefined ? this.#hold(step) : this.#draw(step);
  }

  /** What a connection held is free again. */
  left(visit: Visit): void {
    for (const key of this.#held.get(visit) ?? []) {
      const count = (this.#open.get(key) ?? 1) - 1;
      if (count === 0) this.#open.delete(key);
      else this.#open.set(key, count);
    }
    this.#held.delete(visit);
  }

  #hold(step: Step): boolean {
    // Of a connection: how many it has had.
    const key = this.#rule.per === 'connection' ? undefined : this.#key(step);
    const held = this.#held.get(step.visit) ?? [];
    const count = key === undefined ? held.length : (this.#open.get(key) ?? 0);
    if (count >= this.#countMax(step)) return false;
    this.#held.set(step.visit, held);
    held.push(key ?? '');
    if (key !== undefined) this.#open.set(key, count + 1);
    return true;
  }

  #draw(step: Step): boolean {
    const { seconds = 1 } = this.#rule;
    const countMax = this.#countMax(step);
    const key = this.#key(step);
    const bucket = this.#buckets.get(key) ?? { left: countMax, atMs: step.nowMs };
    const back = ((step.nowMs - bucket.atMs) * countMax) / (seconds * secondMs);
    bucket.left = Math.min(countMax, bucket.left + back);
    bucket.atMs = step.nowMs;
    this.#buckets.set(key, bucket);
    if (bucket.left < 1) return false;
    bucket.left--;
    return true;
  }

  #countMax({ visit, nowMs }: Step): number {
    const { countMax, isScaled } = this.#rule;
    if (isScaled !== true || this.#reputation === undefined) return countMax;
    const score = this.#reputation.score(visit.network, nowMs);
    return Math.max(1, Math.floor((countMax * score) / scoreMax));
  }

  #key({ visit, sender, recipient }: Step): string {
    switch (this.#rule.per) {
      case 'address':
        return visit.address;
      case 'network':
        return visit.network;
      case 'sender':
        return sender.toLowerCase();
      case 'sender-domain':
        return sender.slice(sender.lastIndexOf('@') + 1).toLowerCase();
      case 'recipient':
        return recipient.toLowerCase();
      case 'connection':
        return String(visit.number);
      case 'everyone':
        return '';
    }
  }
}
