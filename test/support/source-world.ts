/** Sources for tests of delivery: a chooser over given sources and pools, with a main thread that lends as told. */

import type {
  AllowanceMeta,
  AllowanceValue,
  PathSuspension,
  SourceDown,
  SourcesSnapshot,
} from '../../src/actors/asks/source-asks.ts';
import { Allowances, dayOf } from '../../src/engine/delivery/sources/allowances.ts';
import { SourceChooser } from '../../src/engine/delivery/sources/chooser.ts';
import type { Source } from '../../src/engine/delivery/sources/source.ts';
import { SourceStates } from '../../src/engine/delivery/sources/source-states.ts';
import type { PoolRule } from '../../src/settings/egress.ts';
import { SeededClock, SeededRandom } from './seeded-clock.ts';

export interface SourceWorldOptions {
  readonly sources: readonly Source[];
  readonly pools?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly pool?: string;
  /** Whose mail may ask for any of the pools. */
  readonly tenants?: readonly string[];
  readonly poolRules?: readonly Partial<PoolRule>[];
  readonly warmupPlan?: readonly number[];
  readonly clock?: SeededClock;
  readonly providerOf?: (site: string) => string;
  /** The answer to each ask for an allowance; absent: ten messages. */
  readonly lend?: (meta: AllowanceMeta) => Promise<AllowanceValue | undefined>;
}

export function sourceWorld(options: SourceWorldOptions) {
  const { sources, pools = {}, pool = '', poolRules = [], warmupPlan = [10] } = options;
  const clock = options.clock ?? new SeededClock();
  const told: PathSuspension[] = [];
  const downs: SourceDown[] = [];
  const asked: AllowanceMeta[] = [];
  const rooms: string[] = [];
  const states = new SourceStates({
    clock,
    onSuspension: (suspension) => told.push(suspension),
    onDown: (down) => downs.push(down),
  });
  const allowances = new Allowances({
    clock,
    onRoom(name) {
      rooms.push(name);
      return false;
    },
    ask: (meta) => {
      asked.push(meta);
      return options.lend?.(meta) ?? Promise.resolve([10, dayOf(clock)]);
    },
  });
  const chooser = new SourceChooser({
    relay: {
      pools: Object.entries(pools).map(([name, members]) => ({
        ...{ name, tenants: options.tenants ?? [] },
        sources: Object.entries(members).map(([source, weight]) => ({ source, weight })),
      })),
      ...{ pool, warmupPlan },
      poolRules: poolRules.map((rule) => ({
        ...{ tenant: '', campaign: '', domain: '', pool: '' },
        ...rule,
      })),
    },
    ...{ sources, states, allowances, clock, random: new SeededRandom(3) },
    providerOf: options.providerOf ?? ((site) => site),
  });
  return { chooser, states, allowances, clock, told, downs, asked, rooms };
}

export function snapshotOf(change: Partial<SourcesSnapshot> = {}): SourcesSnapshot {
  return { suspended: [], paths: [], warmingFrom: {}, tenants: {}, ...change };
}
