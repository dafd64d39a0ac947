/**
 * Answers that travel by a thread's port, not as the result of their parcel: gathered, and sent once per turn.
 *
 * Runs in:   both sides.
 * Invariant: each is told to who waits for it, and where it cannot be read a failure in its place.
 */

import { type Failure, failure } from '../base/errors.ts';
import type { Answer } from './ask.ts';
import type { PortMessage } from './channel.ts';
import { type PackedAnswer, ParcelError, packAnswers, unpackAnswers } from './parcel.ts';

export type Post = (message: PortMessage) => void;

export class LateAnswers {
  readonly #post: Post;
  #places: number[] = [];
  #answers: Answer[] = [];
  #isClosed = false;

  constructor(post: Post) {
    this.#post = post;
  }

  add(parcel: number, index: number, answer: Answer): void {
    if (this.#answers.length === 0) setImmediate(() => this.#flush());
    this.#places.push(parcel, index);
    this.#answers.push(answer);
  }

  /** Nobody is there to read them: what is added from now on is dropped. */
  close(): void {
    this.#isClosed = true;
  }

  #flush(): void {
    if (this.#isClosed) return;
    const places = Uint32Array.from(this.#places);
    const answers = packAnswers(0, this.#answers);
    this.#places = [];
    this.#answers = [];
    this.#post({ kind: 'late', places, answers });
  }
}

/**
 * Calls `visit` for each answer of a `late` message: with failures where they cannot be read, for whoever waits would
 * wait for ever. Answers why they cannot.
 */
export function eachLate(
  { places, answers: packed }: Extract<PortMessage, { kind: 'late' }>,
  visit: (parcel: number, index: number, answer: Answer) => void,
): ParcelError | undefined {
  const count = places.length / 2;
  const read = readAnswers(packed, count);
  const failed = read instanceof ParcelError ? unreadable(read) : undefined;
  for (let i = 0; i < count; i++) {
    const answer = failed ?? (read as readonly PackedAnswer[])[i]!;
    if ('pending' in answer) continue;
    visit(places[i * 2]!, places[i * 2 + 1]!, answer);
  }
  return read instanceof ParcelError ? read : undefined;
}

function readAnswers(packed: ArrayBuffer, count: number): readonly PackedAnswer[] | ParcelError {
  try {
    const { answers } = unpackAnswers(packed);
    if (answers.length === count) return answers;
    return new ParcelError(`${answers.length} answers to ${count}`);
  } catch (error) {
    if (error instanceof ParcelError) return error;
    throw error;
  }
}

/** What its asker is told. */
export function unreadable({ message }: ParcelError): Failure {
  return failure('store-failed', `cannot be read: ${message}`);
}
