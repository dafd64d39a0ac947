/**
 * The sources of this thread's mail, as settings want them and the main thread says.
 *
 * Runs in: engine threads.
 */

import type { Handlers } from '../actors/ask.ts';
import {
  type AllowanceValue,
  pathSuspendedNotice,
  type SourcesSnapshot,
  sourceAsks,
  sourceDownNotice,
} from '../actors/asks/source-asks.ts';
import { noShard, systemAsk } from '../actors/asks/system.ts';
import type { OnRoom } from './delivery/site-options.ts';
import { Allowances } from './delivery/sources/allowances.ts';
import { SourceChooser } from './delivery/sources/chooser.ts';
import { sourceOf } from './delivery/sources/source.ts';
import { SourceStates } from './delivery/sources/source-states.ts';
import type { EngineParts } from './engine-parts.ts';

export interface SourcesNeeds {
  readonly onRoom: OnRoom;
  readonly providerOf: (site: string) => string;
}

/** Undefined where none are set. */
export function createSources(parts: EngineParts, needs: SourcesNeeds): SourceChooser | undefined {
  const { clock, random, settings, sourcePasswords, uplink, notice } = parts;
  const { relay } = settings;
  if (relay.sources.length === 0) return undefined;
  return new SourceChooser({
    ...{ relay, clock, random, providerOf: needs.providerOf },
    sources: relay.sources.map((source) => sourceOf(source, sourcePasswords[source.name])),
    states: new SourceStates({
      clock,
      onSuspension: (suspension) => notice(pathSuspendedNotice, suspension),
      onDown: (down) => notice(sourceDownNotice, down),
    }),
    allowances: new Allowances({
      ...{ clock, onRoom: needs.onRoom },
      async ask(meta) {
        const answer = await uplink(systemAsk(sourceAsks.allowance, noShard, meta));
        return answer.ok ? (answer.value as AllowanceValue) : undefined;
      },
    }),
  });
}

export function sourceHandlers(chooser: SourceChooser | undefined): Handlers {
  return {
    [sourceAsks.set]: (ask) => {
      chooser?.apply(ask.meta as SourcesSnapshot);
      return { ok: true, value: undefined };
    },
  };
}
