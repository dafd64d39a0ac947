/**
 * Asks from an engine thread to a shard it does not own: up to the main thread's router, and back.
 *
 * Runs in:   `Uplink` in engine threads, `UplinkHost` in the main thread.
 * Limits:    `countMax` asks of a thread wait for their answers; past it one answers `store-busy` at once.
 * Invariant: each ask is answered once, one that cannot be read too; an answer never reaches a later life of the thread
 *            that asked.
 *
 * A handler that asks upwards must answer with `pending`: if its parcel waited, two shards that ask each other could
 * wait for ever.
 */

import { failure } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Answer, ArrivedAsk, Ask } from './ask.ts';
import type { PortMessage } from './channel.ts';
import { eachLate, LateAnswers, type Post, unreadable } from './late-answers.ts';
import { ParcelError, packAsks, unpackAsks } from './parcel.ts';

const uplinkCountMaxDefault = 4_096;

export class Uplink {
  readonly #post: Post;
  readonly #countMax: number;
  readonly #waiting = new Map<number, Map<number, (answer: Answer) => void>>();
  #asks: Ask[] = [];
  #batch = new Map<number, (answer: Answer) => void>();
  #number = 0;
  #count = 0;

  constructor(post: Post, countMax = uplinkCountMaxDefault) {
    this.#post = post;
    this.#countMax = countMax;
  }

  get waitingCount(): number {
    return this.#count;
  }

  ask(ask: Ask): Promise<Answer> {
    return new Promise((resolve) => {
      if (this.#count >= this.#countMax) {
        resolve(failure('store-busy', 'too many asks wait upwards'));
        return;
      }
      this.#count++;
      if (this.#asks.length === 0) setImmediate(() => this.#flush());
      this.#batch.set(this.#asks.length, resolve);
      this.#asks.push(ask);
    });
  }

  /** Takes the port's `late` messages. */
  receive(message: Extract<PortMessage, { kind: 'late' }>): void {
    eachLate(message, (number, index, answer) => {
      const batch = this.#waiting.get(number);
      const resolve = batch?.get(index);
      if (batch === undefined || resolve === undefined) return;
      batch.delete(index);
      if (batch.size === 0) this.#waiting.delete(number);
      this.#count--;
      resolve(answer);
    });
  }

  #flush(): void {
    const number = (this.#number + 1) >>> 0;
    const count = this.#asks.length;
    this.#number = number;
    this.#waiting.set(number, this.#batch);
    const parcel = packAsks(number, this.#asks);
    this.#asks = [];
    this.#batch = new Map();
    this.#post({ kind: 'asks', number, count, parcel });
  }
}

type AsksMessage = Extract<PortMessage, { kind: 'asks' }>;

export interface UplinkHostOptions {
  readonly ask: (ask: Ask) => Promise<Answer>;
  readonly post: (thread: number, message: PortMessage) => void;
  readonly log: Log;
}

export class UplinkHost {
  readonly #options: UplinkHostOptions;
  readonly #lives = new Map<number, LateAnswers>();

  constructor(options: UplinkHostOptions) {
    this.#options = options;
  }

  receive(thread: number, { number, count, parcel }: AsksMessage): void {
    const life = this.#life(thread);
    const asks = readAsks(parcel, count);
    if (asks instanceof ParcelError) {
      this.#options.log.error({ error: asks, thread, count }, 'asks of a thread cannot be read');
      const failed = unreadable(asks);
      for (let i = 0; i < count; i++) life.add(number, i, failed);
      return;
    }
    for (let i = 0; i < asks.length; i++) {
      const ask = asks[i]!;
      void this.#options
        .ask({ ...ask, body: ask.body.byteLength === 0 ? [] : [ask.body] })
        .then((answer) => life.add(number, i, answer));
    }
  }

  /** The thread is gone, and with it whoever waited. */
  lost(thread: number): void {
    this.#lives.get(thread)?.close();
    this.#lives.delete(thread);
  }

  #life(thread: number): LateAnswers {
    let life = this.#lives.get(thread);
    if (life === undefined) {
      life = new LateAnswers((message) => this.#options.post(thread, message));
      this.#lives.set(thread, life);
    }
    return life;
  }
}

function readAsks(parcel: ArrayBuffer, count: number): readonly ArrivedAsk[] | ParcelError {
  try {
    const { asks } = unpackAsks(parcel);
    return asks.length === count ? asks : new ParcelError(`${asks.length} asks of ${count}`);
  } catch (error) {
    if (error instanceof ParcelError) return error;
    throw error;
  }
}
