/**
 * The large messages that are coming in on this thread, and the asks that bring them.
 *
 * Runs in:   engine threads; handlers of `body.chunk` and `body.abort`.
 * Limits:    `incomingCountMax` at once; one without a chunk for `incomingIdleMsMax` is let go.
 * Invariant: a body is in the map from its first chunk until it is accepted or let go; a shard is closed after those
 *            of its files.
 */

import type { Answer, ArrivedAsk, Handlers } from '../../actors/ask.ts';
import { type BodyChunk, bodyAsks } from '../../actors/asks/body-asks.ts';
import { type Failure, failure } from '../../base/errors.ts';
import type { ShardId } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OpenShard } from '../shards.ts';
import { IncomingBody } from './incoming-body.ts';
import type { LargeBodyLimits } from './limits.ts';

export interface IncomingParts {
  readonly shardOf: (ask: ArrivedAsk) => Pick<OpenShard, 'store'> | undefined;
  readonly clock: Clock;
  readonly limits: LargeBodyLimits;
}

export class IncomingBodies {
  readonly #parts: IncomingParts;
  /** By shard: several may each get a copy of one message. */
  readonly #shards = new Map<ShardId, Map<string, IncomingBody>>();
  #count = 0;

  constructor(parts: IncomingParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#count;
  }

  handlers(): Handlers {
    return {
      [bodyAsks.chunk]: (ask) => {
        const [id, index] = ask.meta as BodyChunk;
        const body = index === 0 ? this.#begin(ask, id) : this.#next(ask, id, index);
        if ('ok' in body) return body;
        // The disk is outside: small messages of the parcel do not wait for it.
        const written = index === 0 ? body.opened() : body.append(ask.body);
        return { pending: written.then(answerOf) };
      },
      [bodyAsks.abort]: (ask) => {
        const body = this.take(ask.meta as string, ask.shard);
        return {
          pending: Promise.resolve(body?.discard()).then(() => ({ ok: true, value: undefined })),
        };
      },
    };
  }

  /** The body is the caller's from here on. */
  take(id: string, shard: ShardId): IncomingBody | undefined {
    const bodies = this.#shards.get(shard);
    const body = bodies?.get(id);
    if (bodies === undefined || body === undefined) return undefined;
    bodies.delete(id);
    if (bodies.size === 0) this.#shards.delete(shard);
    this.#count--;
    return body;
  }

  /** Before the shard is closed. */
  async letGo(shard: ShardId): Promise<void> {
    const ids = [...(this.#shards.get(shard)?.keys() ?? [])];
    await Promise.all(ids.map((id) => this.take(id, shard)?.discard()));
  }

  #begin(ask: ArrivedAsk, id: string): IncomingBody | Failure {
    const { clock, limits, shardOf } = this.#parts;
    const shard = shardOf(ask);
    if (shard === undefined) return failure('not-possible-now', `shard ${ask.shard} is not open`);
    const { readOnlyReason } = shard.store.status();
    if (readOnlyReason !== undefined) return failure('store-read-only', readOnlyReason);
    if (!shard.store.hasRoom()) return failure('disk-full', 'below data.diskFreeBytesMin');
    const nowMs = clock.nowMs();
    if (this.#count >= limits.incomingCountMax) this.#dropIdle(nowMs);
    if (this.#count >= limits.incomingCountMax) {
      return failure('store-busy', `${this.#count} large messages are coming in`);
    }
    const body = new IncomingBody(shard.store, ask.body, limits.frontBytesMore, nowMs);
    // One that is there was begun by an ask that is being repeated.
    void this.take(id, ask.shard)?.discard();
    const bodies = this.#shards.get(ask.shard) ?? new Map<string, IncomingBody>();
    this.#shards.set(ask.shard, bodies.set(id, body));
    this.#count++;
    return body;
  }

  #next(ask: ArrivedAsk, id: string, index: number): IncomingBody | Failure {
    const body = this.#shards.get(ask.shard)?.get(id);
    if (body?.chunkCount !== index) return unknownBody;
    // What is taken in below the limit cannot be accepted anyway.
    if (this.#parts.shardOf(ask)?.store.hasRoom() !== true) {
      return failure('disk-full', 'below data.diskFreeBytesMin');
    }
    body.chunkCount++;
    body.touchedMs = this.#parts.clock.nowMs();
    return body;
  }

  #dropIdle(nowMs: number): void {
    const { incomingIdleMsMax } = this.#parts.limits;
    for (const [shard, bodies] of [...this.#shards]) {
      for (const [id, { touchedMs }] of [...bodies]) {
        if (nowMs - touchedMs > incomingIdleMsMax) void this.take(id, shard)?.discard();
      }
    }
  }
}

/** Its thread died, or its shard moved, since its first chunk. */
export const unknownBody: Failure = Object.freeze(
  failure('store-failed', 'the beginning of this message is lost'),
);

function answerOf(failed: Failure | undefined): Answer {
  return failed ?? { ok: true, value: undefined };
}
