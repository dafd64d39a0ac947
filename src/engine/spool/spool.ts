/**
 * The spool actor of one shard: holds accepted messages until every recipient has a final outcome.
 *
 * Runs in:   engine thread that owns the shard.
 * Specs:     RFC 5321 §4.5.4 (queueing strategy), §6.1 (responsibility after 250).
 * Limits:    bodies in memory as the thread's `BodyBudget` allows (a cache: the rest is read from the journal again),
 *            `activeCountMax` messages in memory; what goes past waits in the index only, and new mail goes there
 *            from `freshShare` of it on, so that what waits gets its turn.
 * Invariant: a message leaves memory only when its done record is synced or its queue row is written; the sequence
 *            of the oldest message with neither holds the index's applied position back (`indexFloor`).
 */

import type { AcceptAnswer } from '../../actors/asks/reception.ts';
import type { PackedReceived } from '../../actors/asks/spool-asks.ts';
import { assert } from '../../base/assert.ts';
import { failureOf, MailError } from '../../base/errors.ts';
import type { MessageId, TenantId } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { JournalRecord, RecordDraft, RecordPlace, SideBody } from '../store/record.ts';
import type { BodyBudget } from './body-budget.ts';
import { DueReader, rowsPerClaimMax } from './due-reader.ts';
import type { MessageEvents } from './events.ts';
import type { InHand } from './in-hand.ts';
import { IndexingOrder } from './indexing-order.ts';
import { freshShare, replayedDoneMax, type SpoolLimits, spoolLimits } from './limits.ts';
import { type MadeMessage, madeDrafts } from './made.ts';
import type { SpoolMessage } from './message.ts';
import { countWaiting, earliestNextMs, releasedMs } from './message.ts';
import { queueKey, readyKeyOf, rowChanges, unpackRow } from './queue-rows.ts';
import { groupOf, ReadyReader } from './ready-reader.ts';
import type { PackedAccepted, PackedOrigin, QueueAct } from './records.ts';
import {
  acceptedDraft,
  acceptedOf,
  applyChange,
  changeDraft,
  messageOf,
  unpackAccepted,
  unpackChange,
} from './records.ts';
import { keyedDraft, Repeats } from './repeats.ts';
import type { SpoolShard } from './spool-shard.ts';

/** Starts the attempts of a message's due recipients; calls `settle` as outcomes come. */
export type Attempt = (spool: Spool, message: SpoolMessage) => void;

export interface SpoolParts {
  readonly clock: Clock;
  readonly events: MessageEvents;
  readonly attempt: Attempt;
  /** Shared by all spools of the thread. */
  readonly bodies: BodyBudget;
  /** Told how many messages it accepted that are neither done nor in the index, at each change. */
  readonly onUndelivered?: (count: number) => void;
  /** Told of each message that begins to wait here, and of its end. */
  readonly onWaiting?: (tenant: TenantId, by: 1 | -1) => void;
  readonly inHand: InHand;
  /** What waits under this name waits for a rule's end: no probe looks after it. */
  readonly isHeld?: (group: Uint8Array) => boolean;
  /** A rule holds some of what is open of it. */
  readonly isRuled?: (message: SpoolMessage) => boolean;
  readonly limits?: SpoolLimits;
}

export class Spool {
  readonly clock: Clock;
  readonly events: MessageEvents;
  readonly inHand: InHand;
  readonly #attempt: Attempt;
  readonly #limits: SpoolLimits;
  readonly #isHeld: (group: Uint8Array) => boolean;
  readonly #isRuled: (message: SpoolMessage) => boolean;
  readonly #onWaiting: (tenant: TenantId, by: 1 | -1) => void;
  readonly #bodies: BodyBudget;
  readonly #messages = new Map<MessageId, SpoolMessage>();
  readonly #unindexed: IndexingOrder;
  readonly #recording = new Set<Promise<unknown>>();
  /** Messages that replay found done: an ask for one may still come again. At most `replayedDoneMax`. */
  readonly #replayedDone = new Set<MessageId>();
  readonly repeats = new Repeats();
  #shard: SpoolShard | undefined;
  #due: DueReader | undefined;
  #ready: ReadyReader | undefined;
  #rowCount = 0;
  #isDraining = false;

