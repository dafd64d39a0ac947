/**
 * Answers to what clients ask again and again, as STATUS of a mailbox where nothing happens: given anew, without waking
 * the account's thread, as long as the account's stamp stands.
 *
 * Runs in:   edge (main thread).
 * Limits:    answers of `weightMax` in all, in two generations; one that weighs more than `oneWeightMax` is not kept.
 *            Clients choose names and keywords, so their octets count (`weightOf`), those of the question too.
 * Invariant: an answer is given only while no change that reads could see came since it was asked for. Nobody changes
 *            what is kept.
 */

import type { Answer } from '../../../actors/ask.ts';
import type { Stamps } from '../../../actors/stamps.ts';

/** About 300 octets each: a mailbox with its counters. */
const weightMaxDefault = 32_768;
const oneWeightMax = 512;
const weightOctets = 300;

/** What texts of an answer weigh, that may be long. */
export function weightOf(texts: readonly string[]): number {
  return Math.floor(texts.reduce((sum, { length }) => sum + length, 0) / weightOctets);
}

interface Kept {
  readonly stamp: number;
  readonly answer: Answer;
  readonly weight: number;
}

export class KeptAnswers {
  readonly #stamps: Stamps;
  readonly #halfMax: number;
  #young = new Map<string, Kept>();
  #old = new Map<string, Kept>();
  #youngWeight = 0;

  constructor(stamps: Stamps, weightMax = weightMaxDefault) {
    this.#stamps = stamps;
    this.#halfMax = weightMax >>> 1;
  }

  /**
   * `question` holds all that the answer depends on besides the account's rows; `weigh` tells how many mailboxes a good
   * answer is about. Failures are not kept.
   */
  async ask(
    account: number,
    question: string,
    ask: () => Promise<Answer>,
    weigh: (value: unknown) => number = () => 1,
  ): Promise<Answer> {
    const stamp = this.#stamps.of(account);
    const kept = this.#young.get(question) ?? this.#old.get(question);
    if (kept?.stamp === stamp) {
      if (!this.#young.has(question)) this.#keep(question, kept);
      return kept.answer;
    }
    // Read before the ask: what changes while it is under way moves the stamp on.
    const answer = await ask();
    if (!answer.ok) return answer;
    const weight = weigh(answer.value) + weightOf([question]);
    if (weight <= oneWeightMax) this.#keep(question, { stamp, answer, weight });
    return answer;
  }

  /** A session that was told all there was after it read this has nothing to hear while it stands. */
  stampOf(account: number): number {
    return this.#stamps.of(account);
  }

  get count(): number {
    return this.#young.size + this.#old.size;
  }

  #keep(question: string, kept: Kept): void {
    this.#youngWeight += kept.weight - (this.#young.get(question)?.weight ?? 0);
    this.#young.set(question, kept);
    if (this.#youngWeight <= this.#halfMax) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngWeight = 0;
  }
}
