/**
 * Operators' asks about what holds mail back: of one message, and of the sites it goes to.
 *
 * Runs in: both sides; plain data only.
 */

import type { ResponseClass } from '../../mail/wire/smtp/response-class.ts';
import type { Mark, PathStand, ShownLimit } from './shaping-asks.ts';

export const explainAsks = {
  /** meta: a message id; answer: `MessageReasons`. */
  message: 'queue.explain',
  /** meta: a domain, or a site's name; answer: `SitesAnswer`, of the thread that owns the shard. */
  sites: 'queue.sites',
} as const;

export type HoldReason =
  | 'held' // by an operator
  | 'suspended' // by a rule of operators, until it ends
  | 'future-release' // by its sender, until an instant
  | 'retry' // till the next attempt, by the reason the last one failed
  | 'warm-up' // its pool's sources have sent their day's plan: till the next day
  | 'site-full' // more waits for its site than is kept in memory: it comes when there is room
  | 'path-suspended' // no mail goes this way until an instant, by a rule or an operator
  | 'site-queue' // in its site's queue, or being sent
  | 'due'; // about to be tried

export interface RecipientReason {
  readonly address: string;
  readonly reason: HoldReason;
  /** Epoch milliseconds; absent where no clock says. */
  readonly untilMs?: number;
  readonly attemptCount: number;
  readonly lastReply: string;
  readonly why?: ResponseClass;
  /** Number of the rule that holds it, where one does. */
  readonly rule?: number;
  /** The setting behind it. */
  readonly setting?: string;
  /** As this thread knows it; absent for an account's copy, and where no look-up was made yet. */
  readonly site?: SiteFacts;
}

export interface MessageReasons {
  readonly id: string;
  readonly tenant: number;
  readonly priority: number;
  readonly campaign: string;
  readonly expiresMs: number;
  /** Those that wait. */
  readonly recipients: readonly RecipientReason[];
}

/** A path (a site, and the source mail leaves to it by) as one thread sees it. */
export interface SiteFacts {
  /** The site's where no sources are set, else with the source's behind it. */
  readonly name: string;
  readonly source: string;
  /** Messages in its queue, and what they may be. */
  readonly waitingCount: number;
  readonly waitingMax: number;
  readonly connectionCount: number;
  readonly idleCount: number;
  /** Connections being opened, waits for a slot included. */
  readonly openingCount: number;
  /** `relay.connectionsPerSiteMax`, over all threads. */
  readonly connectionsMax: number;
  /** Mean milliseconds of a message over a connection. */
  readonly serviceMs: number;
  /** No attempt before; 0: it is not down. Epoch milliseconds. */
  readonly downUntilMs: number;
  readonly downReply: string;
  /** It takes no more connections before; 0: it does. Epoch milliseconds. */
  readonly noGrowthUntilMs: number;
  readonly shaping: ShapingFacts;
  readonly targets: readonly {
    readonly host: string;
    readonly address: string;
    /** Failed lately: the others go first until then. */
    readonly badUntilMs: number;
  }[];
}

/** What shaping makes of a path. */
export interface ShapingFacts {
  /** "" for none that is known. */
  readonly provider: string;
  readonly limits: readonly ShownLimit[];
  /** Suspensions and the like that hold now. */
  readonly marks: readonly Mark[];
  /** Absent: as many connections as limits let it have. */
  readonly stand?: PathStand;
}

export interface SitesAnswer {
  /** Threads answer once a shard: one that was heard needs no second answer. */
  readonly thread: string;
  readonly sites: readonly SiteFacts[];
}
