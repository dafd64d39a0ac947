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

interface Incoming {
  readonly body: IncomingBody;
  readonly shard: ShardId;
}

export interface IncomingParts {
  readonly shardOf: (ask: ArrivedAsk) => Pick<OpenShard, 'store'> | undefined;
  readonly clock: Clock;
  readonly limits: LargeBodyLimits;
}

export class IncomingBodies {
  readonly #parts: IncomingParts;
  readonly #bodies = new Map<string, Incoming>();

  constructor(parts: IncomingParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#bodies.size;
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
    const incoming = this.#bodies.get(id);
    if (incoming?.shard !== shard) return undefined;
    this.#bodies.delete(id);
    return incoming.body;
  }

  /** Before the shard is closed. */
  async letGo(shard: ShardId): Promise<void> {
    const ids = [...this.#bodies].filter(([, incoming]) => incoming.shard === shard);
    await Promise.all(ids.map(([id]) => this.take(id, shard)?.discard()));
  }

  #begin(ask: ArrivedAsk, id: string): IncomingBody | Failure {
    const { clock, limits, shardOf } = this.#parts;
    const shard = shardOf(ask);
    if (shard === undefined) return failure('not-possible-now', `shard ${ask.shard} is not open`);
    const { readOnlyReason } = shard.store.status();
    if (readOnlyReason !== undefined) return failure('store-read-only', readOnlyReason);
    if (!shard.store.hasRoom()) return failure('disk-full', 'below data.diskFreeBytesMin');
    const nowMs = clock.nowMs();
    if (this.#bodies.size >= limits.incomingCountMax) this.#dropIdle(nowMs);
    if (this.#bodies.size >= limits.incomingCountMax) {
      return failure('store-busy', `${this.#bodies.size} large messages are coming in`);
    }
    const body = new IncomingBody(shard.store, ask.body, limits.frontBytesMore, nowMs);
    this.#bodies.set(id, { body, shard: ask.shard });
    return body;
  }

  #next(ask: ArrivedAsk, id: string, index: number): IncomingBody | Failure {
    const incoming = this.#bodies.get(id);
    if (incoming?.shard !== ask.shard || incoming.body.chunkCount !== index) return unknownBody;
    // What is taken in below the limit cannot be accepted anyway.
    if (this.#parts.shardOf(ask)?.store.hasRoom() !== true) {
      return failure('disk-full', 'below data.diskFreeBytesMin');
    }
    incoming.body.chunkCount++;
    incoming.body.touchedMs = this.#parts.clock.nowMs();
    return incoming.body;
  }

  #dropIdle(nowMs: number): void {
    for (const [id, { body, shard }] of [...this.#bodies]) {
      if (nowMs - body.touchedMs > this.#parts.limits.incomingIdleMsMax) {
        void this.take(id, shard)?.discard();
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
