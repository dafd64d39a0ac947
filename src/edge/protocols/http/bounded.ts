/**
 * Answers requests of each network up to a rate, and says to the others when to come again.
 *
 * Runs in:   edge (main thread).
 */

import { peerNetwork } from '../../../base/networks.ts';
import type { Clock } from '../../../ports/clock.ts';
import { RequestRates } from '../../guard/request-rates.ts';
import { type HttpAnswer, type HttpRequest, plain } from './server.ts';

type Answering = (request: HttpRequest) => Promise<HttpAnswer>;

export function boundedBy(requestsPerMinuteMax: number, clock: Pick<Clock, 'monotonicMs'>) {
  const rates = new RequestRates(requestsPerMinuteMax);
  return (answering: Answering): Answering =>
    async (request) => {
      const seconds = rates.take(peerNetwork(request.address), clock.monotonicMs());
      if (seconds === 0) return await answering(request);
      return { ...plain(429, 'too many requests'), retryAfterSeconds: seconds };
    };
}
