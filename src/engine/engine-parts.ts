/**
 * What an engine thread is built on: ports and facts, handed in by `workers/shards.ts`.
 *
 * Runs in: engine threads.
 */

import type { AskUpwards } from '../actors/ask.ts';
import type { MessageIdSource, ShardId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import type { Clock } from '../ports/clock.ts';
import type { Dialer } from '../ports/dialer.ts';
import type { Disk } from '../ports/disk.ts';
import type { Dns } from '../ports/dns.ts';
import type { KeySource } from '../ports/key-source.ts';
import type { Random } from '../ports/random.ts';
import type { ShardIndex } from '../ports/shard-index.ts';
import type { SuppressionReader } from '../ports/suppressions.ts';
import type { Settings } from '../settings/schema.ts';
import type { AskedScanner } from './pipeline/scan.ts';

export interface EngineParts {
  readonly settings: Settings;
  readonly disk: Disk;
  readonly openIndex: (shard: ShardId) => Promise<ShardIndex>;
  readonly clock: Clock;
  readonly random: Random;
  readonly dns: Dns;
  readonly dialer: Dialer;
  /** Tenant keys, which wrap the data keys of encrypted accounts. */
  readonly keySource: KeySource;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly ids: MessageIdSource;
  /** Of the data folder. */
  readonly shards: number;
  /** Its number among all threads. */
  readonly thread: number;
  /** Names this life of the thread. */
  readonly life: string;
  readonly workers: number;
  /** Password of `relay.user`, "" for none. */
  readonly relayPassword: string;
  /** Passwords of proxies, by source. */
  readonly sourcePasswords: Readonly<Record<string, string>>;
  /** Addresses we listen on for mail: an MX that leads there leads to us. */
  readonly ownAddresses: readonly string[];
  /** No mail leaves: a command opened a stopped store. */
  readonly isOffline: boolean;
  /** One word per shard: its current epoch. */
  readonly epochs: SharedArrayBuffer;
  /** One word per shard: messages its spool accepted that are neither done nor in its index. */
  readonly undelivered: SharedArrayBuffer;
  /** Messages that wait, by shard and tenant (`ShardWaiting`). */
  readonly waiting: SharedArrayBuffer;
  /** `inHandBytes` per shard: outlives the threads. */
  readonly inHand: SharedArrayBuffer;
  /** Accounts whose changes somebody waits for. */
  readonly watched: SharedArrayBuffer;
  /** A number for each account that moves with its changes. */
  readonly stamps: SharedArrayBuffer;
  /** Absent: nobody is suppressed. */
  readonly suppressions?: SuppressionReader;
  /** In their order; absent: nobody looks at mail. */
  readonly scanners?: readonly AskedScanner[];
  /** Connections each thread has open to each site. */
  readonly openSlots: SharedArrayBuffer;
  readonly uplink: AskUpwards;
  /** A fact for the main thread, answered by nobody. */
  readonly notice: (name: string, value: unknown) => void;
}

export function shardFolder(dataFolder: string, shard: ShardId): string {
  return `${dataFolder}/shards/${String(shard).padStart(3, '0')}`;
}

export function shardIndexFolder(dataFolder: string, shard: ShardId): string {
  return `${shardFolder(dataFolder, shard)}/index`;
}

/** An ask waits no longer for the outside. The engine ends such waits itself; this is for one that never comes back. */
export function answerMsMax({ verification, scanners }: Settings): number {
  const scansMs = scanners.list.reduce((sum, { msMax }) => sum + msMax, 0);
  return 2 * verification.verdictMsMax + scansMs + 30_000;
}
