/**
 * The conditions of one rule, with what they remember: limits, quotas, greylists, counts.
 *
 * Runs in:   sink; pure (chance and time are arguments).
 * Specs:     RFC 6647 (greylisting).
 * Limits:    `keysMax` senders, recipients, networks … are remembered by each rule; those long unseen are forgotten.
 * Invariant: a condition is asked only when those before it hold, in the order of `hold`: chance is drawn and limits
 *            are used up by matching steps alone.
 */

import { hash } from 'node:crypto';
import { networkSet, plainAddress } from '../../base/networks.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { secondMs } from '../../base/units.ts';
import type { Random } from '../../ports/random.ts';
import { readNetwork } from '../../settings/networks.ts';
import type { Visit } from './fault-source.ts';
import { globPattern } from './glob.ts';
import { Greylist } from './greylist.ts';
import type { FaultRule, QuotaRule } from './model.ts';
import { RateLimit } from './rate-limit.ts';
import type { Reputation } from './reputation.ts';

const keysMax = 100_000;

export interface Step {
  readonly visit: Visit;
  readonly sender: string;
  readonly recipient: string;
  readonly bytes: number;
  readonly nowMs: number;
}

export interface ConditionSources {
  readonly random: Random;
  /** Makes the addresses of `recipientShare` others for another seed. */
  readonly salt: string;
  readonly reputation: Reputation | undefined;
}

type Condition = (step: Step) => boolean;

export class ConditionSet {
  readonly #conditions: Condition[] = [];
  readonly #limit: RateLimit | undefined;
  readonly #quota: Quota | undefined;
  readonly #counts = new Map<Visit, number>();

  constructor(rule: FaultRule, sources: ConditionSources) {
    this.#addMatches(rule, sources.salt);
    this.#addCounts(rule);
    const { probability = 1, reputation, limit, quota, greylist } = rule;
    if (probability < 1) {
      this.#conditions.push(() => sources.random.fraction() < probability);
    }
    if (reputation !== undefined && sources.reputation !== undefined) {
      const standing = new Blocks(reputation.below, reputation.until ?? reputation.below);
      const { reputation: scores } = sources;
      this.#conditions.push(({ visit, nowMs }) =>
        standing.isBlocked(visit.network, scores.score(visit.network, nowMs)),
      );
    }
    if (limit !== undefined) {
      const used = new RateLimit(limit, sources.reputation);
      this.#limit = used;
      this.#conditions.push((step) => !used.use(step));
    }
    if (quota !== undefined) {
      const kept = new Quota(quota);
      this.#quota = kept;
      this.#conditions.push((step) => kept.isFull(step));
    }
    if (greylist !== undefined) {
      const list = new Greylist(greylist);
      this.#conditions.push((step) => list.putsOff(step));
    }
  }

  hold(step: Step): boolean {
    for (const condition of this.#conditions) if (!condition(step)) return false;
    return true;
  }

  taken(step: Step): void {
    this.#quota?.add(step);
  }

  left(visit: Visit): void {
    this.#counts.delete(visit);
    this.#limit?.left(visit);
  }

  #addMatches(rule: FaultRule, salt: string): void {
    if (rule.client !== undefined) {
      const network = readNetwork(rule.client);
      const set = networkSet(network.ok ? [network.value] : []);
      this.#conditions.push(({ visit }) => set.has(plainAddress(visit.address)));
    }
    if (rule.sender !== undefined) {
      const pattern = globPattern(rule.sender);
      this.#conditions.push(({ sender }) => pattern.test(sender));
    }
    if (rule.recipient !== undefined) {
      const pattern = globPattern(rule.recipient);
      this.#conditions.push(({ recipient }) => pattern.test(recipient));
    }
    const { recipientShare } = rule;
    if (recipientShare !== undefined) {
      this.#conditions.push(({ recipient }) => shareOf(recipient, salt) < recipientShare);
    }
  }

  #addCounts({ nth, every }: FaultRule): void {
    if (nth !== undefined) {
      this.#conditions.push(({ visit }) => {
        const count = (this.#counts.get(visit) ?? 0) + 1;
        this.#counts.set(visit, count);
        return count === nth;
      });
    }
    if (every !== undefined) {
      let count = 0;
      this.#conditions.push(() => {
        count = (count + 1) % every;
        return count === 0;
      });
    }
  }
}

/** A number in [0, 1) that an address always has. */
function shareOf(recipient: string, salt: string): number {
  const digest = hash('sha256', `${salt} ${recipient.toLowerCase()}`, 'hex');
  return Number.parseInt(digest.slice(0, 8), 16) / 0x1_0000_0000;
}

/** Who fell below one score stays blocked until it has reached another. */
class Blocks {
  readonly #below: number;
  readonly #until: number;
  readonly #blocked = new RecentMap<string, true>(keysMax);

  constructor(below: number, until: number) {
    this.#below = below;
    this.#until = until;
  }

  isBlocked(network: string, score: number): boolean {
    if (score < this.#below) {
      this.#blocked.set(network, true);
      return true;
    }
    if (this.#blocked.get(network) === undefined) return false;
    if (score < this.#until) return true;
    this.#blocked.delete(network);
    return false;
  }
}

interface Kept {
  messages: number;
  bytes: number;
  sinceMs: number;
}

/** Mailboxes that fill with what is taken. */
class Quota {
  readonly #rule: QuotaRule;
  readonly #mailboxes = new RecentMap<string, Kept>(keysMax);

  constructor(rule: QuotaRule) {
    this.#rule = rule;
  }

  isFull(step: Step): boolean {
    const { messagesMax = Infinity, bytesMax = Infinity } = this.#rule;
    const { messages, bytes } = this.#mailbox(step);
    return messages >= messagesMax || bytes >= bytesMax;
  }

  add(step: Step): void {
    const mailbox = this.#mailbox(step);
    mailbox.messages++;
    mailbox.bytes += step.bytes;
  }

  #mailbox({ recipient, nowMs }: Step): Kept {
    const key = recipient.toLowerCase();
    const { emptiedSeconds = Infinity } = this.#rule;
    const known = this.#mailboxes.get(key);
    if (known !== undefined && nowMs - known.sinceMs < emptiedSeconds * secondMs) return known;
    const empty = { messages: 0, bytes: 0, sinceMs: nowMs };
    this.#mailboxes.set(key, empty);
    return empty;
  }
}
