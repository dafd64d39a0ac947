/**
 * A spool on a shard in memory, with a next hop that answers as the test says, and a clock turned by hand.
 *
 * `crash` throws the spool away and makes another from the shard's records, as a restart does.
 */

import type { Answer, ArrivedAsk } from '../../src/actors/ask.ts';
import type { QueueSelection, RecipientSelection } from '../../src/actors/asks/control.ts';
import {
  type DeliveryTerms,
  packTerms,
  type Rebinding,
} from '../../src/actors/asks/delivery-terms.ts';
import {
  type QueueAction,
  type QueueActPage,
  type QueueActPageAnswer,
  type QueueListAnswer,
  queueAsks,
} from '../../src/actors/asks/queue-asks.ts';
import type { PackedReceived } from '../../src/actors/asks/spool-asks.ts';
import { inHandBytes } from '../../src/actors/asks/thread-data.ts';
import { type MessageId, MessageIdSource, type TenantId } from '../../src/base/ids.ts';
import type {
  DeliveryDone,
  OutboundMessage,
  RecipientOutcome,
} from '../../src/engine/delivery/message.ts';
import { ownOutcome, ownReply } from '../../src/engine/delivery/message.ts';
import type { OpenShard } from '../../src/engine/shards.ts';
import { createAttempt, type NoteGone } from '../../src/engine/spool/attempt.ts';
import { BodyBudget } from '../../src/engine/spool/body-budget.ts';
import { createBounces } from '../../src/engine/spool/bounce.ts';
import type { MessageEvents } from '../../src/engine/spool/events.ts';
import { Holds } from '../../src/engine/spool/holds.ts';
import { InHand } from '../../src/engine/spool/in-hand.ts';
import { type SpoolLimits, spoolLimits } from '../../src/engine/spool/limits.ts';
import { queueHandlers } from '../../src/engine/spool/queue-handlers.ts';
import { type RetrySchedule, retrySchedule } from '../../src/engine/spool/retry.ts';
import { Spool } from '../../src/engine/spool/spool.ts';
import { spoolKinds } from '../../src/engine/spool/spool-kinds.ts';
import { defaultSettings } from './default-settings.ts';
import { FakeShard } from './fake-shard.ts';
import { SeededClock, SeededRandom, turns } from './seeded-clock.ts';

/** As by default, without chance. */
export const retry: RetrySchedule = { ...retrySchedule(defaultSettings), jitterPercent: 0 };

export type Verdict = 'delivered' | 'deferred' | 'failed';

export interface Attempted {
  readonly message: OutboundMessage;
  readonly domain: string;
  readonly done: DeliveryDone;
}

const silentEvents: MessageEvents = {
  accepted() {},
  attempted() {},
  attemptedLate() {},
  stored() {},
  bounced() {},
  done() {},
  storeTrouble() {},
};

export class SpoolWorld {
  readonly clock = new SeededClock();
  readonly random = new SeededRandom(7);
  readonly holds = new Holds({
    clock: this.clock,
    release: (name, count) => this.spool.onRoom(name, count) > 0,
  });
  readonly ids = new MessageIdSource(() => this.clock.nowMs(), 1);
  /** What the spool handed out and nobody has answered. */
  open: Attempted[] = [];
  /** Addresses each message was handed out for, in order. */
  readonly attempts: string[] = [];
  isFull = false;
  shard!: FakeShard;
  spool!: Spool;
  readonly #limits: SpoolLimits;

  bodies: BodyBudget;
  /** Messages that wait, by tenant, as the spool tells of them. */
  readonly waiting = new Map<number, number>();
  /** Outlives `crash`, as memory of the process outlives a thread. */
  readonly memory = new SharedArrayBuffer(inHandBytes);
  /** Thrown when this message is handed out. */
  killer: MessageId | undefined;

