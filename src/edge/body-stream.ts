/**
 * Hands a large message to its shards while its text is still coming.
 *
 * Runs in:   edge (main thread).
 * Limits:    one chunk under way and one that fills: with what the socket brought last, less than 1 MB of a message
 *            is in the edge's memory.
 * Invariant: a shard either accepts the message or is told to let go of it. One that fails ends its own recipients'
 *            copies; the others' go on.
 */

import type { Answer, Ask } from '../actors/ask.ts';
import {
  type BodyChunk,
  type BodyReceive,
  type BodyReceived,
  bodyAsks,
  chunkBytes,
} from '../actors/asks/body-asks.ts';
import type {
  AcceptAnswer,
  BodyStream,
  EnvelopeRecipient,
  ReceivedMessage,
} from '../actors/asks/reception.ts';
import { packReceived } from '../actors/asks/spool-asks.ts';
import { byteLength } from '../base/bytes.ts';
import type { Failure } from '../base/errors.ts';
import type { MessageId, ShardId } from '../base/ids.ts';
import type { Clock } from '../ports/clock.ts';

/** A shard that takes this long for one chunk is given up. */
const chunkMsMax = 60_000;

/** One shard's copy, for some of the message's recipients. */
export interface StreamTarget {
  readonly shard: ShardId;
  /** Names the body there. */
  readonly id: MessageId;
  /** The copy is a message of its own, with this id too. */
  readonly isOwnMessage: boolean;
  /** Indexes into the envelope's recipients. */
  readonly recipients: readonly number[];
  /** They are accounts of the shard, each with an answer of its own. */
  readonly isEach: boolean;
}

/** All recipients by one shard: theirs, or a spool's. */
export function wholeTarget(
  recipients: readonly EnvelopeRecipient[],
  id: MessageId,
  shard: ShardId,
): StreamTarget {
  return {
    shard,
    id,
    recipients: recipients.map((_, index) => index),
    isEach: false,
    isOwnMessage: false,
  };
}

/** Accounts by their shards; all others, and those whose sender wants to hear of it, by one spool. */
export function eachTarget(
  recipients: readonly EnvelopeRecipient[],
  id: MessageId,
  spoolShard: () => ShardId,
  nextId: () => MessageId,
): StreamTarget[] {
  const spooled: number[] = [];
  const byShard = new Map<ShardId, number[]>();
  recipients.forEach(({ target, notify }, index) => {
    if (target.kind !== 'account' || notify?.success === true) spooled.push(index);
    else byShard.set(target.shard, [...(byShard.get(target.shard) ?? []), index]);
  });
  const targets: StreamTarget[] = [];
  for (const [shard, indexes] of byShard) {
    targets.push({ shard, id, recipients: indexes, isEach: true, isOwnMessage: false });
  }
  // A copy that goes by the spool is a message of its own there.
  const shard = spooled.length === 0 ? undefined : spoolShard();
  if (shard !== undefined)
    targets.push({ shard, id: nextId(), recipients: spooled, isEach: false, isOwnMessage: true });
  return targets;
}

interface OpenTarget extends StreamTarget {
  chunkCount: number;
  failure: Failure | undefined;
}

export interface BodyStreamParts {
  readonly ask: (ask: Ask) => Promise<Answer>;
  readonly clock: Clock;
}

export class ShardBodyStream implements BodyStream {
  readonly id: MessageId;
  readonly #parts: BodyStreamParts;
  readonly #targets: OpenTarget[];
  #text: Uint8Array[] = [];
  #textBytes = 0;
  #sentBytes = 0;
  #isEnding = false;
  #isEnded = false;
  #isAborted = false;
  #onReady: (() => void) | undefined;

  constructor(parts: BodyStreamParts, id: MessageId, targets: readonly StreamTarget[]) {
    this.id = id;
    this.#parts = parts;
    this.#targets = targets.map((target) => ({ ...target, chunkCount: 0, failure: undefined }));
  }

  /** Every target's, or none: what some can still take goes on. */
  get failure(): Failure | undefined {
    let failure: Failure | undefined;
    for (const target of this.#targets) {
      if (target.failure === undefined) return undefined;
      failure = target.failure;
    }
    return failure;
  }

  get heldBytes(): number {
    return this.#textBytes + this.#sentBytes;
  }

  get isFull(): boolean {
    return this.#sentBytes > 0 && (this.#isEnding || this.#textBytes >= chunkBytes);
  }

