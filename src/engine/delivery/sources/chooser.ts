/**
 * Chooses what a message leaves by: of its pool, the nearest source that may be used, reaches the site, and has some of
 * its day left.
 *
 * Runs in:   engine threads; one per thread.
 * Invariant: a new source is chosen only for a message that was counted against its plan.
 */

import type { SourcesSnapshot } from '../../../actors/asks/source-asks.ts';
import { assert } from '../../../base/assert.ts';
import { dayMs, hourMs } from '../../../base/units.ts';
import type { Reply } from '../../../mail/wire/smtp/reply-reader.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Random } from '../../../ports/random.ts';
import type { Settings } from '../../../settings/schema.ts';
import type { ExpectedMessage, OutboundMessage } from '../message.ts';
import { ownReply } from '../message.ts';
import type { Resolved } from '../route.ts';
import { type Allowance, type Allowances, dayOf } from './allowances.ts';
import { distance, hashOf, type Pool, Pools } from './pools.ts';
import { reaches, type Source } from './source.ts';
import type { Hindrance, SourceStates } from './source-states.ts';

export type Choice =
  /** `allowance`: one message of it was taken. */
  | { readonly do: 'leave'; readonly source: Source; readonly allowance?: Allowance }
  /** It is not known yet whether anything is left: choose again once it is. */
  | { readonly do: 'ask'; readonly allowance: Allowance }
  | { readonly do: 'defer'; readonly reply: Reply; readonly notBeforeMs?: number };

export interface SourceChooserOptions {
  readonly relay: Pick<Settings['relay'], 'pools' | 'pool' | 'poolRules' | 'warmupPlan'>;
  readonly sources: readonly Source[];
  readonly states: SourceStates;
  readonly allowances: Allowances;
  readonly clock: Clock;
  readonly random: Random;
  /** The set of sites that share reputation: a plan is a provider's. */
  readonly providerOf: (site: string) => string;
}

/** What may be used, and what keeps the others back. */
interface Hindrances {
  warmup: boolean;
  unreached: boolean;
  suspended: Extract<Hindrance, { is: 'suspended' }> | undefined;
  down: { readonly source: string; readonly reply: Reply } | undefined;
}

interface Nearest {
  readonly source: Source | undefined;
  readonly allowance: Allowance | undefined;
  readonly found: Hindrances;
}

/** What the reply to a message says that waits for another day: 4.4.5 is congestion (RFC 3463 §3.5), ours. */
export const planSentWords = 'Sources that warm up have sent their day’s plan to';

/** After midnight, mail that waited for it comes within this time, not at once. */
const morningMs = hourMs;

export class SourceChooser {
  readonly states: SourceStates;
  readonly #options: SourceChooserOptions;
  readonly #pools: Pools;
  /** Made once: most choices are one of these. */
  readonly #choices = new Map<Source, Choice>();
  #warmingFrom: SourcesSnapshot['warmingFrom'] = {};

  constructor(options: SourceChooserOptions) {
    assert(options.sources.length > 0, 'there is a source to choose');
    this.#options = options;
    this.states = options.states;
    this.#pools = new Pools(options.relay, options.sources);
    for (const source of options.sources) this.#choices.set(source, { do: 'leave', source });
  }

  apply(snapshot: SourcesSnapshot): void {
    this.#warmingFrom = snapshot.warmingFrom;
    this.#pools.know(snapshot.tenants);
    this.states.apply(snapshot);
  }

  onTick(): void {
    this.#options.allowances.onTick();
  }

  groupOf(domain: string): string {
    return this.#pools.groupOf(domain);
  }

  /** Whether mail that waits for this source should not leave by it any more. */
  isHindered(source: string, site: string): boolean {
    return this.states.hindrance(source, site) !== undefined;
  }

  /** What `choose` would most likely answer; nothing is counted. Undefined: it will not leave now. */
  expect(message: ExpectedMessage, domain: string, resolved: Resolved): Source | undefined {
    return this.#nearest(message, this.#pools.of(message, domain), resolved).source;
  }

  /** For mail of one domain, in lower case, to its site. */
  choose(message: OutboundMessage, domain: string, resolved: Resolved): Choice {
    const pool = this.#pools.of(message, domain);
    const { source, allowance, found } = this.#nearest(message, pool, resolved);
    if (source === undefined) return this.#defer(pool, resolved.site, found);
    if (allowance === undefined) return this.#choices.get(source)!;
    return allowance.take() ? { do: 'leave', source, allowance } : { do: 'ask', allowance };
  }

  #nearest(message: ExpectedMessage, pool: Pool, { site, targets }: Resolved): Nearest {
    const { states } = this.#options;
    const messageHash = hashOf(message.id);
    const found: Hindrances = {
      warmup: false,
      unreached: false,
      suspended: undefined,
      down: undefined,
    };
    let nearest: Source | undefined;
    let nearestAllowance: Allowance | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const member of pool.members) {
      const far = distance(messageHash, member);
      if (far >= least) continue;
      const { source } = member;
      const hindrance = states.hindrance(source.name, site);
      if (hindrance !== undefined) {
        note(found, source, hindrance);
        continue;
      }
      if (!targets.some(({ address }) => reaches(source, address))) {
        found.unreached = true;
        continue;
      }
      const allowance = this.#allowanceOf(source, site);
      if (allowance?.isNone === true) {
        found.warmup = true;
        continue;
      }
      [nearest, nearestAllowance, least] = [source, allowance, far];
    }
    return { source: nearest, allowance: nearestAllowance, found };
  }

  /** Undefined for a source that is warm. */
  #allowanceOf(source: Source, site: string): Allowance | undefined {
    if (source.warmsUp !== true) return undefined;
    const { relay, clock, allowances, providerOf } = this.#options;
    const fromDay = this.#warmingFrom[source.name];
    // Until the main thread has said, it is new: that asks.
    const isWarm = fromDay !== undefined && dayOf(clock) - fromDay >= relay.warmupPlan.length;
    return isWarm ? undefined : allowances.of(source.name, providerOf(site));
  }

  /** What most likely ends first is said. */
  #defer({ name }: Pool, site: string, found: Hindrances): Choice {
    const { clock, random, providerOf } = this.#options;
    if (found.warmup) {
      const text = `${planSentWords} ${providerOf(site)} (pool ${name}): on after midnight UTC`;
      const midnightMs = (dayOf(clock) + 1) * dayMs;
      const notBeforeMs = midnightMs + Math.floor(random.fraction() * morningMs);
      return { do: 'defer', reply: ownReply(451, '4.4.5', text), notBeforeMs };
    }
    if (found.down !== undefined) {
      const { source, reply } = found.down;
      return {
        do: 'defer',
        reply: ownReply(451, '4.4.1', `Source ${source} is down: ${reply.text}`),
      };
    }
    if (found.suspended !== undefined) {
      const { untilMs } = found.suspended;
      const reply = ownReply(451, '4.3.2', `All sources of pool ${name} are suspended`);
      return { do: 'defer', reply, ...(untilMs === undefined ? {} : { notBeforeMs: untilMs }) };
    }
    const text = `No source of pool ${name} has an address of the next hop's family`;
    return { do: 'defer', reply: ownReply(451, '4.4.1', text) };
  }
}

function note(found: Hindrances, { name }: Source, hindrance: Hindrance): void {
  if (hindrance.is === 'down') {
    found.down = { source: name, reply: hindrance.reply };
    return;
  }
  const known = found.suspended?.untilMs ?? Number.POSITIVE_INFINITY;
  if (found.suspended === undefined || (hindrance.untilMs ?? known) < known) {
    found.suspended = hindrance;
  }
}