  constructor(parts: SpoolParts) {
    this.clock = parts.clock;
    this.events = parts.events;
    this.inHand = parts.inHand;
    this.#attempt = parts.attempt;
    this.#bodies = parts.bodies;
    this.#unindexed = new IndexingOrder(parts.onUndelivered);
    this.#isHeld = parts.isHeld ?? (() => false);
    this.#isRuled = parts.isRuled ?? (() => false);
    this.#onWaiting = parts.onWaiting ?? (() => {});
    this.#limits = parts.limits ?? spoolLimits;
  }

  /** Its shard, once that is open. */
  get shard(): SpoolShard {
    assert(this.#shard !== undefined, 'the spool works once its shard is open');
    return this.#shard;
  }

  /** Messages with a recipient that waits. */
  get queuedCount(): number {
    return this.#unindexed.count + this.#rowCount;
  }

  get activeCount(): number {
    return this.#messages.size;
  }

  /** Lowest sequence that replay still needs; `Infinity` when the index holds everything. */
  indexFloor(): number {
    return this.#unindexed.floor();
  }

  /**
   * Journals a prepared message and starts its delivery. The answer is `ok` once its record is synced.
   * `body` is the spool's from here on.
   */
  accept(
    received: PackedReceived,
    tenant: TenantId,
    body: readonly Uint8Array[] | SideBody,
  ): Promise<AcceptAnswer> {
    const [, [id, receivedMs], , idempotency] = received;
    const accepted = acceptedOf(received);
    if (idempotency === undefined) {
      // The thread died between sync and answer, and the edge asks again: the journal has it already.
      const isKnown = this.isKnown(id as MessageId);
      return isKnown ? Promise.resolve({ ok: true }) : this.#commit(accepted, tenant, body);
    }
    return this.repeats.once(this.shard, idempotency, id, () =>
      this.#commit(accepted, tenant, body, keyedDraft(tenant, idempotency, id, receivedMs)),
    );
  }

  async #commit(
    accepted: PackedAccepted,
    tenant: TenantId,
    body: readonly Uint8Array[] | SideBody,
    keyed?: RecordDraft,
  ): Promise<AcceptAnswer> {
    const draft = acceptedDraft(tenant, accepted, body);
    try {
      const places = await this.shard.append(keyed === undefined ? [draft] : [draft, keyed]);
      const parts = 'segment' in body ? undefined : body;
      this.#admit(messageOf(accepted, tenant, places[0]!, parts), accepted[3]);
    } catch (error) {
      // What else an attempt throws is a bug, and ends the thread.
      if (!(error instanceof MailError)) throw error;
      return failureOf(error);
    }
    return { ok: true };
  }

  /** Their records are on disk, at these places: their delivery begins. To be called in that turn. */
  admitMade(made: readonly MadeMessage[], places: readonly RecordPlace[]): void {
    for (const [i, { tenant, accepted, body }] of made.entries()) {
      const parts = 'segment' in body ? undefined : body;
      this.#admit(messageOf(accepted, tenant, places[i]!, parts), accepted[3]);
    }
  }

