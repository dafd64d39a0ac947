/**
 * Measurements of where events go on to: files and webhooks.
 *
 * Runs in:   main thread; counted when asked.
 */

import type { Metrics } from '../../base/metrics.ts';
import { secondMs } from '../../base/units.ts';
import type { EventStreams } from './open-streams.ts';
import type { SinkFacts } from './sink-feeder.ts';

export function eventMetrics(
  metrics: Metrics,
  { webhooks, sinks }: Pick<EventStreams, 'webhooks' | 'sinks'>,
): void {
  const ofFiles = (name: string, help: string, read: (facts: SinkFacts) => number) => {
    metrics.gaugeOf(`chaski_event_files_${name}`, help, () =>
      sinks().reduce((sum, facts) => sum + read(facts), 0),
    );
  };
  ofFiles(
    'lag_seconds',
    'Age of the oldest event that is in no file yet.',
    (of) => of.lagMs / secondMs,
  );
  ofFiles('bytes', 'Octets of events written to files, since the start.', (of) => of.bytes);
  ofFiles('events', 'Events written to files, since the start.', (of) => of.sentCount);
  ofFiles(
    'failures',
    'Writes of event files that failed, since the start.',
    (of) => of.failureCount,
  );
  const all = () => webhooks.list();
  metrics.gaugeOf(
    'chaski_webhook_lag_seconds',
    'Age of the oldest event that a webhook was not sent yet, of the webhook most behind; paused ones aside.',
    () => Math.max(0, ...all().map((each) => webhooks.lagMs(each))) / secondMs,
  );
  metrics.gaugeOf(
    'chaski_webhooks_failing',
    'Webhooks whose last request was not taken.',
    () => all().filter(({ failingSinceMs, isPaused }) => failingSinceMs > 0 && !isPaused).length,
  );
  metrics.gaugeOf(
    'chaski_webhooks_paused',
    'Webhooks that are paused, by themselves or by their owner.',
    () => all().filter(({ isPaused }) => isPaused).length,
  );
}
