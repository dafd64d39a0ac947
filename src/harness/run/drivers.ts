/**
 * What plays a group: the shared scheduler with the group's protocol, or autocannon.
 *
 * Runs in: load generator.
 */

import { AutocannonLoad } from '../load/http/autocannon-load.ts';
import { clientOf, constantRate } from '../load/http/client-choice.ts';
import type { ProtocolPlace } from '../load/protocol.ts';
import { createArrivals, type Share } from '../schedule/arrivals.ts';
import type { Driver } from '../schedule/driver.ts';
import { Scheduler } from '../schedule/scheduler.ts';
import { SeededRandom } from '../seeded-random.ts';
import { createProtocol, type GroupPlan } from './run-plan.ts';

/** Of an HTTP group: what sends its requests. */
export function clientNameOf(group: GroupPlan): string | undefined {
  return group.protocol === 'http' ? clientOf(group) : undefined;
}

/** A group of two sessions is played by two threads, however many there are. */
export function shareOf(group: GroupPlan, { index, count }: Share): Share {
  const { sessionsMax, countMax, arrivals } = group;
  const rate = clientNameOf(group) === 'autocannon' ? constantRate(arrivals) : undefined;
  return { index, count: Math.min(count, sessionsMax, countMax, rate ?? Infinity) };
}

/** `seed`: of the arrivals. */
export function createDriver(group: GroupPlan, place: ProtocolPlace, seed: number): Driver {
  const { clock, recorder, share } = place;
  const { arrivals, perConnection, durationMs, patienceMs } = group;
  const common = {
    ...{ durationMs, patienceMs },
    sessionsMax: part(group.sessionsMax, share),
    countMax: part(group.countMax, share),
  };
  if (group.protocol === 'http' && clientOf(group) === 'autocannon') {
    const rate = constantRate(arrivals);
    const perSecond = rate === undefined ? undefined : part(rate, share);
    return new AutocannonLoad(group.options, place, { ...common, perSecond });
  }
  return new Scheduler({
    ...common,
    protocol: createProtocol(group, place),
    ...{ recorder, clock, perConnection },
    arrivals:
      arrivals === undefined ? undefined : createArrivals(arrivals, new SeededRandom(seed), share),
  });
}

/** Whole numbers that add up to `all` over the shares. */
function part(all: number, { index, count }: Share): number {
  if (!Number.isFinite(all)) return all;
  return Math.floor(all / count) + (index < all % count ? 1 : 0);
}
