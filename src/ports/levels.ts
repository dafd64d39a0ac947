/**
 * Limits that are set on one level and hold below it: server, tenant, domain, account. The nearest counts that is set,
 * but none past what the operator lets accounts of the tenant have at most.
 *
 * Runs in: anywhere; plain data.
 */

import type { TenantId } from '../base/ids.ts';

/** What an account has of its own, or from the nearest level above it that says. */
export const inheritables = ['quotaBytes', 'quotaMessages'] as const;
export type Inheritable = (typeof inheritables)[number];

/** What each account below may hold; absent: the level above says. 0 is no limit. */
export interface AccountLevel {
  readonly accountQuotaBytes?: number;
  readonly accountQuotaMessages?: number;
}

/** Of a tenant or a domain. */
export interface Level extends AccountLevel {
  /** Accounts that may be in it; absent or 0: no limit. */
  readonly accountsMax?: number;
}

/** Of a tenant, whoever sets what below it; absent or 0: no such bound. Operators alone set these. */
export interface Ceilings {
  /** No account holds more bytes, one that says it has no limit neither. */
  readonly accountQuotaBytesMax?: number;
  readonly accountQuotaMessagesMax?: number;
}

/** What becomes of mail by its score, as a percentage of what its scanner calls spam; 0: that never happens. */
export interface SpamLevels {
  /** From here on it goes to Junk. */
  readonly junkPercent: number;
  /** From here on it is kept apart. */
  readonly quarantinePercent: number;
  /** From here on it is refused, where all its recipients have it so. */
  readonly rejectPercent: number;
}

/** A level was set, and shards may not know yet what accounts below it inherit. Without a tenant and a domain: all. */
export interface Spread {
  readonly id: number;
  readonly tenant?: TenantId;
  readonly domain?: string;
}

export type LevelName = 'account' | 'domain' | 'tenant' | 'server';

const levelOf = {
  quotaBytes: 'accountQuotaBytes',
  quotaMessages: 'accountQuotaMessages',
} as const satisfies Record<Inheritable, keyof AccountLevel>;

const ceilingOf = {
  quotaBytes: 'accountQuotaBytesMax',
  quotaMessages: 'accountQuotaMessagesMax',
} as const satisfies Record<Inheritable, keyof Ceilings>;

/** What is left of a limit under the tenant's ceiling, and who says so; 0: no limit, and there is no ceiling. */
export function underCeiling(
  name: Inheritable,
  [value, from]: readonly [value: number, from: LevelName],
  ceilings: Ceilings | undefined,
): readonly [value: number, from: LevelName] {
  const most = ceilings?.[ceilingOf[name]] ?? 0;
  const isBound = most > 0 && (value === 0 || value >= most);
  return isBound ? [most, 'tenant'] : [value, from];
}

/** What counts and where it stands. `levels` from the nearest to the farthest; nobody says: no limit. */
export function inherited(
  name: Inheritable,
  levels: readonly (readonly [LevelName, AccountLevel | undefined])[],
): readonly [value: number, from: LevelName] {
  for (const [from, level] of levels) {
    const value = level?.[levelOf[name]];
    if (value !== undefined) return [value, from];
  }
  return [0, 'server'];
}
