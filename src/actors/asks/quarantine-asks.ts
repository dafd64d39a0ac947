/**
 * Asks about accounts' quarantines, packed.
 *
 * Runs in:   both sides; plain data only.
 * Invariant: the actor of each but `due` is the account (`accountActor`). What is answered is on disk.
 */

export const quarantineAsks = {
  /** meta: `PackedHeldList`. Answer: `HeldList`. */
  list: 'quarantine.list',
  /** meta: `[account, id]`. Answer: `HeldText`; body: the message, its first `heldTextBytesMax` bytes. */
  text: 'quarantine.text',
  /** meta: `PackedHeldIds`. Answer: `Released`: they are in INBOX, those that are not there are not counted. */
  release: 'quarantine.release',
  /** meta: `PackedHeldIds`. Answer: how many were there, and are not any more. */
  remove: 'quarantine.remove',
  /** meta: `[fromAccount]`, of the shard. Answer: `HeldDue`. */
  due: 'quarantine.due',
  /**
   * meta: `[account, tenant, day, uidMax]`, before a digest is sent. Answer: up to which message that day's tells, which
   * is what was said first.
   */
  telling: 'quarantine.telling',
  /** meta: `[account, tenant, uidMax]`: those up to it are told of in no digest any more. */
  told: 'quarantine.told',
  /** meta: `[account]`. Answer: the levels it says, as `SpamLevels`. */
  levels: 'quarantine.levels',
  /** meta: `PackedOwnLevels`. Answer: nothing. */
  setLevels: 'quarantine.setLevels',
  /** meta: `[account]`. Answer: `TaughtSpam`. */
  taught: 'quarantine.taught',
  /** meta: `[account, tenant]`: all it taught is gone. */
  forget: 'quarantine.forget',
  /** meta: `[tenant]`. Answer: `TenantTaught`, of the shard that is asked. */
  tenantTaught: 'quarantine.tenant-taught',
  /** meta: `[tenant]`: all its accounts on the shard taught is gone. */
  forgetTenant: 'quarantine.forget-tenant',
} as const;

/** -1: the level above says. */
export type PackedOwnLevels = readonly [
  account: number,
  tenant: number,
  junkPercent: number,
  quarantinePercent: number,
];

/** Examples an account gave of either kind, and keeps. */
export interface TaughtSpam {
  readonly ham: number;
  readonly spam: number;
}

export interface TenantTaught extends TaughtSpam {
  /** That taught anything. */
  readonly accounts: number;
}

export type HeldKind = 'spam' | 'policy';

export type PackedHeldList = readonly [
  account: number,
  /** From this message on. */
  fromId: number,
  /** In sender or subject, whatever the case; "": all. */
  search: string,
  /** Only those no digest told of. */
  isNew: boolean,
];

export interface HeldMessage {
  /** Its UID in the quarantine: for as long as it is there. */
  readonly id: number;
  readonly kind: HeldKind;
  readonly heldMs: number;
  readonly untilMs: number;
  readonly bytes: number;
  /** Of its header. */
  readonly from: string;
  readonly subject: string;
  /** Of its envelope. */
  readonly sender: string;
  /** Who says so, and its worst score in percent of what is spam; absent: none. */
  readonly scanner: string;
  readonly percent?: number;
}

/** The oldest first. */
export interface HeldList {
  readonly messages: readonly HeldMessage[];
  /** Where the next list begins; absent: that was all. */
  readonly next?: number;
}

export type PackedHeldIds = readonly [
  account: number,
  tenant: number,
  ids: readonly number[],
  /** Those of kind `policy` too. */
  isForced: boolean,
];

export interface Released {
  readonly count: number;
  /** There, and not released: of kind `policy`. */
  readonly refused: number;
}

export interface HeldText {
  readonly bytes: number;
}

/** Accounts with messages that no digest told of, in order of number. */
export interface HeldDue {
  readonly accounts: readonly (readonly [account: number, tenant: number, newCount: number])[];
  /** Where the next page begins; absent: that was all. */
  readonly next?: number;
}

export const heldTextBytesMax = 1_048_576;
/** Of one ask. */
export const heldIdsMax = 1_000;
