/**
 * What may become of one message that the server was killed under, copy by copy.
 *
 * Runs in:   crash runs; pure.
 * Invariant: a copy in an account stands there at most once, whatever happened. A copy that left
 *            arrives at most once more than it should for each kill (design §3: its outbound
 *            transaction was open). What was acknowledged arrives. An SMTP message that was not is
 *            there for all its recipients or for none, for one record accepts it; over LMTP each
 *            recipient has its own.
 */

import type { EntryKind, LedgerEntries } from '../../src/harness/ledger/entries.ts';
import type { EntryReceiver } from '../../src/harness/ledger/ledger-reader.ts';

type NamedKind = 'injected' | 'acknowledged' | 'refused';

interface Story {
  readonly injected: Set<string>;
  readonly acknowledged: Set<string>;
  readonly refused: Set<string>;
  /** Arrivals by recipient. */
  readonly arrived: Map<string, number>;
}

export interface AimedJudgeOptions {
  /** Mail for this domain stays. */
  readonly localDomain: string;
  /** Whether one record accepts a message for all its recipients. */
  readonly isAllOrNone: boolean;
}

export class AimedJudge implements EntryReceiver {
  readonly #options: AimedJudgeOptions;
  readonly #stories = new Map<string, Story>();
  #doubledOutside = 0;

  constructor(options: AimedJudgeOptions) {
    this.#options = options;
  }

  /** Copies outside that came a second time. */
  get doubledOutside(): number {
    return this.#doubledOutside;
  }

  add<K extends EntryKind>(kind: K, entry: LedgerEntries[K]): void {
    let story = this.#stories.get(entry.id);
    if (story === undefined) {
      const sets = { injected: new Set<string>(), acknowledged: new Set<string>() };
      story = { ...sets, refused: new Set(), arrived: new Map() };
      this.#stories.set(entry.id, story);
    }
    const named = kind === 'arrived' || kind === 'bounced' ? undefined : story[kind as NamedKind];
    for (const to of entry.to) {
      named?.add(to);
      if (kind === 'arrived') story.arrived.set(to, (story.arrived.get(to) ?? 0) + 1);
    }
  }

  addMalformed(kind: EntryKind, line: string): void {
    throw new Error(`no entry of ${kind}: ${line}`);
  }

  faults(): readonly string[] {
    this.#doubledOutside = 0;
    return [...this.#stories].flatMap(([id, story]) =>
      this.#faultsOf(story).map((fault) => `${id}: ${fault}`),
    );
  }

  #faultsOf(story: Story): readonly string[] {
    const faults: string[] = [];
    let unknownCount = 0;
    let unknownArrived = 0;
    for (const to of story.injected) {
      const came = story.arrived.get(to) ?? 0;
      const isLocal = to.endsWith(`@${this.#options.localDomain}`);
      if (isLocal && came > 1) faults.push(`${came} times in ${to}`);
      if (!isLocal && came > 2) faults.push(`${came} times at ${to}, killed once`);
      if (!isLocal && came === 2) this.#doubledOutside++;
      if (story.acknowledged.has(to)) {
        if (came === 0) faults.push(`acknowledged and never came to ${to}`);
      } else if (!story.refused.has(to)) {
        unknownCount++;
        if (came > 0) unknownArrived++;
      } else if (came > 0) faults.push(`refused and came to ${to}`);
    }
    const isInPart = unknownArrived > 0 && unknownArrived < unknownCount;
    if (this.#options.isAllOrNone && isInPart) {
      faults.push(`not acknowledged, came for ${unknownArrived} of ${unknownCount}`);
    }
    return faults;
  }
}
