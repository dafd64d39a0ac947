/**
 * The shards a thread owns, opened and closed by asks of the edge.
 *
 * Runs in:   engine threads.
 * Invariant: a shard is in the map exactly while its store is open; `close` resolves when nothing of it is in flight.
 */

import type { Answer, Handled } from '../actors/ask.ts';
import type { PackedReceived } from '../actors/asks/spool-asks.ts';
import type { ShardOpened } from '../actors/asks/system.ts';
import { AssertionError } from '../base/assert.ts';
import { failureOf } from '../base/errors.ts';
import type { ShardId, TenantId } from '../base/ids.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { EventLog } from './events/event-log.ts';
import type { JournalFollower } from './events/journal-follower.ts';
import type { ShardEvents } from './events/message-events.ts';
import { shredLeftOver } from './key-handlers.ts';
import type { History } from './mailbox/history.ts';
import type { ImapDesk } from './mailbox/imap/desk.ts';
import type { Mailboxes } from './mailbox/mailboxes.ts';
import type { Quarantine } from './mailbox/quarantine/quarantine.ts';
import type { ImapScripts } from './mailbox/sieve/imap-scripts.ts';
import type { ScriptShelf } from './mailbox/sieve/shelf.ts';
import type { Snoozes } from './mailbox/snooze/snoozes.ts';
import type { Lessons } from './mailbox/spam/lessons.ts';
import type { MessageToPrepare } from './pipeline/prepare.ts';
import type { Spool } from './spool/spool.ts';
import type { Shard } from './store/shard.ts';
import type { KeyRing } from './store/vault/key-ring.ts';

/** One open shard with its actors. */
export interface OpenShard {
  readonly store: Shard;
  readonly spool: Spool;
  readonly mailboxes: Mailboxes;
  readonly imap: ImapDesk;
  readonly history: History;
  /** Of its accounts. */
  readonly scripts: ScriptShelf;
  readonly quarantine: Quarantine;
  readonly snoozes: Snoozes;
  readonly lessons: Lessons | undefined;
  readonly imapScripts: ImapScripts | undefined;
  /** Of its encrypted accounts. */
  readonly keys: KeyRing;
  readonly eventLog: EventLog;
  readonly follower: JournalFollower;
  readonly events: ShardEvents;
  /** Accepts a message whose recipients are all accounts of this shard: their journal is its only one. */
  deliverHere(
    message: MessageToPrepare,
    packed: PackedReceived,
    parts: readonly Uint8Array[],
  ): Handled;
}

export type OpenShardFunction = (shard: ShardId) => Promise<OpenShard>;

/** How often spools look for messages to index and for due ones, and accounts for what was expunged long ago. */
const sweepMs = 500;
/** Of room before a site, what a spool is asked for at least: a look costs as much as some messages. */
const shareMin = 32;

export class Shards {
  readonly #open: OpenShardFunction;
  readonly #clock: Clock;
  /** No attempt is made. */
  readonly #isOffline: boolean;
  readonly #shards = new Map<ShardId, OpenShard>();
  #timer: Timer | undefined;
  /** Which spool is asked first. */
  #roomTurn = 0;

  constructor(open: OpenShardFunction, clock: Clock, isOffline: boolean) {
    this.#isOffline = isOffline;
    this.#open = open;
    this.#clock = clock;
  }

  get(shard: ShardId): OpenShard | undefined {
    return this.#shards.get(shard);
  }

  sum(measure: (shard: OpenShard) => number): number {
    let sum = 0;
    for (const shard of this.#shards.values()) sum += measure(shard);
    return sum;
  }

  /**
   * There is room for `count` messages before a site, of one tenant where it is named: spools share it, in turn. False:
   * none waited for it.
   */
  onRoom(site: string, count: number, tenant?: TenantId): boolean {
    const spools = [...this.#shards.values()].map(({ spool }) => spool);
    const first = this.#roomTurn++ % Math.max(1, spools.length);
    let left = count;
    for (let i = 0; i < spools.length && left > 0; i++) {
      const share = Math.min(left, Math.max(shareMin, Math.ceil(left / (spools.length - i))));
      left -= spools[(first + i) % spools.length]!.onRoom(site, share, tenant);
    }
    return left < count;
  }

  async open(shard: ShardId): Promise<Answer> {
    if (this.#shards.has(shard)) return { ok: true, value: undefined };
    try {
      const opened = await this.#open(shard);
      this.#shards.set(shard, opened);
      // An outcome that cannot be recorded would be delivered again after each start.
      const { readOnlyReason } = opened.store.status();
      if (this.#isOffline || readOnlyReason !== undefined) opened.spool.drain();
      opened.mailboxes.start(opened.store);
      opened.spool.start(opened.store);
      if (readOnlyReason === undefined) await shredLeftOver(opened);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      return failureOf(error);
    }
    this.#timer ??= this.#clock.setTimer(sweepMs, () => this.#sweep());
    const isReadOnly = this.#shards.get(shard)?.store.status().readOnlyReason !== undefined;
    return { ok: true, value: { isReadOnly } satisfies ShardOpened };
  }

  /** Stops attempts, waits for what is in flight and for the index, and closes the journal. */
  async close(shard: ShardId): Promise<Answer> {
    const opened = this.#shards.get(shard);
    if (opened === undefined) return { ok: true, value: undefined };
    opened.spool.drain();
    await opened.spool.settled();
    this.#shards.delete(shard);
    opened.imap.close();
    opened.quarantine.close();
    opened.imapScripts?.close();
    await opened.follower.close();
    await opened.eventLog.close();
    await opened.store.close();
    if (this.#shards.size === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
    return { ok: true, value: undefined };
  }

  #sweep(): void {
    for (const { spool, imap, history, quarantine, snoozes, lessons } of this.#shards.values()) {
      spool.sweep();
      imap.kept.sweep();
      history.sweep();
      quarantine.sweep();
      snoozes.sweep();
      lessons?.sweep();
    }
    this.#timer = this.#clock.setTimer(sweepMs, () => this.#sweep());
  }
}
