/**
 * Shaping in an engine thread: its state, what it reports on the paths it uses, and the paths it owns.
 *
 * Runs in:   engine threads.
 */

import type { ArrivedAsk, Handlers } from '../actors/ask.ts';
import {
  type MarksSnapshot,
  type ShapingQuestion,
  type ShapingSnapshot,
  shapingAsks,
  shapingNotice,
} from '../actors/asks/shaping-asks.ts';
import type { Metrics } from '../base/metrics.ts';
import type { Deliveries } from './delivery/deliveries.ts';
import { PathOwners, type ShapingCounters } from './delivery/shaping/path-owners.ts';
import { Shaper } from './delivery/shaping/shaper.ts';
import { ShapingState } from './delivery/shaping/shaping-state.ts';
import { showShaping } from './delivery/shaping/show.ts';
import type { EngineParts } from './engine-parts.ts';

export interface EngineShaping {
  readonly state: ShapingState;
  readonly shaper: Shaper;
  readonly owners: PathOwners;
}

export function createShaping(parts: EngineParts): EngineShaping {
  const { clock, life, shards, uplink, notice, settings, metrics } = parts;
  const state = new ShapingState(clock);
  const made = {
    state,
    shaper: new Shaper({ clock, state, thread: life, shards, ask: uplink }),
    owners: new PathOwners({
      ...{ clock, state, connectionsMax: settings.relay.connectionsPerSiteMax },
      findings: (findings) => notice(shapingNotice, findings),
      counters: countersOf(metrics),
    }),
  };
  metrics.gaugeOf(
    'chaski_shaping_paths_held_back',
    'Paths with fewer connections than their limits let them have, for they refused.',
    () => made.owners.heldBackCount,
  );
  return made;
}

/** As many labels as there are providers and rules. */
function countersOf(metrics: Metrics): ShapingCounters {
  const falls = metrics.counters(
    'chaski_shaping_falls_total',
    'How often a path refused for load and got fewer connections.',
    ['provider'],
  );
  const acts = metrics.counters(
    'chaski_shaping_rules_acted_total',
    'How often a response rule had its hits, and suspended or slowed something.',
    ['rule'],
  );
  return {
    fell: (provider) => falls.with({ provider: provider === '' ? 'none' : provider }).inc(),
    acted: (rule) => acts.with({ rule }).inc(),
  };
}

export function shapingHandlers(
  { state, owners }: EngineShaping,
  deliveries: Deliveries,
): Handlers {
  return {
    [shapingAsks.rules]: (ask) => {
      state.setRules(ask.meta as ShapingSnapshot);
      owners.refresh();
      return { ok: true, value: undefined };
    },
    [shapingAsks.marks]: (ask) => {
      const { marks, held } = ask.meta as MarksSnapshot;
      owners.learn(held);
      state.setMarks(marks);
      owners.refresh();
      return { ok: true, value: undefined };
    },
    [shapingAsks.feedback]: (ask: ArrivedAsk) => owners.take(ask),
    [shapingAsks.show]: async (ask) => ({
      ok: true,
      value: await showShaping(state, deliveries, ask.meta as ShapingQuestion),
    }),
  };
}
