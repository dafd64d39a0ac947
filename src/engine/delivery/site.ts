/**
 * A path: one set of hosts mail goes to from one source, the queue before it and the connections to it. Where no
 * sources are set there is one a site.
 *
 * Runs in:   engine threads; one per path and thread. Slots come from the site's owner (`actors/site-lease.ts`).
 * Specs:     RFC 5321 §5.1 (order of hosts), §4.5.4.1 (do not flood a host that is down).
 * Limits:    queue by count and bytes, connections, messages per connection: `SiteLimits`.
 * Invariant: a site that cannot be reached keeps nothing: all that waits is answered as deferred, and until its
 *            back-off is over a new message is answered at once. One that other threads reach can be reached.
 */

import type { SiteFacts } from '../../actors/asks/explain-asks.ts';
import type { SiteLease, SiteUser } from '../../actors/site-lease.ts';
import type { TenantId } from '../../base/ids.ts';
import { secondMs } from '../../base/units.ts';
import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';
import { SiteQueue } from './lanes/site-queue.ts';
import { movesMax } from './limits.ts';
import type { Departure, OutcomeStatus } from './message.ts';
import { ownReply } from './message.ts';
import type { Session } from './session.ts';
import type { PathShape } from './shaping/path-shape.ts';
import { SiteShaping } from './shaping/site-shaping.ts';
import { SiteDial, type SiteDialOwner } from './site-dial.ts';
import { isTurnedAway, lineOf, noConnectionReply } from './site-ends.ts';
import { SiteHosts, type Target, wallMs } from './site-hosts.ts';
import type { SiteOptions } from './site-options.ts';
import { SiteReach } from './site-reach.ts';
import { SiteRoom } from './site-room.ts';
import type { Source } from './sources/source.ts';
import type { Transaction } from './transaction.ts';
import type { Judged, SessionEnd } from './transfer.ts';

/** Unknown sites are taken for slow: the first messages spread over connections at once. */
const serviceMsAtFirst = 20;
/** A busy connection may be given this much work to come before an idle one is woken: a pipeline costs half. */
const idleWaitMs = 2;
/** And this much before another connection is opened. */
const openWaitMs = 20;
/** A message that waited this long is given to any connection there is. */
const stuckMs = 1_000;
/** Slow start: no more attempts side by side than connections that work, and these where none does yet. */
const attemptsMin = 2;
const serviceWeight = 0.1;
/** After a further connection failed; by then the path's owner knows, and lends fewer slots. */
const noGrowthMs = 2 * secondMs;
const drainingReply = ownReply(451, '4.3.2', 'Going down: this message waits in the queue');

export class Site implements SiteDialOwner, SiteUser {
  readonly name: string;
  readonly key: string;
  readonly #options: SiteOptions;
  readonly #queue: SiteQueue;
  readonly #lease: SiteLease;
  readonly #shaping: SiteShaping;
  readonly #dial: SiteDial;
  readonly #sessions = new Set<Session>();
  readonly #idle: Session[] = [];
  /** Sessions that say QUIT: other threads should have their slots, or they idled enough. They take no more mail. */
  readonly #leaving = new Set<Session>();
  /** Sessions that are not ready yet, each with its attempt's continuation. */
  readonly #opening = new Map<Session, (end: SessionEnd | undefined) => void>();
  readonly #hosts: SiteHosts;
  readonly #departure: Departure;
  /** Attempts under way, from the request for a slot on. */
  #attempts = 0;
  /** Mean time of one message over one connection, moving. */
  #serviceMs = serviceMsAtFirst;
  #failures = 0;
  #deadUntilMs = 0;
  #noOpenUntilMs = 0;
  #deadReply: Reply = noConnectionReply;
  #deadStatus: OutcomeStatus = 'deferred';
  readonly #room: SiteRoom;
  readonly #reach: SiteReach;
  #isClosed = false;

