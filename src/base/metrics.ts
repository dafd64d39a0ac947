/**
 * Counters, gauges and histograms of one thread, cheap to turn; `metrics-text.ts` makes `/metrics` of them.
 *
 * Runs in:   every thread, a `Metrics` each; a worker's rows cross as plain data and are merged by the one that
 *            answers the scrape.
 * Limits:    `childrenMax` label combinations in a family; what comes after goes to one child labelled "other".
 * Invariant: counting is one addition: no label is hashed and nothing is allocated on a hot path.
 */

import { assert } from './assert.ts';

export type Labels = Readonly<Record<string, string>>;
/** How rows of several threads become one. */
export type Merge = 'sum' | 'max' | 'min' | 'average' | 'first';
/** What `Metrics.rows` gives: crosses threads as it is. */
export type MetricRows = readonly unknown[];

const childrenMax = 1_000;

export class Counter {
  value = 0;

  inc(by = 1): void {
    this.value += by;
  }
}

class Gauge {
  value = 0;

  set(value: number): void {
    this.value = value;
  }

  add(by: number): void {
    this.value += by;
  }
}

class Histogram {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sum += value;
  }
}

/** The children of one metric, one per combination of label values. Keep the child: `with` is not for hot paths. */
export class Family<Child> {
  readonly labelNames: readonly string[];
  readonly children = new Map<string, { readonly labels: Labels; readonly child: Child }>();
  readonly #create: () => Child;

  constructor(labelNames: readonly string[], create: () => Child) {
    this.labelNames = labelNames;
    this.#create = create;
  }

  with(labels: Labels): Child {
    const values = this.labelNames.map((name) => {
      assert(name in labels, `label ${name} is missing`);
      return labels[name]!;
    });
    return this.#child(values);
  }

  #child(values: readonly string[]): Child {
    const key = values.join('\n');
    const known = this.children.get(key);
    if (known !== undefined) return known.child;
    const other = this.labelNames.map(() => 'other');
    if (this.children.size >= childrenMax && key !== other.join('\n')) return this.#child(other);
    const labels = Object.fromEntries(this.labelNames.map((name, index) => [name, values[index]!]));
    const child = this.#create();
    this.children.set(key, { labels, child });
    return child;
  }
}

/** As prom-client has it. */
interface MetricRow {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly aggregator: Merge;
  readonly values: readonly Row[];
}

export interface Row {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

export class Metrics {
  readonly #metrics = new Map<string, () => MetricRow>();

  counter(name: string, help: string): Counter {
    return this.counters(name, help, []).with({});
  }

  counters(name: string, help: string, labelNames: readonly string[]): Family<Counter> {
    const family = new Family(labelNames, () => new Counter());
    this.#register(name, help, 'counter', 'sum', () => plainRows(family));
    return family;
  }

  gauge(name: string, help: string, merge: Merge = 'sum'): Gauge {
    return this.gauges(name, help, [], merge).with({});
  }

  gauges(
    name: string,
    help: string,
    labelNames: readonly string[],
    merge: Merge = 'sum',
  ): Family<Gauge> {
    const family = new Family(labelNames, () => new Gauge());
    this.#register(name, help, 'gauge', merge, () => plainRows(family));
    return family;
  }

  /** A gauge that is read only when somebody looks. */
  gaugeOf(name: string, help: string, measure: () => number, merge: Merge = 'sum'): void {
    this.#register(name, help, 'gauge', merge, () => [{ labels: {}, value: measure() }]);
  }

  /** As `gaugeOf`, with labels. */
  gaugesOf(name: string, help: string, measure: () => Row[], merge: Merge = 'sum'): void {
    this.#register(name, help, 'gauge', merge, measure);
  }

  /** `bounds` ascend; a last bucket without bound is added. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    return this.histograms(name, help, [], bounds).with({});
  }

  histograms(
    name: string,
    help: string,
    labelNames: readonly string[],
    bounds: readonly number[],
  ): Family<Histogram> {
    const isAscending = bounds.every((bound, at) => at === 0 || bound > bounds[at - 1]!);
    assert(bounds.length > 0 && isAscending, `bounds of ${name} must ascend`);
    const family = new Family(labelNames, () => new Histogram(bounds));
    this.#register(name, help, 'histogram', 'sum', () => histogramRows(name, family));
    return family;
  }

  /** This thread's figures as plain data. */
  rows(): MetricRows {
    return Array.from(this.#metrics.values(), (read) => read());
  }

  #register(
    name: string,
    help: string,
    type: 'counter' | 'gauge' | 'histogram',
    aggregator: Merge,
    rows: () => Row[],
  ): void {
    assert(!this.#metrics.has(name), `metric ${name} is there already`);
    this.#metrics.set(name, () => ({ name, help, type, aggregator, values: rows() }));
  }
}

/** Bounds in seconds for work between 100 µs and a minute. */
export const secondsBounds: readonly number[] = [
  0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60,
];
/** Bounds in bytes for messages. */
export const bytesBounds: readonly number[] = [
  1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
];

function plainRows(family: Family<{ readonly value: number }>): Row[] {
  return [...family.children.values()].map(({ labels, child }) => ({ labels, value: child.value }));
}

function histogramRows(name: string, family: Family<Histogram>): Row[] {
  const rows: Row[] = [];
  for (const { labels, child } of family.children.values()) {
    let count = 0;
    for (let bucket = 0; bucket <= child.bounds.length; bucket++) {
      count += child.counts[bucket]!;
      const le = child.bounds[bucket] ?? '+Inf';
      rows.push({ labels: { le, ...labels }, value: count, metricName: `${name}_bucket` });
    }
    rows.push({ labels, value: child.sum, metricName: `${name}_sum` });
    rows.push({ labels, value: count, metricName: `${name}_count` });
  }
  return rows;
}
