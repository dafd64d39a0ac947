/**
 * What one who has mail for a site is given by it: slots for connections, tokens for messages.
 *
 * Runs in: engine threads; lent by the site's owner through `site-borrower.ts`.
 */

/** Who has mail for a site. */
export interface SiteUser {
  readonly waitingCount: number;
  /** Adds what waits and what was served since the last call, by tenant. */
  tell(tenants: Map<number, { waiting: number; served: number }>): void;
  /** How to weigh these tenants from now on; those not named are as the heaviest. */
  weigh(weights: ReadonlyMap<number, number>): void;
  /** Tokens came: messages that were held back may go. */
  onTokens(): void;
}

/** Says which messages may begin. */
export interface Gate {
  /** False for want of a token, which is asked for. */
  isOpen(tenant: number, campaign: string): boolean;
  /** One begins: only where it is open. */
  spend(tenant: number, campaign: string): void;
}

/** What all threads know of whether a site can be reached. */
export interface SiteReach {
  /** A connection is ready, or a message was answered. */
  note(): void;
  /** The second of the epoch in which this thread or another noted that; 0: none did. */
  readonly second: number;
}

/** A user's hold on one site. */
export interface SiteLease {
  /** Asks for one connection slot. `granted` is called at once, later, or never. */
  request(granted: () => void): void;
  /** A slot that was granted is given back exactly once, when its connection has ended. */
  release(): void;
  /** Asks to dial a host, by a slot it has: each time anew, for connections have a rate. `granted` as with `request`. */
  dial(granted: () => void, host: string): void;
  /** A dial that was granted has failed, or its connection has ended: once for each. */
  undial(host: string): void;
  /**
   * How many of the slots granted others wait for and should have. Whoever holds them ends so many connections, idle
   * ones now and busy ones after their message: without that, a thread's idle connections would keep another's mail.
   */
  readonly excess: number;
  /** How many connections of this thread wait for what idle ones here hold. Absent: none can. */
  readonly awaitedCount?: number;
  /** Undefined while no rate binds the site's messages. */
  readonly gate: Gate | undefined;
  /** Undefined: nobody shares the site. */
  readonly reach?: SiteReach | undefined;
  /** The user has gone. */
  leave(): void;
}

export interface SiteLeases {
  /** `way`: what is told of reaching it is told to those of the same way; the site where it is absent. */
  join(site: string, user: SiteUser, way?: string): SiteLease;
}

/** Which named buckets a message needs a token of, besides its site's; undefined where no site's message needs one. */
export type BucketsOf = (site: string) => BucketsOfMessage | undefined;
export type BucketsOfMessage = (tenant: number, campaign: string) => readonly string[];
