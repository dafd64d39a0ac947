/**
 * The way out for this thread's mail, as settings want it.
 *
 * Runs in:   engine threads.
 * Limits:    connections to a site by leases of its owner, connections of the thread by its share of all.
 */

import type { Handlers } from '../actors/ask.ts';
import { engineAsks } from '../actors/asks/engine-asks.ts';
import { noShard, systemAsk } from '../actors/asks/system.ts';
import { tlsSessionsNotice } from '../actors/asks/tls-session-asks.ts';
import { OpenSlots } from '../actors/open-slots.ts';
import { SiteBorrower } from '../actors/site-borrower.ts';
import type { StsPolicy } from '../mail/trust/mta-sts.ts';
import { Deliveries } from './delivery/deliveries.ts';
import { boundedLeases } from './delivery/leases.ts';
import { phaseTimeouts, siteLimits } from './delivery/limits.ts';
import { Router, type StsSource } from './delivery/route.ts';
import { providerLeases } from './delivery/shaping/provider-leases.ts';
import type { Shaper } from './delivery/shaping/shaper.ts';
import type { ShapingState } from './delivery/shaping/shaping-state.ts';
import type { OnRoom } from './delivery/site-options.ts';
import type { SourceChooser } from './delivery/sources/chooser.ts';
import { TlsSessions } from './delivery/tls-sessions.ts';
import type { EngineParts } from './engine-parts.ts';
import type { EngineShaping } from './shaping.ts';
import { createSources, type SourcesNeeds, sourceHandlers } from './sources.ts';

export interface OutboundParts {
  readonly deliveries: Deliveries;
  readonly outbound: Handlers;
}

export function createOutbound(
  parts: EngineParts,
  { shaper, state, owners }: EngineShaping,
  onRoom: OnRoom,
): OutboundParts {
  // Sites of nobody that is known are each one of its own.
  const needs: SourcesNeeds = {
    onRoom,
    providerOf: (site) => state.matcher.providerOf(site) || site,
  };
  const sources = createSources(parts, needs);
  owners.onSourceLeft = (source, path, untilMs) => sources?.states.suspend(source, path, untilMs);
  return {
    deliveries: createDeliveries(parts, shaper, needs, sources),
    outbound: sourceHandlers(sources),
  };
}

function createDeliveries(
  parts: EngineParts,
  shaper: Shaper,
  { onRoom, providerOf }: SourcesNeeds,
  sources: SourceChooser | undefined,
): Deliveries {
  const { settings, clock, random, dialer, dns } = parts;
  const { relay } = settings;
  const tls = tlsSessionsOf(parts);
  return new Deliveries({
    ...(tls === undefined ? {} : { tls }),
    router: new Router({
      relay,
      hostname: settings.hostname,
      dns,
      random,
      ownAddresses: new Set(parts.ownAddresses),
      ...(parts.relayPassword === '' ? {} : { password: parts.relayPassword }),
      ...(relay.mtaSts ? { policies: policiesOf(parts) } : {}),
      ...(tls === undefined ? {} : { tls }),
    }),
    timeouts: phaseTimeouts(relay),
    limits: siteLimits(relay),
    clock,
    random,
    dialer,
    onRoom,
    shaper,
    providerOf,
    ...(sources === undefined ? {} : { sources }),
    leases: boundedLeases(
      Math.ceil(relay.connectionsMax / parts.workers),
      providerLeases(createBorrower(parts, shaper.state), (path, host) =>
        shaper.state.providerPath(path, host),
      ),
    ),
  });
}

/** Undefined: nothing is reported. */
function tlsSessionsOf({ settings, clock, notice }: EngineParts): TlsSessions | undefined {
  if (settings.tlsReport.contact === '') return undefined;
  return new TlsSessions({ clock, tell: (counts) => notice(tlsSessionsNotice, counts) });
}

function createBorrower(
  { clock, thread, life, shards, openSlots, uplink }: EngineParts,
  state: ShapingState,
) {
  const open = new OpenSlots(openSlots);
  // What its row says, an earlier life of the thread had open.
  open.clear(thread);
  const bucketsOf = (path: string) => state.bucketsOf(path);
  return new SiteBorrower({ clock, thread, life, shards, open, ask: uplink, bucketsOf });
}

/** The main thread fetches and keeps them for all threads. */
function policiesOf({ uplink }: EngineParts): StsSource {
  return async (domain) => {
    const answer = await uplink(systemAsk(engineAsks.stsPolicy, noShard, domain));
    if (!answer.ok) return 'failed';
    return (answer.value as StsPolicy | 'failed' | null) ?? undefined;
  };
}
