/**
 * One ask between its asker and its answer, and the asks that left together.
 *
 * Runs in:   main thread.
 * Invariant: an asker is answered once; a backlog counts an entry as open until its thread's answer, or what stands
 *            for it, is there.
 */

import { byteLength } from '../base/bytes.ts';
import { type Failure, failure } from '../base/errors.ts';
import type { Answer, Ask } from './ask.ts';
import type { Backlog } from './backlog.ts';

export interface Entry {
  readonly ask: Ask;
  readonly bytes: number;
  /** Undefined for asks to a thread, which belong to no shard. */
  readonly backlog: Backlog | undefined;
  readonly resolve: (answer: Answer) => void;
  /** The asker has an answer; the thread may still be at work on it when a deadline passed. */
  isAnswered: boolean;
  /** Threads that ended while they had it. */
  deathCount: number;
  /** For who tries it again alone. */
  onSettled: (() => void) | undefined;
}

/** Asks that left together. An entry becomes undefined when its thread has answered it. */
export interface OpenParcel {
  readonly number: number;
  readonly thread: number;
  readonly entries: (Entry | undefined)[];
  readonly sentMs: number;
  /** True once its task came back: what is still open then is pending. */
  isBack: boolean;
  openCount: number;
  /** Answers of later parcels to actors that this one has asks of: they follow this one's. */
  followers: { readonly entry: Entry; readonly answer: Answer }[];
}

export const late: Failure = Object.freeze(failure('deadline-passed', 'no answer in time'));
export const gone: Failure = Object.freeze(failure('store-failed', 'the thread is gone'));

/** For meta and bookkeeping of an ask whose body is empty. */
const entryBytes = 256;

export function newEntry(
  ask: Ask,
  backlog: Backlog | undefined,
  resolve: (answer: Answer) => void,
): Entry {
  return {
    ask,
    bytes: entryBytes + byteLength(ask.body),
    backlog,
    resolve,
    isAnswered: false,
    deathCount: 0,
    onSettled: undefined,
  };
}

export function isLate(entry: Entry, nowMs: number): boolean {
  const { deadlineMs } = entry.ask;
  return deadlineMs !== 0 && deadlineMs <= nowMs;
}

/** Answers the asker; whatever its thread says later is not told. */
export function reply(entry: Entry, answer: Answer): void {
  if (entry.isAnswered) return;
  entry.isAnswered = true;
  entry.resolve(answer);
}

export function replyLate(entry: Entry): void {
  reply(entry, late);
}

/** The thread's own answer, or what stands for it. */
export function settle(entry: Entry, answer: Answer): void {
  reply(entry, answer);
  entry.backlog?.end(entry.ask);
  entry.onSettled?.();
}
