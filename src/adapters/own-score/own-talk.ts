/**
 * Our own spam score as a scanner among others: rules, and a model that was taught.
 *
 * Runs in:   engine threads; about a millisecond of a message of 5 kB, in which its thread does nothing else.
 * Limits:    those of its scorer. The model's file is looked at once in `lookMs`.
 * Invariant: a model that cannot be read leaves the one before in use; without any, rules alone speak.
 */

import { readFileSync, statSync } from 'node:fs';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ScanEdit, ScanSubject, SpamScorer } from '../../ports/content-scanner.ts';
import type { ScanTalk, ScanTime } from '../scanning/guarded-scanner.ts';
import { ScanError } from '../scanning/scan-error.ts';
import type { HostLists } from './host-lists.ts';

const lookMs = 10 * secondMs;
const version = 'rules and a model of Chaski';

export class OwnTalk implements ScanTalk {
  readonly #file: string;
  readonly #threshold: number;
  readonly #clock: Clock;
  readonly #scorer: SpamScorer;
  readonly #lists: HostLists;
  /** What names the file that was read last: its time and size. */
  #stamp = '';
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** `file` "": rules alone. */
  constructor(file: string, threshold: number, clock: Clock, scorer: SpamScorer, lists: HostLists) {
    this.#file = file;
    this.#threshold = threshold;
    this.#clock = clock;
    this.#scorer = scorer;
    this.#lists = lists;
  }

  async scan(subject: ScanSubject, time: ScanTime) {
    this.#look();
    const found = this.#scorer.score(subject);
    const listed = await this.#lists.ask(found.hostsToAsk, time.endMs);
    const more = [...listed.rules, ...filterRules(subject)];
    const rules = [...found.rules, ...more];
    const score = rounded(more.reduce((sum, rule) => sum + rule.score, found.points));
    const threshold = this.#threshold;
    const isSpam = score >= threshold;
    const action = listed.isRejected ? 'reject' : isSpam ? 'add-header' : 'accept';
    const edits = phishingEdits(found.phishing);
    return { kind: 'scored', score, threshold, rules, action, text: '', edits } as const;
  }

  async check(): Promise<string> {
    if (this.#file === '') return version;
    this.#lookedMs = Number.NEGATIVE_INFINITY;
    this.#stamp = '';
    this.#look();
    if (this.#stamp === '') throw new ScanError('unable', `no model in ${this.#file}`);
    return version;
  }

  async close(): Promise<void> {}

  #look(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#file === '' || nowMs < this.#lookedMs + lookMs) return;
    this.#lookedMs = nowMs;
    try {
      const { mtimeMs, size } = statSync(this.#file);
      const stamp = `${mtimeMs} ${size}`;
      if (stamp === this.#stamp || size > this.#scorer.modelBytesMax) return;
      this.#scorer.load(readFileSync(this.#file));
      this.#stamp = stamp;
    } catch {
      // It may come, or come whole, later.
    }
  }
}

/** What is known of who brought it. */
function filterRules({ filterPoints = 0 }: ScanSubject) {
  return filterPoints === 0 ? [] : [{ name: 'FILTERS', score: filterPoints }];
}

function rounded(points: number): number {
  return Math.round(points * 100) / 100;
}

/** For mail programs, which warn their readers, and for scripts. */
function phishingEdits(words: readonly string[]): readonly ScanEdit[] {
  if (words.length === 0) return [];
  return [{ kind: 'add-field', name: 'X-Phishing', value: words.join(', '), at: 0 }];
}
