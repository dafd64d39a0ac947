/**
 * Greylisting: who has not been seen before is put off, who comes back in time passes.
 *
 * Runs in:   sink; pure (time comes with the step).
 * Specs:     RFC 6647 §2.4 (the triple, with the client's network), §5 (time windows, networks let pass).
 * Limits:    `triplesMax` triples and `networksMax` networks; those long unseen start again.
 */

import { RecentMap } from '../../base/recent-map.ts';
import { hourMs, secondMs } from '../../base/units.ts';
import type { Step } from './fault-conditions.ts';
import type { GreylistRule } from './model.ts';

const triplesMax = 100_000;
const networksMax = 10_000;
const withinSecondsDefault = (4 * hourMs) / secondMs;
const keepSecondsDefault = (36 * 24 * hourMs) / secondMs;

interface Seen {
  firstMs: number;
  /** Of the last time it passed; undefined until then. */
  passedMs: number | undefined;
}

export class Greylist {
  readonly #rule: GreylistRule;
  readonly #triples = new RecentMap<string, Seen>(triplesMax);
  /** Triples of a network that passed. */
  readonly #passed = new RecentMap<string, number>(networksMax);

  constructor(rule: GreylistRule) {
    this.#rule = rule;
  }

  putsOff({ visit: { network }, sender, recipient, nowMs }: Step): boolean {
    const { autoAllow = Infinity } = this.#rule;
    const passed = this.#passed.get(network) ?? 0;
    if (passed >= autoAllow) return false;
    const key = `${network} ${sender.toLowerCase()} ${recipient.toLowerCase()}`;
    const seen = this.#triples.get(key);
    if (seen === undefined || this.#isStale(seen, nowMs)) {
      this.#triples.set(key, { firstMs: nowMs, passedMs: undefined });
      return true;
    }
    if (nowMs - seen.firstMs < this.#rule.afterSeconds * secondMs) return true;
    if (seen.passedMs === undefined) this.#passed.set(network, passed + 1);
    seen.passedMs = nowMs;
    return false;
  }

  #isStale({ firstMs, passedMs }: Seen, nowMs: number): boolean {
    const { withinSeconds = withinSecondsDefault, keepSeconds = keepSecondsDefault } = this.#rule;
    return passedMs === undefined
      ? nowMs - firstMs > withinSeconds * secondMs
      : nowMs - passedMs > keepSeconds * secondMs;
  }
}