  readonly #bounces = createBounces({
    random: this.random,
    hostname: () => 'mx.test',
    nextId: () => this.ids.next(),
    resolve: async (address) => [[address, 0, 0, 0, '']],
    delayNoticeMs: () => 4 * 3_600_000,
  });

  readonly #noteGone: NoteGone | undefined;

  constructor(
    limits: Partial<SpoolLimits> = {},
    bodyBytesMax = 1_000_000,
    noteGone?: (clock: SeededClock) => NoteGone,
  ) {
    this.#noteGone = noteGone?.(this.clock);
    this.bodies = new BodyBudget(bodyBytesMax);
    this.#limits = { ...spoolLimits, ...limits };
    this.#build();
    this.spool.start(this.shard);
  }

  /** The process dies and starts again: only records (and, unless thrown away, the index) are left. */
  crash(options: { readonly withoutIndex?: boolean } = {}): void {
    const before = this.shard;
    this.open = [];
    this.bodies = new BodyBudget(this.bodies.bytesMax);
    this.#build();
    for (const record of before.records) this.shard.records.push(record);
    if (options.withoutIndex !== true) {
      const rows = before.range({ from: Uint8Array.of(0), to: Uint8Array.of(0xff) });
      this.shard.write(rows.map(({ key, value }) => ({ put: key, value })));
    }
    for (const record of before.records) this.shard.apply(record);
    this.shard.livePlaces();
    this.spool.start(this.shard);
  }

  #build(): void {
    this.waiting.clear();
    const spool = new Spool({
      onWaiting: (tenant, by) => {
        this.waiting.set(tenant, (this.waiting.get(tenant) ?? 0) + by);
      },
      clock: this.clock,
      events: silentEvents,
      limits: this.#limits,
      bodies: this.bodies,
      inHand: new InHand(this.memory, 0),
      isHeld: (group) => this.holds.isGroup(group),
      attempt: createAttempt({
        holds: this.holds,
        outbound: {
          groupOf: (domain) => domain,
          expect: (_message, domain) => (this.isFull ? domain : ''),
          submit: (message, domain, done) => this.#submit(message, domain, done),
        },
        local: async () => ({ ok: true, value: undefined }),
        bounces: this.#bounces,
        clock: this.clock,
        random: this.random,
        retry,
        ...(this.#noteGone === undefined ? {} : { noteGone: this.#noteGone }),
      }),
    });
    this.spool = spool;
    this.shard = new FakeShard(spoolKinds(spool));
  }

  #submit(message: OutboundMessage, domain: string, done: DeliveryDone): string {
    if (message.id === this.killer) throw new Error('a bug that this message meets');
    if (this.isFull) return domain;
    this.open.push({ message, domain, done });
    for (const { address } of message.recipients) this.attempts.push(`${message.id} ${address}`);
    return '';
  }

  async accept(
    recipients: readonly string[],
    sender = 'a@from.test',
    notify = 0,
    id = this.ids.next(),
    more: {
      readonly terms?: DeliveryTerms;
      readonly tenant?: number;
      readonly ret?: 0 | 1 | 2;
    } = {},
  ): Promise<MessageId> {
    const to = recipients.map((address) => [address, 0, 0, notify, ''] as const);
    const { terms, tenant = 0, ret = 0 } = more;
    const envelope = [sender, to, 0, false, ret, ''] as const;
    const received: PackedReceived = [
      terms === undefined ? envelope : [...envelope, packTerms(terms)],
      [id, this.clock.nowMs(), 'smtp', 'ESMTP', '127.0.0.1', 1, 'helo', '', '', '', true, 0],
      [],
    ];
    const parts = [Buffer.from(`Subject: ${id}\r\n\r\nbody\r\n`)];
    const answer = this.spool.accept(received, tenant as TenantId, parts);
    answer.catch(() => {});
    await this.settle();
    const { ok } = await answer;
    if (!ok) throw new Error('not accepted');
    return id;
  }

  /** What an operator does to the queue. */
  act(
    action: QueueAction['action'],
    id: MessageId,
    only: RecipientSelection = {},
    binding: Rebinding = {},
  ): Promise<Answer> {
    const meta: QueueAction = { action, ids: [id], only, binding };
    return this.#ask(queueAsks.act, meta);
  }

  /** One page of an act on all that is meant. */
  async actOnPage(page: Partial<QueueActPage>): Promise<QueueActPageAnswer> {
    const whole = { action: 'hold', selection: {}, after: '', upTo: 'Z'.repeat(16), ...page };
    const answer = await this.#ask(queueAsks.actOnPage, whole);
    if (!answer.ok) throw new Error(answer.detail);
    return answer.value as QueueActPageAnswer;
  }

  async list(
    after: string,
    limit: number,
    selection: QueueSelection = {},
  ): Promise<QueueListAnswer> {
    const answer = await this.#ask(queueAsks.list, { after, limit, selection });
    if (!answer.ok) throw new Error(answer.detail);
    return answer.value as QueueListAnswer;
  }

  async #ask(name: string, meta: unknown): Promise<Answer> {
    const { spool, shard: store } = this;
    const handlers = queueHandlers({
      shardOf: () => ({ spool, store }) as unknown as OpenShard,
      clock: this.clock,
      expiryMs: () => retry.expiryMs,
      bounces: this.#bounces,
      holds: this.holds,
    });
    return (await handlers[name]!({ meta, deadlineMs: 0 } as ArrivedAsk, {
      isFull: false,
    })) as Answer;
  }

  /** Answers the oldest open attempt. */
  async answer(verdict: Verdict, more: Partial<RecipientOutcome> = {}): Promise<void> {
    const { message, done } = this.open.shift()!;
    const code = verdict === 'delivered' ? 250 : verdict === 'deferred' ? 451 : 550;
    const reply = ownReply(code, `${(code / 100) | 0}.0.0`, verdict);
    done({ outcomes: message.recipients.map(() => ({ ...ownOutcome(verdict, reply), ...more })) });
    await this.settle();
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    this.spool.sweep();
    await this.settle();
  }

  settle(): Promise<void> {
    return turns(6);
  }
}
