/**
 * Answers that travel by a thread's port, not as the result of their parcel: gathered, and sent once per turn.
 *
 * Runs in:   both sides.
 */

import type { Answer } from './ask.ts';
import type { PortMessage } from './channel.ts';
import { packAnswers, unpackAnswers } from './parcel.ts';

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

/** Calls `visit` for each answer of a `late` message. @throws ParcelError */
export function eachLate(
  message: Extract<PortMessage, { kind: 'late' }>,
  visit: (parcel: number, index: number, answer: Answer) => void,
): void {
  const { answers } = unpackAnswers(message.answers);
  const { places } = message;
  for (let i = 0; i < answers.length; i++) {
    const answer = answers[i]!;
    if ('pending' in answer) continue;
    visit(places[i * 2]!, places[i * 2 + 1]!, answer);
  }
}
