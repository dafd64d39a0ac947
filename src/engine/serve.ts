/**
 * Turns a parcel of asks into their answers, on the thread that owns the shards.
 *
 * Runs in:   engine and job threads.
 * Limits:    `pendingCountMax` asks wait for the outside; each at most `verdictMsMax`.
 * Invariant: each ask gets one answer: in its parcel's answers, or later by the thread's port. A handler's bug
 *            (`AssertionError`) gets none: the thread ends, and the edge tries the asks again one at a time.
 */

import type { Answer, ArrivedAsk, Handler, Handlers, PendingRoom } from '../actors/ask.ts';
import type { PortMessage } from '../actors/channel.ts';
import { LateAnswers } from '../actors/late-answers.ts';
import { type PackedAnswer, packAnswers, pendingAnswer, unpackAsks } from '../actors/parcel.ts';
import { AssertionError } from '../base/assert.ts';
import { failure, failureOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../ports/clock.ts';
import { asksAreHere } from './mailbox/imap/slices.ts';

export interface ServerOptions {
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly log: Log;
  /** Sends by the thread's port, to the main thread. */
  readonly post: (message: PortMessage) => void;
  /** Ends the thread after a bug: at once, or once its shards are drained and closed. */
  readonly end: (cause: unknown) => void;
  readonly pendingCountMax?: number;
  readonly verdictMsMax?: number;
}

export interface Server {
  serve(parcel: ArrayBuffer): Promise<ArrayBuffer>;
  /** Asks that left their parcel and have no answer yet. */
  readonly pendingCount: number;
}

const pendingCountMaxDefault = 2_000;
const verdictMsMaxDefault = 30_000;

type Outcome = ReturnType<Handler>;

export function createServer(options: ServerOptions): Server {
  const pending = new PendingAsks(options);
  const handlers = new Map(Object.entries(options.handlers));
  return {
    serve: (parcel) => serveParcel(parcel, handlers, options, pending),
    get pendingCount() {
      return pending.count;
    },
  };
}

async function serveParcel(
  parcel: ArrayBuffer,
  handlers: ReadonlyMap<string, Handler>,
  options: ServerOptions,
  pending: PendingAsks,
): Promise<ArrayBuffer> {
  if (pending.isEnding) return never;
  const { number, asks } = unpackAsks(parcel);
  const answers: PackedAnswer[] = new Array(asks.length);
  const waits: Promise<void>[] = [];
  for (let i = 0; i < asks.length; i++) {
    const outcome = start(asks[i]!, handlers, options, pending);
    if (outcome === undefined) return never;
    if ('ok' in outcome) {
      answers[i] = outcome;
    } else if (asks[i]!.class === 'long') {
      // A long ask never keeps the others of its parcel waiting; the edge bounds how many there are.
      answers[i] = pendingAnswer;
      pending.addLong(number, i, 'pending' in outcome ? outcome.pending : outcome);
    } else if ('pending' in outcome && !pending.isFull) {
      answers[i] = pendingAnswer;
      pending.add(number, i, outcome.pending);
    } else {
      // Past the bound a waiting ask holds its parcel: the shard slows down, nothing is lost or told wrongly.
      waits.push(
        settle('pending' in outcome ? outcome.pending : outcome, answers, i, options, pending),
      );
    }
  }
  if (waits.length > 0) {
    asksAreHere(options.clock.monotonicMs());
    await Promise.all(waits);
    asksAreHere(options.clock.monotonicMs());
  }
  return packAnswers(number, answers);
}

/** The parcel of a thread that is about to end: its asks are tried again elsewhere. */
const never = new Promise<ArrayBuffer>(() => {});

function start(
  ask: ArrivedAsk,
  handlers: ReadonlyMap<string, Handler>,
  options: ServerOptions,
  pending: PendingAsks,
): Outcome | undefined {
  const handler = handlers.get(ask.name);
  if (handler === undefined) return failure('argument-invalid', `nobody answers ${ask.name}`);
  if (ask.deadlineMs !== 0 && ask.deadlineMs <= options.clock.nowMs()) {
    return failure('deadline-passed', ask.name);
  }
  try {
    return handler(ask, pending);
  } catch (error) {
    return fail(error, options, pending);
  }
}

async function settle(
  outcome: Promise<Answer>,
  answers: PackedAnswer[],
  index: number,
  options: ServerOptions,
  pending: PendingAsks,
): Promise<void> {
  try {
    answers[index] = await outcome;
  } catch (error) {
    const answer = fail(error, options, pending);
    if (answer === undefined) await never;
    else answers[index] = answer;
  }
}

/** An expected failure as an answer; undefined for a bug, after which this thread does no more work. */
function fail(error: unknown, options: ServerOptions, pending: PendingAsks): Answer | undefined {
  if (!(error instanceof AssertionError)) {
    const answer = failureOf(error);
    options.log.error({ error, code: answer.code }, 'a handler failed');
    return answer;
  }
  options.log.error({ error }, 'a statement that must be true is false: the thread ends');
  pending.isEnding = true;
  options.end(error);
  return undefined;
}

/** Asks that wait for the outside. Their answers leave together, once per turn. */
class PendingAsks implements PendingRoom {
  /** After a bug no new work is begun. */
  isEnding = false;
  readonly #options: ServerOptions;
  readonly #countMax: number;
  readonly #msMax: number;
  readonly #late: LateAnswers;
  #count = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#countMax = options.pendingCountMax ?? pendingCountMaxDefault;
    this.#msMax = options.verdictMsMax ?? verdictMsMaxDefault;
    this.#late = new LateAnswers(options.post);
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.#countMax;
  }

  add(parcel: number, index: number, outcome: Promise<Answer>): void {
    this.#count++;
    let isOpen = true;
    const close = (answer: Answer) => {
      if (!isOpen) return;
      isOpen = false;
      this.#count--;
      timer.cancel();
      this.#late.add(parcel, index, answer);
    };
    // The handler decides what mail does without a verdict; this is for a handler that never comes back.
    const timer = this.#options.clock.setTimer(this.#msMax, () => {
      close(failure('verdict-missing', `none in ${this.#msMax} ms`));
    });
    this.#wait(outcome, close);
  }

  /** Without a time limit of ours: a long ask has its deadline. */
  addLong(parcel: number, index: number, outcome: Promise<Answer>): void {
    this.#wait(outcome, (answer) => this.#late.add(parcel, index, answer));
  }

  #wait(outcome: Promise<Answer>, close: (answer: Answer) => void): void {
    outcome.then(close, (error) => {
      const answer = fail(error, this.#options, this);
      if (answer !== undefined) close(answer);
    });
  }
}
