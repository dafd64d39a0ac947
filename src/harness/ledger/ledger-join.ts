/**
 * Joins the entries of a ledger into one account: what became of every message, for every
 * recipient.
 *
 * Runs in:   ledger, crash and bench runs. Entries may come in any order.
 * Limits:    keeps every entry in memory, about 1 kB a message; at most `examplesCountMax` ids a
 *            finding.
 * Invariant: lost = acknowledged, and neither arrived nor bounced. A message whose acknowledgement
 *            never came (the server died) may arrive or not; both are right, twice is not.
 */

import { Histogram, type LatencySummary } from '../measure/histogram.ts';
import type {
  AcknowledgedEntry,
  ArrivedEntry,
  BouncedEntry,
  EntryKind,
  InjectedEntry,
  LedgerEntries,
  RefusedEntry,
} from './entries.ts';

const examplesCountMax = 10;

interface History {
  readonly injected: InjectedEntry[];
  readonly acknowledged: AcknowledgedEntry[];
  readonly refused: RefusedEntry[];
  readonly arrived: ArrivedEntry[];
  readonly bounced: BouncedEntry[];
}

export const findings = ['lost', 'duplicated', 'corrupted', 'unexplained', 'malformed'] as const;
export type Finding = (typeof findings)[number];

/** Counts are of copies (one message for one recipient), except `messages` and `malformed`. */
export interface LedgerAccount {
  readonly messages: number;
  readonly copies: number;
  readonly acknowledged: number;
  readonly refused: number;
  /** Neither acknowledged nor refused: the session broke. */
  readonly unknown: number;
  readonly unknownArrived: number;
  readonly arrived: number;
  readonly bounced: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly corrupted: number;
  readonly unexplained: number;
  readonly malformed: number;
  readonly examples: Readonly<Record<Finding, readonly string[]>>;
  /** From the end of DATA to arrival. */
  readonly endToEnd: LatencySummary;
  /** From the intended start to arrival. */
  readonly fromIntended: LatencySummary;
}

export class LedgerJoin {
  readonly #histories = new Map<string, History>();
  readonly #malformed: string[] = [];

  add<K extends EntryKind>(kind: K, entry: LedgerEntries[K]): void {
    let history = this.#histories.get(entry.id);
    if (history === undefined) {
      history = { injected: [], acknowledged: [], refused: [], arrived: [], bounced: [] };
      this.#histories.set(entry.id, history);
    }
    (history[kind] as LedgerEntries[K][]).push(entry);
  }

  addMalformed(kind: EntryKind, line: string): void {
    this.#malformed.push(`${kind}: ${line.slice(0, 80)}`);
  }

  account(): LedgerAccount {
    const sum = new Summing();
    for (const line of this.#malformed) sum.find('malformed', line);
    for (const [id, history] of this.#histories) sum.addHistory(id, history);
    return sum.account();
  }
}

class Summing {
  readonly #counts = {
    messages: 0,
    copies: 0,
    acknowledged: 0,
    refused: 0,
    unknown: 0,
    unknownArrived: 0,
    arrived: 0,
    bounced: 0,
    lost: 0,
    duplicated: 0,
    corrupted: 0,
    unexplained: 0,
    malformed: 0,
  };
  readonly #examples: Record<Finding, string[]> = {
    lost: [],
    duplicated: [],
    corrupted: [],
    unexplained: [],
    malformed: [],
  };
  readonly #endToEnd = new Histogram();
  readonly #fromIntended = new Histogram();

  find(finding: Finding, example: string, count = 1): void {
    this.#counts[finding] += count;
    if (this.#examples[finding].length < examplesCountMax) this.#examples[finding].push(example);
  }

  addHistory(id: string, history: History): void {
    const arrivals = countCopies(history.arrived);
    for (const count of arrivals.values()) this.#counts.arrived += count;
    const injected = history.injected[0];
    if (injected === undefined || history.injected.length > 1) {
      // Arrived, but we never sent it; or sent under an id twice, and no arrival can be told apart.
      this.find('unexplained', id, Math.max(1, arrivals.size));
      return;
    }
    this.#counts.messages++;
    const acknowledged = countCopies(history.acknowledged);
    const refused = countCopies(history.refused);
    const bounced = countCopies(history.bounced);
    for (const to of new Set(injected.to)) {
      const copy = `${id} ${to}`;
      const came = arrivals.get(to) ?? 0;
      this.#counts.copies++;
      if (came > 1) this.find('duplicated', copy, came - 1);
      if (bounced.has(to)) this.#counts.bounced++;
      if (acknowledged.has(to)) {
        this.#counts.acknowledged++;
        if (came === 0 && !bounced.has(to)) this.find('lost', copy);
      } else if (refused.has(to)) {
        this.#counts.refused++;
        if (came > 0) this.find('unexplained', copy);
      } else {
        this.#counts.unknown++;
        if (came > 0) this.#counts.unknownArrived++;
      }
      arrivals.delete(to);
    }
    for (const to of arrivals.keys()) this.find('unexplained', `${id} ${to}`);
    this.#addArrivals(injected, history);
  }

  #addArrivals(injected: InjectedEntry, history: History): void {
    const sentMs = history.acknowledged[0]?.sentMs;
    for (const arrived of history.arrived) {
      if (arrived.sha256 !== injected.sha256) {
        this.find('corrupted', `${injected.id} ${arrived.to.join(' ')}`, arrived.to.length);
      }
      this.#fromIntended.record(arrived.atMs - injected.intendedMs);
      if (sentMs !== undefined) this.#endToEnd.record(arrived.atMs - sentMs);
    }
  }

  account(): LedgerAccount {
    return {
      ...this.#counts,
      examples: this.#examples,
      endToEnd: this.#endToEnd.summary(),
      fromIntended: this.#fromIntended.summary(),
    };
  }
}

function countCopies(entries: readonly { readonly to: readonly string[] }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const entry of entries) {
    for (const to of entry.to) counts.set(to, (counts.get(to) ?? 0) + 1);
  }
  return counts;
}
