/**
 * A rule of operators that keeps mail back: what waits now, and what is still to come.
 *
 * Runs in: anywhere; plain data.
 */

/** All that is given must hold; at least one thing is given. */
export interface HoldFilter {
  /** Its number, and its name for those who read. */
  readonly tenant?: { readonly id: number; readonly name: string };
  /** "" is mail of no campaign. */
  readonly campaign?: string;
  /** The envelope's; "" is the null sender. */
  readonly sender?: string;
  /** Of a recipient, in lower case. */
  readonly domain?: string;
  /** Of a recipient, in lower case. */
  readonly recipient?: string;
}

export interface HoldRule {
  /** From 1 up, given out once. */
  readonly id: number;
  readonly filter: HoldFilter;
  readonly createdMs: number;
  /** It ends by itself then; 0: when an operator ends it. */
  readonly untilMs: number;
  readonly note: string;
  /** Its own tenant made it, and may end it. */
  readonly isByTenant?: boolean;
}

/** All of them are looked at for each attempt. */
export const holdRulesMax = 100;
/** Of one tenant, made by itself. */
export const holdRulesPerTenantMax = 10;
/** Made by tenants: the rest is for operators. */
export const holdRulesOfTenantsMax = 50;
