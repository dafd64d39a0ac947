/**
 * Shaping between a path's queue and its connections: what may not go now, and what refusals mean.
 *
 * Runs in:   engine threads; one per `Site`.
 * Invariant: a message that is held back here was not tried: no attempt is counted for it.
 */

import type { ShapingFacts } from '../../../actors/asks/explain-asks.ts';
import { anyTenant } from '../../../actors/asks/shaping-asks.ts';
import { minuteMs, secondMs } from '../../../base/units.ts';
import type { Reply } from '../../../mail/wire/smtp/reply-reader.ts';
import { classOf } from '../../../mail/wire/smtp/response-class.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { SiteLimits } from '../limits.ts';
import { ownReply } from '../message.ts';
import type { Transaction } from '../transaction.ts';
import { type Judged, kindOf, type SessionEnd } from '../transfer.ts';
import { shownLimits } from './explain-limits.ts';
import { isSessionLimit } from './load-refusal.ts';
import type { PathShape } from './path-shape.ts';

/** A message of a suspended tenant looks again this often: its suspension may have been ended by hand. */
const heldBackMsMax = 15 * minuteMs;
/** So soon whoever keeps it finds out what it is to wait for. */
const stoppedMs = secondMs;
/** A next hop may allow more by then. */
const sessionMessagesMs = 60 * minuteMs;
const stoppedReply = ownReply(451, '4.7.0', 'Stopped by an operator: not tried');

export class SiteShaping {
  readonly shape: PathShape;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #limits: SiteLimits;
  /** What the next hop's connections have carried when it said that this is all; forgotten now and then. */
  #sessionMessages = Number.POSITIVE_INFINITY;
  #sessionUntilMs = 0;
  /** Its refusal was judged with the message it came to. */
  #judged: SessionEnd | undefined;

  constructor(shape: PathShape, limits: SiteLimits, clock: Pick<Clock, 'nowMs'>) {
    this.shape = shape;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Nobody's mail may go: what comes waits in the index, as where there is no room. */
  get isStopped(): boolean {
    return this.shape.suspendedUntilMs > 0;
  }

  get connectionsMax(): number {
    return this.shape.limits.connectionsMax?.value ?? this.#limits.connectionsMax;
  }

  /** Of a connection that is opened now. */
  get sessionLimits(): SiteLimits {
    const { messagesPerConnection } = this.shape.limits;
    const set = messagesPerConnection?.value ?? this.#limits.messagesPerConnectionMax;
    const isKnown = this.#sessionUntilMs > this.#clock.nowMs();
    const messagesPerConnectionMax = isKnown ? Math.min(set, this.#sessionMessages) : set;
    return { ...this.#limits, messagesPerConnectionMax };
  }

  /** Sends away what an operator stopped, or whose tenant or campaign is suspended: true, and it is settled. */
  holdsBack(transaction: Transaction): boolean {
    const { keeper, id } = transaction.message;
    if (keeper?.isStopped(id) === true) {
      transaction.holdBack(stoppedReply, this.#clock.nowMs() + stoppedMs);
      return true;
    }
    if (!this.shape.hasShares) return false;
    const { tenant, terms } = transaction.message;
    const untilMs = this.shape.shareUntilMs(tenant, terms?.campaign ?? '');
    if (untilMs === 0) return false;
    holdBack(transaction, untilMs, this.#clock.nowMs());
    return true;
  }

  judge(reply: Reply, { message }: Transaction): Judged {
    const { tenant, terms } = message;
    const { treat, why } = this.shape.refused(reply, tenant, terms?.campaign ?? '', message);
    const status = treat === undefined ? kindOf(reply) : statuses[treat];
    return { status, reply: why === undefined ? reply : { ...reply, why } };
  }

  /** `busy` connections carry mail. */
  onTaken(busy: number): void {
    const { shape } = this;
    shape.taken++;
    if (busy > shape.inUseMost) shape.inUseMost = busy;
  }

  /** A connection ended with this message on it. */
  onLost(transaction: Transaction, end: SessionEnd, busy: number): void {
    if (end.isOurs || this.#judged === end) return;
    this.#judged = end;
    this.#busy(busy);
    this.judge(end.reply, transaction);
  }

  /** A connection, or an attempt at one, ended; so many messages were begun over it. */
  onEnd(end: SessionEnd, busy: number, messageCount = 0): void {
    if (end.isOurs) return;
    // The last of them is the one that was refused; to refuse the first is to refuse the connection.
    if (isSessionLimit(end.reply) && messageCount > 1) this.#carries(messageCount - 1);
    else if (isSessionLimit(end.reply)) this.onNoGrowth(end.reply, busy);
    if (this.#judged === end) return;
    // It was tired of waiting.
    if (end.wasIdle === true && classOf(end.reply) !== 'rate') return;
    this.#busy(busy);
    this.shape.refused(end.reply, anyTenant, '');
  }

  /** Others go on, but no further connection is taken: it has enough of us. */
  onNoGrowth(reply: Reply, busy: number): void {
    this.#busy(busy);
    this.shape.overloaded(reply);
  }

  facts(): ShapingFacts {
    const { shape } = this;
    return {
      provider: shape.provider,
      limits: shownLimits(shape.limits),
      marks: shape.marks,
      ...(shape.stand === undefined ? {} : { stand: shape.stand }),
    };
  }

  /** Connections that end by themselves before they are told to cost no refusal. */
  #carries(messageCount: number): void {
    this.#sessionMessages = messageCount;
    this.#sessionUntilMs = this.#clock.nowMs() + sessionMessagesMs;
  }

  #busy(busy: number): void {
    if (busy > this.shape.inUseMost) this.shape.inUseMost = busy;
  }
}

const statuses = { transient: 'deferred', permanent: 'failed' } as const;

/** Until the suspension is over, or it is worth another look. */
export function holdBack(transaction: Transaction, untilMs: number, nowMs: number): void {
  const instant = new Date(untilMs).toISOString();
  const reply = ownReply(451, '4.7.0', `Suspended until ${instant}: not tried`);
  transaction.holdBack(reply, Math.min(untilMs, nowMs + heldBackMsMax));
}
