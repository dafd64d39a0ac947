/**
 * `/metrics`, `/healthz` and `/readyz`.
 *
 * Runs in:   edge (main thread).
 */

import { metricsContentType } from '../../../base/metrics-text.ts';
import { type HttpAnswer, plain, type Routes } from './server.ts';

export interface Readiness {
  readonly isReady: boolean;
  /** What is wrong, in words for operators: shards that are not open or have no room, silent threads, draining. */
  readonly faults: readonly string[];
  /** What is wrong and does not keep it from being ready: certificates. */
  readonly warnings?: readonly string[];
}

export interface ProbeSources {
  /** The text of `/metrics`, all threads together. */
  metrics(): Promise<string>;
  /** Whether the process is worth keeping: false asks the supervisor outside to restart it. */
  isAlive(): boolean;
  readiness(): Readiness | Promise<Readiness>;
}

export function probeRoutes(sources: ProbeSources): Routes {
  return {
    '/metrics': async () => ({
      status: 200,
      type: metricsContentType,
      body: await sources.metrics(),
    }),
    '/healthz': () => (sources.isAlive() ? plain(200, 'ok') : plain(503, 'failed')),
    '/readyz': async () => readinessAnswer(await sources.readiness()),
  };
}

function readinessAnswer(readiness: Readiness): HttpAnswer {
  const { isReady, faults, warnings = [] } = readiness;
  const told = { isReady, faults, ...(warnings.length === 0 ? {} : { warnings }) };
  const body = `${JSON.stringify(told)}\n`;
  return { status: isReady ? 200 : 503, type: 'application/json', body };
}
