/** Filters of strangers on a DNS given by the test, for sessions and for filters by themselves. */

import { filterPolicy } from '../../src/app/filters.ts';
import { silentLog } from '../../src/base/log.ts';
import { ConnectionFilters, type FilterParts } from '../../src/edge/filters/connection-filters.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { noLabels } from '../../src/ports/network-labels.ts';
import { SeededClock } from './seeded-clock.ts';
import { fakeDirectory } from './smtp-fakes.ts';
import { type SettingsGiven, testSettings } from './test-server.ts';
import { type Zone, ZoneDns } from './zone-dns.ts';

export interface FilterWorld {
  readonly filters: ConnectionFilters;
  readonly dns: ZoneDns;
  /** What was told: `found WORD`, `failed WORD`, `answered ANSWER`. */
  readonly told: string[];
}

export interface FilterWorldOptions {
  /** Below `filters.`: `helo.bareAddress` to its value, as `--set` takes it. */
  readonly given?: SettingsGiven;
  readonly zone?: Zone;
  readonly clock?: Clock;
  readonly parts?: Partial<FilterParts>;
}

export function filterWorld({ given = {}, zone = {}, clock, parts }: FilterWorldOptions = {}) {
  const named = Object.entries(given).map(([name, value]) => [`filters.${name}`, value]);
  const settings = testSettings('/nowhere', Object.fromEntries(named));
  const told: string[] = [];
  const dns = new ZoneDns(zone);
  const filters = new ConnectionFilters(
    {
      ...{ dns, clock: clock ?? new SeededClock(), log: silentLog, labels: noLabels },
      directory: fakeDirectory,
      observer: {
        found: (word) => told.push(`found ${word}`),
        lookUpFailed: (word) => told.push(`failed ${word}`),
        answered: (answer) => told.push(`answered ${answer}`),
      },
      ...parts,
    },
    filterPolicy(settings),
  );
  return { filters, dns, told } satisfies FilterWorld;
}
