/**
 * Adds up what became of messages, one history after the other, into one account.
 *
 * Runs in:   ledger, crash and bench runs; pure.
 * Limits:    `examplesCountMax` examples a finding; order as `OrderWatch` says.
 * Invariant: lost = acknowledged, and neither came nor was reported as failed. A message whose acknowledgement never
 *            came (the server died) may arrive or not; both are right, twice is not.
 */

import { Histogram, type LatencySummary } from '../measure/histogram.ts';
import type { InjectedEntry, SeenEntry } from './entries.ts';
import { type Copies, copiesCame, distinct, type History, named, toldOf } from './history.ts';
import { type FaintMessage, OrderWatch } from './order-watch.ts';

const examplesCountMax = 10;

/** What a verdict allows none of, unless a threshold says otherwise. */
export const findings = [
  'lost',
  'duplicated',
  'corrupted',
  'unexplained',
  'contradicted',
  'malformed',
] as const;
export type Finding = (typeof findings)[number];

const counted = [
  ...(['messages', 'copies', 'acknowledged', 'refused', 'unknown', 'unknownArrived'] as const),
  ...(['arrived', 'seen', 'bounced', 'delayed', 'reported', 'unreported', 'foreign'] as const),
  ...findings,
] as const;
type Counts = { [K in (typeof counted)[number]]: number };

/** Counts are of copies (one message for one recipient), except `messages`, `foreign` and `malformed`. */
export interface LedgerAccount extends Readonly<Counts> {
  /** Copies whose order is defined: several of one session for one recipient at one door. */
  readonly ordered: number;
  readonly reordered: number;
  /** Copies there was no room to look at the order of. */
  readonly unordered: number;
  readonly examples: Readonly<Record<Finding | 'reordered', readonly string[]>>;
  /** From the end of DATA to arrival; by an internal date to the end of its second. */
  readonly endToEnd: LatencySummary;
  /** From the intended start to arrival. */
  readonly fromIntended: LatencySummary;
  /** Of the arrivals with a latency, those known by an internal date: up to a second too long. */
  readonly byInternalDate: number;
}

/** Finds the ids of messages of which only a trace was kept. */
export type Recall = (messages: readonly FaintMessage[]) => readonly string[];

const internalDateMs = 1_000;

export class AccountSum {
  readonly #counts = Object.fromEntries(counted.map((name) => [name, 0])) as Counts;
  readonly #examples: Record<Finding, string[]> = {
    lost: [],
    duplicated: [],
    corrupted: [],
    unexplained: [],
    contradicted: [],
    malformed: [],
  };
  readonly #endToEnd = new Histogram();
  readonly #fromIntended = new Histogram();
  readonly #order = new OrderWatch();
  #byInternalDate = 0;

  find(finding: Finding, example: string, count = 1): void {
    this.#counts[finding] += count;
    if (this.#examples[finding].length < examplesCountMax) this.#examples[finding].push(example);
  }

  addHistory(id: string, history: History): void {
    const { injected, injectedCount, overflow } = history;
    const seen = distinct(history.seen);
    const came = copiesCame(history.arrived ?? [], seen);
    for (const copies of came.values()) {
      this.#counts.arrived += copies.arrived;
      this.#counts.seen += copies.seen;
    }
    if (overflow > 0) this.find('unexplained', `${id}: ${overflow} entries more`, overflow);
    if (injected === undefined && came.size === 0 && isOnlyReported(history)) {
      // A server's webhook tells of everybody's mail.
      this.#counts.foreign++;
      return;
    }
    if (injected === undefined || injectedCount > 1) {
      // Arrived, but we never sent it; or sent under an id twice, and no arrival can be told apart.
      this.find('unexplained', id, Math.max(1, came.size));
      return;
    }
    this.#counts.messages++;
    this.#addCopies(injected, history, came);
    this.#addArrivals(injected, history, seen);
  }

  account(recall: Recall): LedgerAccount {
    const { compared, reordered, first, unwatched } = this.#order.finding();
    return {
      ...this.#counts,
      ...{ ordered: compared, reordered, unordered: unwatched },
      examples: { ...this.#examples, reordered: first.length === 0 ? [] : recall(first) },
      endToEnd: this.#endToEnd.summary(),
      fromIntended: this.#fromIntended.summary(),
      byInternalDate: this.#byInternalDate,
    };
  }

  #addCopies(injected: InjectedEntry, history: History, came: Map<string, Copies>): void {
    const { id } = injected;
    const counts = this.#counts;
    const acknowledged = named(history.acknowledged);
    const refused = named(history.refused);
    const told = toldOf(injected, history);
    for (const name of told.strangers) this.find('unexplained', `${id} a report of ${name}`);
    for (const to of named([injected])) {
      const copy = `${id} ${to}`;
      const { arrived = 0, seen = 0 } = came.get(to) ?? {};
      const count = arrived + seen;
      const hasFailed = told.failed.has(to);
      counts.copies++;
      if (count > 1) this.find('duplicated', copy, count - 1);
      if (hasFailed) counts.bounced++;
      if (told.delayed.has(to)) counts.delayed++;
      if (told.byWebhook.has(to)) counts.reported++;
      if (hasFailed && (count > 0 || told.delivered.has(to))) this.find('contradicted', copy);
      if (acknowledged.has(to)) {
        counts.acknowledged++;
        if (count === 0 && !hasFailed) this.find('lost', copy);
        if (!told.endedByWebhook.has(to)) counts.unreported++;
      } else if (refused.has(to)) {
        counts.refused++;
        if (count > 0) this.find('unexplained', copy);
      } else {
        counts.unknown++;
        if (count > 0) counts.unknownArrived++;
      }
      came.delete(to);
    }
    for (const to of came.keys()) this.find('unexplained', `${id} ${to}`);
  }

  #addArrivals(injected: InjectedEntry, history: History, seen: readonly SeenEntry[]): void {
    const { arrived = [] } = history;
    const { id, session, sha256, intendedMs } = injected;
    const sentMs = new Map<string, number>();
    for (const entry of history.acknowledged ?? []) {
      for (const to of named([entry])) sentMs.set(to, entry.sentMs);
    }
    const places = new Set<string>();
    const enter = (to: string, via: string, arrival: number, atMs: number) => {
      const sent = sentMs.get(to);
      this.#fromIntended.record(atMs - intendedMs);
      if (sent === undefined) return;
      this.#endToEnd.record(atMs - sent);
      const place = `${to}\n${via}`;
      if (session === undefined || places.has(place)) return;
      places.add(place);
      this.#order.add({ id, session, to, via, sentMs: sent, arrival });
    };
    for (const entry of arrived) {
      for (const to of named([entry])) enter(to, entry.via, entry.atMs, entry.atMs);
    }
    for (const entry of seen) {
      for (const to of named([entry])) {
        this.#byInternalDate++;
        enter(to, entry.via, entry.uid, entry.atMs + internalDateMs);
      }
    }
    for (const entry of [...arrived, ...seen]) {
      if (entry.sha256 !== sha256) {
        this.find('corrupted', `${id} ${entry.to.join(' ')}`, entry.to.length);
      }
    }
  }
}

function isOnlyReported({ acknowledged, refused, bounced }: History): boolean {
  return acknowledged === undefined && refused === undefined && bounced === undefined;
}