  constructor(options: SiteOptions, targets: readonly Target[]) {
    this.name = options.name;
    this.key = options.key;
    this.#options = options;
    const { clock, limits, onRoom, source, provider, shape } = options;
    this.#hosts = new SiteHosts(source, targets);
    this.#departure = { source: source.name, egress: '', provider };
    this.#shaping = new SiteShaping(shape, limits, clock);
    this.#queue = new SiteQueue(limits.queueCountMax, limits.queueBytesMax);
    this.#room = new SiteRoom({
      ...{ queue: this.#queue, countMax: limits.queueCountMax, clock },
      tell: (count, tenant) => onRoom(this.key, count, tenant),
    });
    this.#lease = options.leases.join(options.name, this, this.key);
    this.#reach = new SiteReach(this.#lease.reach, clock);
    this.#dial = new SiteDial({
      ...{ owner: this, site: options, shaping: this.#shaping },
      ...{ departure: this.#departure, lease: this.#lease },
    });
  }

  /** How many messages it is sure to take, be they all of one tenant. */
  get roomCount(): number {
    return this.#room.count;
  }

  /** A message is about to be read and submitted. False: there will be no room, and `onRoom` says when. */
  expect(tenant: TenantId, bytes: number): boolean {
    if (!this.#shaping.isStopped) return this.#isDead() || this.#room.expect(tenant, bytes);
    this.#room.arrived(false, tenant);
    return false;
  }

  facts(): SiteFacts {
    const { clock, limits } = this.#options;
    const wall = (untilMs: number) => wallMs(clock, untilMs);
    const isDown = this.#isDead();
    return {
      name: this.name,
      source: this.#options.source.name,
      waitingCount: this.#queue.count,
      waitingMax: limits.queueCountMax,
      connectionCount: this.#sessions.size,
      idleCount: this.#idle.length,
      openingCount: this.#attempts,
      connectionsMax: this.#shaping.connectionsMax,
      serviceMs: Math.round(this.#serviceMs),
      downUntilMs: isDown ? wall(this.#deadUntilMs) : 0,
      downReply: isDown ? lineOf(this.#deadReply) : '',
      noGrowthUntilMs: wall(this.#noOpenUntilMs),
      shaping: this.#shaping.facts(),
      targets: this.#hosts.facts(clock),
    };
  }

  get waitingCount(): number {
    return this.#queue.count;
  }

  get shape(): PathShape {
    return this.#shaping.shape;
  }

  get connectionCount(): number {
    return this.#sessions.size;
  }

  /** Nothing waits, nothing is open: the site may be forgotten, if its back-off is over too. */
  get isQuiet(): boolean {
    const isUsed = this.#queue.count > 0 || this.#sessions.size > 0 || this.#attempts > 0;
    return !isUsed && !this.#isDead();
  }

  /** Newer answers of the DNS for the same set of hosts. */
  retarget(targets: readonly Target[]): void {
    this.#hosts.retarget(targets);
  }

  /** False when the queue is full: nothing was taken. */
  submit(transaction: Transaction): boolean {
    transaction.departure = this.#departure;
    if (this.#shaping.isStopped) {
      this.#room.arrived(false, transaction.message.tenant);
      return false;
    }
    if (this.#shaping.holdsBack(transaction)) return true;
    if (this.#isDead()) {
      transaction.settleRest(this.#deadStatus, this.#deadReply);
      return true;
    }
    this.#options.tls?.waits(transaction.domain);
    transaction.sinceMs = this.#options.clock.monotonicMs();
    const isTaken = this.#queue.push(transaction);
    this.#room.arrived(isTaken, transaction.message.tenant);
    if (isTaken) this.#dispatch();
    return isTaken;
  }

  get source(): Source {
    return this.#options.source;
  }

  /** All that waits, in its order: it is to leave by another source. */
  takeAll(): Transaction[] {
    const nowMs = this.#options.clock.monotonicMs();
    const waiting: Transaction[] = [];
    for (let left = this.#queue.count; left > 0; left--) waiting.push(this.#queue.pull(nowMs)!);
    return waiting;
  }

  /** To be called now and then: time-outs, idle ends, and messages that wait behind a connection that stands still. */
  onTick(nowMs: number): void {
    // Most sites a thread knows are at rest.
    if (this.#sessions.size === 0 && this.#queue.count === 0 && this.#room.isAtRest) return;
    for (const session of this.#sessions) session.onTick(nowMs);
    while (this.#idle.length > 0 && (this.#mustShrink() || this.#isAwaited())) {
      this.#leave(this.#idle.pop()!);
    }
    if (this.#shaping.isStopped) return;
    if (!this.#isDead()) this.#room.onTick();
    if (this.#queue.count === 0) return;
    const waitedMs = this.#options.clock.monotonicMs() - (this.#queue.oldestMs ?? nowMs);
    if (waitedMs <= stuckMs) return;
    while (this.#queue.count > 0 && this.#idle.length > 0) if (!this.#wakeIdle()) return;
    if (this.#queue.count > 0 && this.#attempts === 0) this.#open();
  }

  /** Ends idle connections and opens no further ones; what is in transfer goes on. */
  drain(): void {
    this.#isClosed = true;
    for (const session of [...this.#idle]) session.quit();
    this.#idle.length = 0;
    this.#settleAll('deferred', drainingReply);
  }

  /** Ends all connections now. */
  abort(): void {
    this.drain();
    for (const session of [...this.#sessions]) session.abort();
  }

  /** Nothing leads here any more. */
  leave(): void {
    this.#lease.leave();
  }

  tell(told: Map<number, { waiting: number; served: number }>): void {
    this.#queue.tell(told);
  }

  weigh(weights: ReadonlyMap<number, number>): void {
    this.#queue.weigh(weights);
  }

  onTokens(): void {
    this.#dispatch();
  }

  // As the owner of its sessions.

  onOpen(session: Session): Promise<SessionEnd | undefined> {
    this.#sessions.add(session);
    const { promise, resolve } = Promise.withResolvers<SessionEnd | undefined>();
    this.#opening.set(session, resolve);
    if (this.#isClosed) session.abort();
    return promise;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  onReady(session: Session): void {
    const ready = this.#opening.get(session);
    this.#opening.delete(session);
    ready?.(undefined);
    this.onIdle(session);
  }

  take(): Transaction | undefined {
    return this.#mustShrink() ? undefined : this.#next();
  }

  #next(): Transaction | undefined {
    const nowMs = this.#options.clock.monotonicMs();
    const { gate } = this.#lease;
    let transaction = this.#queue.shift(nowMs, gate);
    while (transaction !== undefined && this.#shaping.holdsBack(transaction)) {
      transaction = this.#queue.shift(nowMs, gate);
    }
    if (transaction !== undefined) {
      transaction.sinceMs = nowMs;
      gate?.spend(transaction.message.tenant, transaction.message.terms?.campaign ?? '');
    }
    this.#room.left(transaction?.message.tenant);
    return transaction;
  }

  onIdle(session: Session): void {
    const mustLeave = this.#mustShrink();
    const transaction = mustLeave ? undefined : this.#next();
    if (transaction !== undefined) session.send(transaction);
    else if (mustLeave || this.#isAwaited()) this.#leave(session);
    else if (this.#isClosed) session.quit();
    else this.#idle.push(session);
  }

  judge(reply: Reply, transaction: Transaction): Judged {
    this.#reach.note();
    return this.#shaping.judge(reply, transaction);
  }

  onTaken(): void {
    this.#reach.note();
    this.#shaping.onTaken(this.#busyCount);
  }

  get #busyCount(): number {
    return this.#sessions.size - this.#idle.length - this.#opening.size - this.#leaving.size;
  }

  onFinished(transaction: Transaction): void {
    const tookMs = this.#options.clock.monotonicMs() - transaction.sinceMs;
    this.#serviceMs += (tookMs - this.#serviceMs) * serviceWeight;
    this.shape.serviceMs = this.#serviceMs;
    if (!transaction.isSettled) this.#return(transaction);
  }

  onLost(transaction: Transaction, end: SessionEnd, isStale: boolean): void {
    this.#shaping.onLost(transaction, end, this.#busyCount);
    if (transaction.isSettled) return;
    if (isStale && !transaction.wasStale && !this.#isClosed) {
      transaction.wasStale = true;
      // What ended one ended them all, or may have: it goes over a fresh one.
      for (const idle of this.#idle.splice(0)) this.#leave(idle);
      this.#return(transaction);
      return;
    }
    if (transaction.moves < movesMax && !this.#isClosed) {
      transaction.moves++;
      this.#return(transaction);
    } else {
      transaction.settleRest('deferred', end.reply);
    }
  }

  onQuit(session: Session): void {
    this.#leaveIdle(session);
    this.#leaving.add(session);
  }

  onEnd(session: Session, end: SessionEnd): void {
    this.#shaping.onEnd(end, this.#busyCount, session.messageCount);
    this.#leaveIdle(session);
    this.#lease.undial(session.host);
    this.#sessions.delete(session);
    this.#leaving.delete(session);
    const opening = this.#opening.get(session);
    if (opening !== undefined) {
      // Its slot is the attempt's, which may try another host.
      this.#opening.delete(session);
      opening(end);
      return;
    }
    this.#lease.release();
    // What was open goes on no more: mail would wait for nothing.
    if (this.#sessions.size === 0) this.#noOpenUntilMs = 0;
    this.#dispatch();
  }

  #leaveIdle(session: Session): void {
    const at = this.#idle.indexOf(session);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #mustShrink(): boolean {
    if (this.#shaping.isStopped) return true;
    return this.#lease.excess > this.#leaving.size;
  }

  /** Others would use what idle connections hold; busy ones stay. */
  #isAwaited(): boolean {
    return (this.#lease.awaitedCount ?? 0) > this.#leaving.size;
  }

  #leave(session: Session): void {
    this.#leaving.add(session);
    session.quit();
  }

  #return(transaction: Transaction): void {
    if (this.#isClosed) transaction.settleRest('deferred', drainingReply);
    else if (this.#isDead()) transaction.settleRest(this.#deadStatus, this.#deadReply);
    else this.#queue.unshift(transaction);
  }

  /** Gives waiting messages to connections, or sees to it that there will be one. */
  #dispatch(): void {
    while (this.#queue.count > 0 && !this.#shaping.isStopped) {
      const busy = this.#busyCount;
      if (this.#idle.length > 0 && (busy === 0 || this.#waitMs(busy) > idleWaitMs)) {
        if (!this.#wakeIdle()) return;
        continue;
      }
      if (this.#idle.length > 0) return;
      const capacity = busy + this.#attempts;
      if (capacity === 0 || this.#waitMs(capacity) > openWaitMs) this.#open();
      return;
    }
  }

  /** How long the last of the queue will wait, by what we know. */
  #waitMs(connections: number): number {
    return (this.#queue.count * this.#serviceMs) / connections;
  }

  /** False when none of the waiting messages may go now. */
  #wakeIdle(): boolean {
    const transaction = this.#next();
    if (transaction === undefined) return false;
    this.#idle.pop()!.send(transaction, true);
    return true;
  }

  #isDead(): boolean {
    if (this.#deadUntilMs === 0) return false;
    const { clock } = this.#options;
    if (this.#reach.isBack) this.#deadUntilMs = 0;
    return this.#deadUntilMs > clock.monotonicMs();
  }

  #open(): void {
    const { gate } = this.#lease;
    const established = this.#sessions.size - this.#opening.size;
    if (this.#isClosed || this.#isDead() || this.#shaping.isStopped) return;
    if (established + this.#attempts >= this.#shaping.connectionsMax) return;
    if (this.#attempts >= Math.max(attemptsMin, established)) return;
    if (this.#noOpenUntilMs > this.#options.clock.monotonicMs()) return;
    // A connection would wait for nothing.
    if (gate !== undefined && !this.#queue.mayShift(gate)) return;
    this.#attempts++;
    this.#lease.request(() => {
      void this.#connect();
    });
  }

  async #connect(): Promise<void> {
    const failed = await this.#dial.toFirst(this.#hosts);
    if (failed === undefined) return this.#onConnected();
    this.#lease.release();
    this.#attempts--;
    if (failed.isSource) this.#onSourceFault(failed.end.reply);
    else this.#onUnreachable(failed.end, failed.isForGood);
  }

  #onSourceFault(reply: Reply): void {
    const { clock, limits, onSourceFault } = this.#options;
    if (this.#sessions.size > this.#opening.size) {
      this.#noOpenUntilMs = clock.monotonicMs() + limits.deadMsMin;
      return;
    }
    onSourceFault(reply);
  }

  #onConnected(): void {
    this.#attempts--;
    this.#failures = 0;
    this.#deadUntilMs = 0;
    this.#reach.connected();
    this.#options.onSourceWorked();
    this.#options.tls?.settled();
    this.#dispatch();
  }

  #onUnreachable(end: SessionEnd, isFinal: boolean): void {
    const { clock, limits, random } = this.#options;
    // Attempts that ran side by side have failed by one cause: it counts once.
    if (this.#isDead()) return;
    const doubled = limits.deadMsMin * 2 ** Math.min(this.#failures, 20);
    const waitMs = Math.min(doubled, limits.deadMsMax) * (0.75 + random.fraction() / 2);
    const hasOpen = this.#sessions.size > this.#opening.size;
    const turnedAway = isTurnedAway(end);
    if (hasOpen || (!end.tls && !isFinal && !turnedAway && this.#reach.mayWait())) {
      // It takes us, but not more of us: what is open, here or in another thread, goes on, growth waits.
      if (end.isOurs) this.#shaping.onNoGrowth(end.reply, this.#busyCount);
      this.#noOpenUntilMs = clock.monotonicMs() + noGrowthMs;
      return;
    }
    this.#failures++;
    this.#deadUntilMs = clock.monotonicMs() + waitMs;
    this.#reach.down(turnedAway);
    this.#deadReply = end.reply;
    this.#deadStatus = isFinal ? 'failed' : 'deferred';
    this.#settleAll(this.#deadStatus, end.reply);
  }

  #settleAll(status: OutcomeStatus, reply: Reply): void {
    this.#options.tls?.settled();
    for (const transaction of this.takeAll()) transaction.settleRest(status, reply);
  }
}