  push(parts: readonly Uint8Array[]): void {
    if (this.#isEnded || this.failure !== undefined) return;
    for (const part of parts) this.#text.push(part);
    this.#textBytes += byteLength(parts);
    if (this.#textBytes >= chunkBytes && this.#sentBytes === 0) void this.#send();
  }

  /** All of the text was pushed: what is held is sent. The shards keep it until they are asked for it, or to let go. */
  end(): void {
    this.#isEnding = true;
    if (this.#textBytes > 0 && this.#sentBytes === 0) void this.#send();
  }

  whenReady(run: () => void): void {
    this.#onReady = run;
  }

  abort(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#isAborted = true;
    this.#onReady = undefined;
    this.#forget();
    // A chunk under way could come after the word to let go, and would begin anew.
    if (this.#sentBytes === 0) this.#letGoAll();
  }

  /** All of the text was pushed: asks each target to accept. One answer for each recipient of the message. */
  async finish(
    message: ReceivedMessage,
    fromAllowed: readonly string[],
    deadlineMs: number,
  ): Promise<readonly AcceptAnswer[]> {
    while (this.#sentBytes > 0) await new Promise<void>((resolve) => this.whenReady(resolve));
    this.#isEnded = true;
    const rest = this.#text;
    this.#text = [];
    const answers: AcceptAnswer[] = new Array(message.envelope.recipients.length);
    await Promise.all(
      this.#targets.map(async (target) => {
        const given = await this.#receive(target, message, rest, fromAllowed, deadlineMs);
        target.recipients.forEach((recipient, i) => {
          answers[recipient] = Array.isArray(given) ? given[i] : (given as AcceptAnswer);
        });
      }),
    );
    this.#textBytes = 0;
    return answers;
  }

  async #receive(
    target: OpenTarget,
    { envelope, arrival, bodyBytes, idempotency }: ReceivedMessage,
    rest: readonly Uint8Array[],
    fromAllowed: readonly string[],
    deadlineMs: number,
  ): Promise<AcceptAnswer | BodyReceived> {
    if (target.failure !== undefined) return target.failure;
    const { id, shard, isEach } = target;
    const recipients = target.recipients.map((index) => envelope.recipients[index]!);
    const copy: ReceivedMessage = {
      envelope: { ...envelope, recipients },
      arrival: target.isOwnMessage ? { ...arrival, id } : arrival,
      body: [],
      bodyBytes,
      ...(idempotency === undefined ? {} : { idempotency }),
    };
    const meta: BodyReceive = [id, packReceived(copy, fromAllowed), isEach];
    // Long: it waits for disk, look-ups and other large messages, and never for a parcel's sake.
    const answer = await this.#parts.ask({
      ...this.#askOf(shard, id, bodyAsks.receive, meta),
      class: 'long',
      key: copy.arrival.id,
      deadlineMs,
      body: rest,
    });
    if (!answer.ok) {
      this.#letGo(target);
      return answer;
    }
    if (isEach) return answer.value as BodyReceived;
    return idempotency === undefined
      ? { ok: true }
      : { ok: true, earlierId: answer.value as MessageId };
  }

  async #send(): Promise<void> {
    const body = this.#text;
    this.#sentBytes = this.#textBytes;
    this.#text = [];
    this.#textBytes = 0;
    await Promise.all(this.#targets.map((target) => this.#sendTo(target, body)));
    this.#sentBytes = 0;
    if (this.#isAborted) return this.#letGoAll();
    if (this.failure !== undefined) this.#forget();
    else if (this.#textBytes >= chunkBytes || (this.#isEnding && this.#textBytes > 0)) {
      void this.#send();
    }
    const run = this.#onReady;
    this.#onReady = undefined;
    run?.();
  }

  async #sendTo(target: OpenTarget, body: readonly Uint8Array[]): Promise<void> {
    if (target.failure !== undefined) return;
    const { shard, id } = target;
    const meta: BodyChunk = [id, target.chunkCount++];
    const deadlineMs = this.#parts.clock.nowMs() + chunkMsMax;
    const ask = this.#askOf(shard, id, bodyAsks.chunk, meta);
    const answer = await this.#parts.ask({ ...ask, deadlineMs, body });
    if (answer.ok) return;
    target.failure = answer;
    if (!this.#isAborted) this.#letGo(target);
  }

  #letGoAll(): void {
    for (const target of this.#targets) this.#letGo(target);
  }

  /** By the system lane: it has room when no other has. */
  #letGo({ shard, id, chunkCount }: OpenTarget): void {
    if (chunkCount === 0) return;
    void this.#parts.ask({ ...this.#askOf(shard, id, bodyAsks.abort, id), lane: 'system' });
  }

  #askOf(shard: ShardId, actor: string, name: string, meta: unknown): Ask {
    return {
      shard,
      actor,
      name,
      key: '',
      class: 'short',
      lane: 'normal',
      deadlineMs: 0,
      meta,
      body: [],
    };
  }

  #forget(): void {
    this.#text = [];
    this.#textBytes = 0;
  }
}
