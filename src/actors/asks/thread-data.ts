/**
 * What every engine thread is given when it starts, cloned as its `workerData`.
 *
 * Runs in: both sides; plain data only.
 */

import type { Settings } from '../../settings/schema.ts';

/** What a shard takes of `inHand`: an id, and 16 ids with a count each (`engine/spool/in-hand.ts`). */
export const inHandBytes = 16 + 16 * 17;

export interface ThreadData {
  readonly settings: Settings;
  /** Of the data folder. */
  readonly shards: number;
  /** One word per shard: the epoch that may write to it. */
  readonly epochs: SharedArrayBuffer;
  /** One word per shard: messages its spool accepted that are neither done nor in its index. */
  readonly undelivered: SharedArrayBuffer;
  /** Messages that wait, by shard and tenant (`ShardWaiting`). */
  readonly waiting: SharedArrayBuffer;
  /** `inHandBytes` per shard: which message its thread had under its hands when it died. */
  readonly inHand: SharedArrayBuffer;
  /** Accounts whose changes somebody waits for (`actors/watched.ts`). */
  readonly watched: SharedArrayBuffer;
  /** A number for each account that moves with its changes (`actors/stamps.ts`). */
  readonly stamps: SharedArrayBuffer;
  /** Counts of tenants with suppressed addresses (`base/tenant-words.ts`). */
  readonly suppressedTenants: SharedArrayBuffer;
  /** Connections each thread has open to each site (`actors/open-slots.ts`). */
  readonly openSlots: SharedArrayBuffer;
  /** Random bits of this start of the process: message ids made by different threads must differ. */
  readonly startBits: number;
  /** Threads that own shards: budgets are divided among them. */
  readonly workers: number;
  /** Password of `relay.user`, "" for none. */
  readonly relayPassword: string;
  /** Passwords of proxies, by source. */
  readonly sourcePasswords: Readonly<Record<string, string>>;
  /** Variables that may hold keys (`settings/key-references.ts`). */
  readonly keyVariables: Readonly<Record<string, string>>;
  /** PEM of `relay.caFile`, "" for none. */
  readonly relayRoots: string;
  /** Addresses we listen on for mail: an MX that leads there leads to us. */
  readonly ownAddresses: readonly string[];
  /** No mail leaves: a command opened a stopped store. */
  readonly isOffline: boolean;
}
