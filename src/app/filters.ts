/**
 * Joins filters of strangers to settings, the DNS, the greylist's table, labels of networks, and metrics.
 *
 * Runs in: main thread.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileLabels } from '../adapters/files/network-labels.ts';
import { KeptGreylist } from '../adapters/lmdb/greylist.ts';
import { openLmdbTable } from '../adapters/lmdb/shard-index.ts';
import { MemoryCounters } from '../adapters/memory/memory-counters.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { createDns } from '../adapters/node/dns.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import type { CarriedDesk } from '../adapters/scanning/carried-desk.ts';
import { openSessionScanners } from '../adapters/scanning/session-scanners.ts';
import { MailError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import { networkSet, noNetworks } from '../base/networks.ts';
import { mebibyte } from '../base/units.ts';
import {
  ConnectionFilters,
  type FilterObserver,
  type FilterPolicy,
} from '../edge/filters/connection-filters.ts';
import { SendRates } from '../edge/guard/send-rates.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import { type NetworkLabels, noLabels } from '../ports/network-labels.ts';
import type { SessionScanners } from '../ports/session-scanners.ts';
import type { Settings } from '../settings/schema.ts';

/** Address space: a row of some hundred bytes an entry, and room for what is replaced. */
const entryBytesMax = 400;

export interface FilterNeeds {
  readonly settings: Settings;
  /** The data folder. */
  readonly folder: string;
  readonly directory: AccountDirectory;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly closers: (() => Promise<void>)[];
}

/** @throws MailError `argument-invalid` for a file of labels that cannot be used. */
export function openFilters(needs: FilterNeeds): ConnectionFilters {
  const { settings, directory, log } = needs;
  const greylist = openGreylist(needs);
  const rates = openStrangerRates(settings, log);
  return new ConnectionFilters(
    {
      dns: createDns({ settings: settings.dns, clock: nodeClock, random: nodeRandom }),
      ...{ clock: nodeClock, log, directory, labels: readLabels(settings) },
      ...(greylist === undefined ? {} : { greylist }),
      ...(rates === undefined ? {} : { rates }),
      observer: filterObserver(needs.metrics),
    },
    filterPolicy(settings),
  );
}

export function filterPolicy(settings: Settings): FilterPolicy {
  const { hostname, filters } = settings;
  const allowed = networkSet(filters.allowNetworks);
  return { hostname, settings: filters, allowed, isOff: isOff(filters) };
}

function isOff({ lists, early, helo, reverse, greylist, labels, rates }: Settings['filters']) {
  const judgements = [...Object.values(helo), ...Object.values(reverse)];
  const counts = [rates.perSenderMax, rates.perAddressMax, rates.perNetworkMax, early.waitMs];
  return (
    lists.length + labels.points.length === 0 &&
    greylist.mode === 'off' &&
    [...judgements, ...counts].every((each) => each === 0)
  );
}

function openGreylist({
  settings,
  folder,
  log,
  metrics,
  closers,
}: FilterNeeds): KeptGreylist | undefined {
  const { greylist } = settings.filters;
  if (greylist.mode === 'off') return undefined;
  const mapBytes = 16 * mebibyte + greylist.entriesMax * entryBytesMax;
  const table = openLmdbTable({ path: join(folder, 'greylist'), mapBytes });
  const kept = new KeptGreylist({ limits: greylist, table, clock: nodeClock, log });
  closers.push(() => kept.close());
  const help = 'Senders and recipients, and networks, that the greylist remembers.';
  metrics.gaugeOf('chaski_greylist_entries', help, () => kept.count);
  return kept;
}

/** Undefined where no rate is set. Apart from the rates of those who hand mail in. */
function openStrangerRates({ filters }: Settings, log: Log): SendRates | undefined {
  const { perSenderMax, perAddressMax, perNetworkMax, windowMs } = filters.rates;
  if (perSenderMax + perAddressMax + perNetworkMax === 0) return undefined;
  return new SendRates({
    max: {
      ...{ account: 0, tenant: 0 },
      ...{ sender: perSenderMax, address: perAddressMax, network: perNetworkMax },
    },
    windowMs,
    counters: new MemoryCounters(nodeClock),
    senderCounters: new MemoryCounters(nodeClock),
    // Who is on the allow list is asked nothing at all.
    allowed: noNetworks,
    log,
    reached: ({ kind, of, max, endsInMs }) =>
      log.warn({ rate: kind, of, max, endsInMs }, 'a rate of strangers’ recipients was met'),
  });
}

function readLabels({ filters }: Settings): NetworkLabels {
  const { file } = filters.labels;
  if (file === '') return noLabels;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new MailError('argument-invalid', `filters.labels.file: ${String(error)}`);
  }
  return new FileLabels(text);
}

type StageNeeds = Pick<FilterNeeds, 'settings' | 'log' | 'metrics' | 'closers'> & {
  readonly desk: CarriedDesk;
};

/** Undefined where no scanner is asked before DATA. */
export function openStages({
  settings,
  log,
  metrics,
  closers,
  desk,
}: StageNeeds): SessionScanners | undefined {
  const needs = { clock: nodeClock, log, metrics, desk };
  const opened = openSessionScanners(settings.scanners.list, needs);
  if (opened !== undefined) closers.push(() => opened.close());
  return opened;
}

function filterObserver(metrics: Metrics): FilterObserver {
  const findings = metrics.counters(
    'chaski_filter_findings_total',
    'What filters found about connections of strangers, by what it is.',
    ['finding'],
  );
  const failures = metrics.counters(
    'chaski_filter_look_ups_failed_total',
    'Look-ups of filters that failed or took too long: nothing was counted for them.',
    ['filter'],
  );
  const answers = metrics.counters(
    'chaski_filter_answers_total',
    'What filters made of strangers’ recipients.',
    ['answer'],
  );
  return {
    found: (finding) => findings.with({ finding }).inc(),
    lookUpFailed: (filter) => failures.with({ filter }).inc(),
    answered: (answer) => answers.with({ answer }).inc(),
  };
}
