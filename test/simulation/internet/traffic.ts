/**
 * What the tenants of a simulation send: single messages all day, and campaigns of thousands within minutes.
 *
 * Invariant: the schedule follows from the seed alone, whatever becomes of the mail.
 */

import { SeededRandom, seedOf } from '../../../src/harness/seeded-random.ts';
import type { Domain } from './providers.ts';

export interface TrafficOptions {
  readonly seed: number;
  readonly messages: number;
  readonly seconds: number;
  readonly tenants: number;
  readonly domains: readonly Domain[];
  /** One tenant more, who sends so many messages in campaigns to the largest domains. */
  readonly hotMessages: number;
  /** Of all messages but those, the part that is sent in campaigns. */
  readonly campaignShare: number;
}

export interface Sent {
  readonly tenant: number;
  /** By their numbers in the list of domains; recipients of one message. */
  readonly domains: readonly number[];
  readonly bytes: number;
  readonly priority: number;
  readonly campaign: string;
}

interface Campaign {
  readonly tenant: number;
  readonly name: string;
  readonly second: number;
  readonly seconds: number;
  readonly perSecond: number;
}

const campaignSecondsMax = 120;
/** Campaigns begin on the hour, as everybody's do, or twice in a shorter day. */
const periodSeconds = 3_600;
const startSecondsMax = 60;
const campaignsPerPeriod = 12;
/** Of a campaign, what goes to the largest domains. */
const largeShare = 0.7;
const largeDomains = 6;

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #random: SeededRandom;
  readonly #hotRandom: SeededRandom;
  readonly #campaigns: Campaign[];
  readonly #singlesPerSecond: number;
  readonly #domainSums: Float64Array;
  readonly #tenantSums: Float64Array;
  readonly #largeDomains: number;
  #owed = 0;

  constructor(options: TrafficOptions) {
    const { seed, messages, seconds, tenants, domains, hotMessages, campaignShare } = options;
    this.#options = options;
    this.#random = new SeededRandom(seedOf(seed, 'traffic'));
    this.#hotRandom = new SeededRandom(seedOf(seed, 'hot'));
    this.#largeDomains = Math.min(largeDomains, domains.length);
    this.#domainSums = sums(domains.length, (i) => 1 / (i + 3));
    this.#tenantSums = sums(tenants, (i) => 1 / Math.sqrt(i + 1));
    this.#singlesPerSecond = (messages * (1 - campaignShare)) / seconds;
    const random = new SeededRandom(seedOf(seed, 'campaigns'));
    const tenantOf = () => pick(this.#tenantSums, random.fraction());
    const inCampaigns = messages * campaignShare;
    this.#campaigns = inCampaigns > 0 ? campaigns(inCampaigns, seconds, random, tenantOf) : [];
    if (hotMessages > 0) {
      this.#campaigns.push(...campaigns(hotMessages, seconds, this.#hotRandom, () => tenants));
    }
  }

  /** All that is sent in one second. */
  *second(second: number): Generator<Sent> {
    this.#owed += this.#singlesPerSecond;
    for (; this.#owed >= 1; this.#owed--) yield this.#single();
    for (const campaign of this.#campaigns) {
      if (second < campaign.second || second >= campaign.second + campaign.seconds) continue;
      for (let i = 0; i < campaign.perSecond; i++) yield this.#oneOf(campaign);
    }
  }

  #single(): Sent {
    const random = this.#random;
    const tenant = pick(this.#tenantSums, random.fraction());
    const domain = pick(this.#domainSums, random.fraction());
    const kind = random.fraction();
    // A few go to several people at one place, a few to several places.
    const domains =
      kind < 0.03
        ? [domain, domain, domain]
        : kind < 0.05
          ? [domain, pick(this.#domainSums, random.fraction())]
          : [domain];
    return { tenant, domains, bytes: sizeOf(random), priority: kind > 0.9 ? 3 : 0, campaign: '' };
  }

  #oneOf({ tenant, name }: Campaign): Sent {
    const random = tenant === this.#options.tenants ? this.#hotRandom : this.#random;
    const isLarge = random.fraction() < largeShare;
    const draw = random.fraction();
    const domain = isLarge ? Math.floor(draw * this.#largeDomains) : pick(this.#domainSums, draw);
    return { tenant, domains: [domain], bytes: sizeOf(random), priority: -3, campaign: name };
  }
}

function campaigns(
  messages: number,
  seconds: number,
  random: SeededRandom,
  tenantOf: () => number,
): Campaign[] {
  const made: Campaign[] = [];
  const period = Math.min(periodSeconds, seconds / 2);
  const periods = Math.floor(seconds / period);
  const length = Math.min(campaignSecondsMax, Math.ceil(period / 8));
  const each = messages / (periods * campaignsPerPeriod);
  for (let i = 0; i < periods * campaignsPerPeriod; i++) {
    const startSeconds = Math.floor(random.fraction() * startSecondsMax);
    const second = Math.floor((i % periods) * period) + startSeconds;
    const count = each * (0.5 + random.fraction());
    const perSecond = Math.ceil(count / length);
    const campaignSeconds = Math.ceil(count / perSecond);
    made.push({ tenant: tenantOf(), name: `c${i}`, second, seconds: campaignSeconds, perSecond });
  }
  return made;
}

function sizeOf(random: SeededRandom): number {
  return 400 + Math.floor(random.fraction() ** 8 * 16_000);
}

function sums(count: number, weightOf: (i: number) => number): Float64Array {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += weightOf(i);
    sums[i] = sum;
  }
  return sums;
}

/** The first whose sum is above this part of all. */
function pick(sums: Float64Array, part: number): number {
  const wanted = part * sums.at(-1)!;
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sums[middle]! > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}
