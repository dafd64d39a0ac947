/**
 * The text of `/metrics`, by prom-client, from the figures of all threads.
 *
 * Runs in:   main thread: other threads need not load prom-client to count.
 * Specs:     Prometheus text exposition format 0.0.4.
 */

import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client';
import type { MetricRows } from './metrics.ts';

export const metricsContentType = Registry.PROMETHEUS_CONTENT_TYPE;

/** CPU, memory, garbage collection and event-loop lag of the process, from the call on. */
export function processRows(): () => Promise<MetricRows> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return () => registry.getMetricsAsJSON();
}

export async function metricsText(threads: readonly MetricRows[]): Promise<string> {
  return await AggregatorRegistry.aggregate(threads as unknown as object[]).metrics();
}
