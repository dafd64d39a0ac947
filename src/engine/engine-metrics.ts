/**
 * What an engine thread counts: messages in, outcomes, time to the final outcome, state of shards and delivery.
 *
 * Runs in: engine threads; merged with the others' by the main thread at a scrape.
 */

import { droppedLines } from '../base/log.ts';
import { bytesBounds, type Metrics, secondsBounds } from '../base/metrics.ts';
import type { MessageCounters } from './spool/events.ts';

export function engineCounters(metrics: Metrics): MessageCounters {
  const accepted = metrics.counter(
    'chaski_messages_accepted_total',
    'Messages journaled by spools.',
  );
  const sizes = metrics.histogram(
    'chaski_message_bytes',
    'Size of accepted messages.',
    bytesBounds,
  );
  const outcomes = metrics.counters(
    'chaski_outcomes_total',
    'Attempts that ended, by the state of their recipient, and why where it was not delivered.',
    ['state', 'why'],
  );
  const departures = metrics.counters(
    'chaski_source_outcomes_total',
    'Attempts that ended, by the source they left by and the state of their recipient.',
    ['source', 'state'],
  );
  const stored = metrics.counters('chaski_stored_total', 'Copies for accounts, by result.', [
    'result',
  ]);
  const latency = metrics.histogram(
    'chaski_message_seconds',
    'From acceptance to the last final outcome.',
    secondsBounds,
  );
  return {
    accepted(bytes) {
      accepted.inc();
      sizes.observe(bytes);
    },
    outcome(state, why, source) {
      outcomes.with({ state, why }).inc();
      if (source !== undefined) departures.with({ source, state }).inc();
    },
    stored: (result) => stored.with({ result }).inc(),
    done: (latencyMs) => latency.observe(latencyMs / 1_000),
  };
}

export interface EngineGauges {
  readonly activeCount: () => number;
  readonly queuedCount: () => number;
  readonly residentBytes: () => number;
  readonly waitingCount: () => number;
  readonly connectionCount: () => number;
  readonly eventsDropped: () => number;
  readonly eventRecordsLost: () => number;
}

export function engineGauges(metrics: Metrics, gauges: EngineGauges): void {
  metrics.gaugeOf(
    'chaski_log_lines_dropped',
    'Log lines that a slow reader cost, since the start of each thread.',
    () => droppedLines.count,
  );
  metrics.gaugeOf(
    'chaski_events_dropped',
    'Events that no record tells and the disk did not take, since their shards were opened.',
    gauges.eventsDropped,
  );
  metrics.gaugeOf(
    'chaski_event_records_lost',
    'Records whose events could not be kept, since their shards were opened.',
    gauges.eventRecordsLost,
  );
  metrics.gaugeOf(
    'chaski_spool_active_messages',
    'Messages of the spool in memory.',
    gauges.activeCount,
  );
  metrics.gaugeOf(
    'chaski_queue_messages',
    'Messages with a waiting recipient.',
    gauges.queuedCount,
  );
  metrics.gaugeOf('chaski_spool_resident_bytes', 'Bodies in memory.', gauges.residentBytes);
  metrics.gaugeOf('chaski_sites_waiting', 'Messages before their site.', gauges.waitingCount);
  metrics.gaugeOf('chaski_outbound_connections', 'Open connections out.', gauges.connectionCount);
}