  /** It was accepted here, as far as an ask for it may still come again. */
  isKnown(id: MessageId): boolean {
    if (this.#replayedDone.has(id) || this.#messages.has(id)) return true;
    return this.#rowCount > 0 && this.shard.get(queueKey(id)) !== undefined;
  }

  #admit(message: SpoolMessage, origin: PackedOrigin): void {
    this.events.accepted(message, origin);
    this.#onWaiting(message.tenant, 1);
    const dueMs = releasedMs(message);
    const isCrowded = this.#messages.size >= this.#limits.activeCountMax * freshShare;
    if (isCrowded || dueMs > this.clock.nowMs()) {
      message.parts = undefined;
      this.#writeRow(message);
      this.#due?.wakeAt(dueMs);
      return;
    }
    this.#messages.set(message.id, message);
    this.#unindexed.add(message);
    if (message.parts !== undefined && !this.#bodies.take(message.bytes)) message.parts = undefined;
    if (!this.#isDraining) this.#attempt(this, message);
  }

  /**
   * Records the present state of some recipients. Written in this turn, synced with the next parcel or at most 50 ms
   * later; a `bounce` that follows from it is accepted by the same parcel. Resolves when synced. A shard that was
   * fenced meanwhile is asked again, for the outcome is known and must not be forgotten. An operator waits for no
   * company to be synced with (`isUrgent`).
   */
  async record(
    message: SpoolMessage,
    indexes: readonly number[],
    bounce?: MadeMessage,
    act: QueueAct = '',
    isUrgent = act !== '',
  ): Promise<void> {
    // An operator may have ended it while an attempt was open.
    if (message.isDone) return;
    // One that an operator found by its row: until the change is journaled, nobody may read that row in its place.
    this.#messages.set(message.id, message);
    message.readyGroup = undefined;
    message.waitingCount = countWaiting(message);
    message.isDone = message.waitingCount === 0 && message.reportingCount === 0;
    const drafts = [changeDraft(message, indexes, this.clock.nowMs(), act)];
    if (bounce !== undefined) drafts.push(...madeDrafts([bounce]));
    const taken = this.#appendUntilTaken(drafts, isUrgent);
    this.#recording.add(taken);
    message.recordingCount++;
    const places = await taken.finally(() => {
      message.recordingCount--;
      this.#recording.delete(taken);
    });
    if (bounce !== undefined) this.admitMade([bounce], places.slice(1));
    // An earlier change may still be on its way, with a bounce: the body stays until all are there.
    if (message.isDone && message.recordingCount === 0) this.#finish(message);
    else if (message.isIndexed) this.#settleIndexed(message);
  }

  /**
   * As `record`, once the report on these outcomes is written. Outcomes of other recipients are recorded meanwhile;
   * the message is done with the last of them.
   */
  async recordWithReport(
    message: SpoolMessage,
    indexes: readonly number[],
    report: Promise<MadeMessage | undefined>,
    isUrgent = false,
  ): Promise<void> {
    if (message.isDone) return;
    this.#messages.set(message.id, message);
    message.waitingCount = countWaiting(message);
    message.reportingCount++;
    let bounce: MadeMessage | undefined;
    try {
      bounce = await report;
    } finally {
      // In the turn of `record`, or another report's outcome would be taken for the last.
      message.reportingCount--;
    }
    await this.record(message, indexes, bounce, '', isUrgent);
  }

  async #appendUntilTaken(drafts: readonly RecordDraft[], isUrgent: boolean) {
    for (;;) {
      try {
        return await (isUrgent ? this.shard.append(drafts) : this.shard.appendLazily(drafts));
      } catch (error) {
        const { code, detail } = failureOf(error);
        this.events.storeTrouble(code, detail);
        if (this.#isDraining) throw error;
        await new Promise<void>((resolve) => {
          this.clock.setTimer(1_000, resolve);
        });
      }
    }
  }

  #finish(message: SpoolMessage): void {
    // Its last two changes may have been synced by one parcel: both find that nothing more is to come.
    if (this.#messages.get(message.id) !== message) return;
    this.#drop(message);
    this.#onWaiting(message.tenant, -1);
    if (message.isIndexed) this.#rowCount--;
    this.#unindexed.settled(message);
    this.shard.releaseBody(message.place);
    this.events.done(message);
  }

  /** A message with a row leaves memory until it is due; one that is due already is tried. */
  #settleIndexed(message: SpoolMessage): void {
    if (message.openCount > 0 || message.recordingCount > 0 || message.reportingCount > 0) return;
    if (message.readyGroup !== undefined) {
      this.#drop(message);
      return;
    }
    const nextMs = earliestNextMs(message);
    if (!message.isHeld && nextMs <= this.clock.nowMs()) {
      if (!this.#isDraining) this.#attempt(this, message);
      return;
    }
    this.#drop(message);
    if (!message.isHeld) this.#due?.wakeAt(nextMs);
  }

  /** An attempt ended without an outcome to record. */
  attemptEnded(message: SpoolMessage): void {
    if (message.isIndexed && !message.isDone) this.#settleIndexed(message);
  }

  #drop(message: SpoolMessage): void {
    if (!this.#messages.delete(message.id)) return;
    this.dropBody(message);
  }

  dropBody(message: SpoolMessage): void {
    if (message.parts === undefined) return;
    this.#bodies.give(message.bytes);
    message.parts = undefined;
  }

  /** Sites had no room: the message waits in the index and tries again soon, without an attempt counted. */
  postpone(message: SpoolMessage, delayMs: number): void {
    const nextMs = this.clock.nowMs() + delayMs;
    for (const recipient of message.recipients) {
      if (recipient.state === 'waiting' && !recipient.isOpen) recipient.nextMs = nextMs;
    }
    this.#writeRow(message);
    this.#settleIndexed(message);
  }

  /** Some of its recipients wait till then, without an attempt counted; the others go on. */
  putOff(message: SpoolMessage, indexes: readonly number[], untilMs: number): void {
    for (const index of indexes) message.recipients[index]!.nextMs = untilMs;
    if (message.isIndexed) this.#writeRow(message);
  }

  /** Its site has no room, or a rule holds it: it waits in the index until that ends, without an attempt counted. */
  waitForRoom(message: SpoolMessage, site: string): void {
    const group = groupOf(site);
    message.readyGroup = group;
    this.#writeRow(message);
    this.#ready?.added(group, readyKeyOf(message, group), this.clock.nowMs());
    this.#settleIndexed(message);
  }

  /** There is room for `count` messages before a site; answers how many came: where any did, more may wait. */
  onRoom(site: string, count: number, tenant?: TenantId): number {
    if (this.#isDraining || this.#rowCount === 0 || this.#due === undefined) return 0;
    if (tenant !== undefined) return this.#ready!.pullOf(groupOf(site), tenant, count);
    const nowMs = this.clock.nowMs();
    const pulled = this.#ready!.pull(groupOf(site), count, nowMs);
    if (pulled === count) return count;
    // None waits under the site's name any more; what became due may be for it.
    const left = Math.min(count - pulled, rowsPerClaimMax);
    return pulled + this.#due.claim(nowMs, left).takenCount;
  }

  #takeReady(id: MessageId, row: Uint8Array): void {
    const message = unpackRow(id, row);
    message.readyGroup = undefined;
    this.#messages.set(id, message);
    this.#attempt(this, message);
  }

  #writeRow(message: SpoolMessage): void {
    const previous = this.shard.get(queueKey(message.id));
    this.shard.write(rowChanges(message, previous, this.shard.placeNow(message.place)));
    if (previous === undefined) this.#rowCount++;
    message.isIndexed = true;
    this.#unindexed.settled(message);
  }

  /** Gives queue rows to messages that waited `indexAfterMs`; called by the engine's timer, about twice a second. */
  sweep(): void {
    const nowMs = this.clock.nowMs();
    this.indexAccepted(nowMs - this.#limits.indexAfterMs);
    if (this.#isDraining) return;
    this.#due?.follow();
    if (this.#rowCount > 0) this.#ready?.probe(nowMs);
    this.repeats.forget(this.shard, nowMs);
  }

  /** Writes the rows of what was accepted up to then and still waits: the index is no longer held back for it. */
  indexAccepted(acceptedMs: number): void {
    this.#unindexed.each(acceptedMs, (message) => {
      this.#writeRow(message);
      this.dropBody(message);
      this.#settleIndexed(message);
    });
  }

  #takeDue(id: MessageId, row: Uint8Array): boolean {
    // One in memory may have become due there before its row was written; what it has open is not tried twice.
    const known = this.#messages.get(id);
    const message = known ?? unpackRow(id, row);
    this.#messages.set(id, message);
    this.#attempt(this, message);
    return known === undefined && message.readyGroup === undefined;
  }

  /** A message that is in memory: newer than its row. */
  active(id: MessageId): SpoolMessage | undefined {
    return this.#messages.get(id);
  }

  /** An operator stopped it, by itself or by a rule, since its attempt began. */
  isStopped(id: MessageId): boolean {
    const message = this.#messages.get(id);
    return message !== undefined && (message.isHeld || this.#isRuled(message));
  }

  /** A message by id: from memory, else from its row. */
  find(id: MessageId): SpoolMessage | undefined {
    const known = this.#messages.get(id);
    if (known !== undefined) return known;
    const row = this.shard.get(queueKey(id));
    return row === undefined ? undefined : unpackRow(id, row);
  }

  /** In memory, and certainly without a queue row. */
  isUnindexed(id: MessageId): boolean {
    const message = this.#messages.get(id);
    return message !== undefined && this.#shard !== undefined && !message.isIndexed;
  }

  /** Messages in memory without a queue row, oldest first: `queue list` shows them before the rows. */
  unindexed(): Iterable<SpoolMessage> {
    return this.#unindexed.messages();
  }

  /** Brings a message found by `find` into memory and tries it now. */
  attemptNow(message: SpoolMessage): void {
    assert(message.waitingCount > 0, 'only a waiting message can be tried');
    message.readyGroup = undefined;
    this.#messages.set(message.id, message);
    this.#attempt(this, message);
  }

  /** Replay: an accepted record after the index's applied position. */
  restoreAccepted(record: JournalRecord): void {
    const accepted = unpackAccepted(record);
    const message = messageOf(accepted, record.tenant, record.place, undefined);
    this.#messages.set(message.id, message);
    this.#unindexed.add(message);
    this.#onWaiting(message.tenant, 1);
  }

  /** Replay: a change; `apply` changes the message's row, where it has one. */
  restoreChange(record: JournalRecord, shard: Pick<SpoolShard, 'releaseBody'>): void {
    const change = unpackChange(record);
    const message = this.#messages.get(change[0] as MessageId);
    if (message === undefined) return;
    applyChange(message, change);
    if (message.waitingCount > 0) return;
    this.#forget(message);
    // Here and not later: only while it opens does the shard know which bodies it has counted yet.
    shard.releaseBody(message.place);
    if (this.#replayedDone.size < replayedDoneMax) this.#replayedDone.add(message.id);
  }

  #forget(message: SpoolMessage): void {
    this.#onWaiting(message.tenant, -1);
    this.#messages.delete(message.id);
    this.#unindexed.settled(message);
  }

  /** At open: a row that waits in the index. */
  countRow(tenant: TenantId): void {
    this.#rowCount++;
    this.#onWaiting(tenant, 1);
  }

  /** The shard is open and replay is over: everything unfinished is tried. */
  start(shard: SpoolShard): void {
    this.#shard = shard;
    const hasRoom = () => this.#messages.size < this.#limits.activeCountMax;
    this.#due = new DueReader(shard, this.clock, {
      take: (id, row) => this.#takeDue(id, row),
      hasRoom,
    });
    this.#ready = new ReadyReader(shard, {
      take: (id, row) => this.#takeReady(id, row),
      hasRoom,
      isOut: (id) => this.#messages.has(id),
      isHeld: this.#isHeld,
    });
    for (const message of [...this.#messages.values()]) {
      // One with a row is the row's: it comes by its due instant.
      if (shard.get(queueKey(message.id)) !== undefined) this.#forget(message);
      else if (!this.#isDraining) this.#attempt(this, message);
    }
    if (!this.#isDraining) this.#due.follow();
  }

  /** No new attempts from here on; open ones go on. */
  drain(): void {
    this.#isDraining = true;
    this.#due?.stop();
  }

  /** Resolves when every outcome known so far is synced. */
  async settled(): Promise<void> {
    while (this.#recording.size > 0) await Promise.allSettled([...this.#recording]);
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }
}
