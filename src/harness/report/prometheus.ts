/**
 * A run's figures for Prometheus while it lasts: outcomes, latencies, sessions and bytes since it began.
 *
 * Runs in:   load generator, main thread; loaded where a run is told to.
 * Specs:     Prometheus text exposition format 0.0.4, written by prom-client.
 * Limits:    as many series as recorders tell names apart.
 * Invariant: whoever reads it costs the load a moment and changes nothing.
 */

import { createServer, type Server } from 'node:http';
import { type Metric, Registry } from 'prom-client';
import type { HostPort } from '../addresses.ts';
import { Histogram } from '../measure/histogram.ts';
import type { LiveGroup } from '../measure/live-group.ts';
import { outcomes } from '../measure/run-report.ts';
import type { LiveShare } from '../run/share-run.ts';

const quantiles = [0.5, 0.9, 0.99, 0.999] as const;

export class PrometheusEndpoint {
  readonly #live: () => readonly LiveShare[];
  readonly #server: Server;

  constructor(live: () => readonly LiveShare[]) {
    this.#live = live;
    this.#server = createServer((request, response) => {
      request.resume();
      if (request.url?.split('?')[0] !== '/metrics') {
        response.writeHead(404).end('here is /metrics\n');
        return;
      }
      this.text().then(
        (text) =>
          response.writeHead(200, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE }).end(text),
        (error: Error) => response.writeHead(500).end(`${error.message}\n`),
      );
    });
  }

  async start({ host, port }: HostPort): Promise<HostPort> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    return { host, port: (this.#server.address() as { port: number }).port };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  async text(): Promise<string> {
    const registry = new Registry();
    for (const { name, ...family } of familiesOf(this.#live())) {
      // prom-client reads no more of a metric than its name and `get` (lib/registry.js, 15.1.3).
      const metric = { name, get: async () => ({ name, ...family, aggregator: 'sum' }) };
      registry.registerMetric(metric as unknown as Metric);
    }
    return await registry.metrics();
  }
}

interface Row {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly metricName?: string;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'summary';
  readonly values: readonly Row[];
}

function familiesOf(shares: readonly LiveShare[]): readonly Family[] {
  const groups = shares.flatMap((share) => share.groups ?? []);
  const sum = (of: (group: LiveGroup) => number) => sumByGroup(groups, of);
  const okPerSecond = shares.reduce((all, { latest }) => all + (latest?.ok ?? 0), 0);
  const bytes = (direction: string, of: (group: LiveGroup) => number) =>
    sum(of).map(({ labels, value }) => ({ labels: { ...labels, direction }, value }));
  const { counts, latencies } = operationRows(groups);
  return [
    {
      ...{ name: 'chaski_load_operations_total', type: 'counter', values: counts },
      help: 'Operations, by what became of them.',
    },
    {
      ...{ name: 'chaski_load_latency_seconds', type: 'summary', values: latencies },
      help: 'From the intended start, of operations that were ok, since the run began.',
    },
    {
      ...{ name: 'chaski_load_ok_per_second', type: 'gauge' },
      ...{ help: 'Operations that were ok, in the last whole second.' },
      values: [{ labels: {}, value: okPerSecond }],
    },
    {
      ...{ name: 'chaski_load_sessions', type: 'gauge', help: 'Sessions open or opening.' },
      values: sum(({ sessions }) => sessions),
    },
    {
      ...{ name: 'chaski_load_connections_total', type: 'counter', help: 'Connections opened.' },
      values: sum(({ connections }) => connections),
    },
    {
      ...{ name: 'chaski_load_bytes_total', type: 'counter', help: 'Bytes on the wire.' },
      values: [
        ...bytes('sent', ({ bytesSent }) => bytesSent),
        ...bytes('received', ({ bytesReceived }) => bytesReceived),
      ],
    },
  ];
}

/** Threads play parts of a group each. */
function sumByGroup(groups: readonly LiveGroup[], of: (group: LiveGroup) => number): Row[] {
  const sums = new Map<string, number>();
  for (const group of groups) sums.set(group.name, (sums.get(group.name) ?? 0) + of(group));
  return Array.from(sums, ([group, value]) => ({ labels: { group }, value }));
}

function operationRows(groups: readonly LiveGroup[]): {
  readonly counts: readonly Row[];
  readonly latencies: readonly Row[];
} {
  const merged = new Map<string, { labels: Row['labels']; counts: number[]; latency: Histogram }>();
  for (const { name: group, operations } of groups) {
    for (const [operation, told] of Object.entries(operations)) {
      const key = JSON.stringify([group, operation]);
      const all = merged.get(key) ?? {
        labels: { group, operation },
        counts: outcomes.map(() => 0),
        latency: new Histogram(),
      };
      merged.set(key, all);
      for (const [at, outcome] of outcomes.entries()) all.counts[at]! += told[outcome];
      all.latency.add(Histogram.decode(told.histogram));
    }
  }
  const each = [...merged.values()];
  return {
    counts: each.flatMap(({ labels, counts }) =>
      outcomes.map((outcome, at) => ({ labels: { ...labels, outcome }, value: counts[at]! })),
    ),
    latencies: each.flatMap(({ labels, latency }) => latencyRows(labels, latency)),
  };
}

function latencyRows(labels: Row['labels'], latency: Histogram): readonly Row[] {
  const name = 'chaski_load_latency_seconds';
  const { count, meanMs } = latency.summary();
  const rows: readonly Row[] = quantiles.map((quantile) => ({
    labels: { ...labels, quantile: `${quantile}` },
    // There is no latency where nothing was ok: that is no latency of 0.
    value: count === 0 ? Number.NaN : latency.percentileMs(quantile * 100) / 1000,
  }));
  return [
    ...rows,
    { labels, value: (count * meanMs) / 1000, metricName: `${name}_sum` },
    { labels, value: count, metricName: `${name}_count` },
  ];
}
