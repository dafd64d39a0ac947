/** Builders for tests of delivery: messages, deliveries over a fake or real dialer, and results as they come. */

import { Buffer } from 'node:buffer';
import type { SiteLease, SiteLeases, SiteUser } from '../../src/actors/site-lease.ts';
import type { MessageId, TenantId } from '../../src/base/ids.ts';
import { defaultTenant } from '../../src/base/ids.ts';
import { Deliveries } from '../../src/engine/delivery/deliveries.ts';
import { boundedLeases } from '../../src/engine/delivery/leases.ts';
import type { PhaseTimeouts, SiteLimits } from '../../src/engine/delivery/limits.ts';
import { phaseTimeouts, siteLimits } from '../../src/engine/delivery/limits.ts';
import type { OutboundMessage, RecipientOutcome } from '../../src/engine/delivery/message.ts';
import type { RelayWays } from '../../src/engine/delivery/route.ts';
import { Router } from '../../src/engine/delivery/route.ts';
import { Shaper } from '../../src/engine/delivery/shaping/shaper.ts';
import { ShapingState } from '../../src/engine/delivery/shaping/shaping-state.ts';
import type { OnRoom } from '../../src/engine/delivery/site-options.ts';
import type { SourceChooser } from '../../src/engine/delivery/sources/chooser.ts';
import type { TlsSessions } from '../../src/engine/delivery/tls-sessions.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Dialer } from '../../src/ports/dialer.ts';
import type { Dns } from '../../src/ports/dns.ts';
import type { Random } from '../../src/ports/random.ts';
import { defaultSettings } from './default-settings.ts';

export const hopAddress = '192.0.2.1';

export function relayWays(ways: Partial<RelayWays> = {}): RelayWays {
  return {
    route: { kind: 'host', host: hopAddress, port: 2525 },
    routes: [],
    privateTargets: false,
    mxPort: 25,
    user: '',
    tls: 'off',
    dane: true,
    ...ways,
  };
}

export interface OutboundTest {
  readonly clock: Clock;
  readonly random: Random;
  readonly dialer: Dialer;
  readonly dns?: Dns;
  readonly relay?: Partial<RelayWays>;
  readonly password?: string;
  readonly limits?: Partial<SiteLimits>;
  readonly timeouts?: Partial<PhaseTimeouts>;
  readonly leases?: SiteLeases;
  readonly shaper?: Shaper;
  readonly onRoom?: OnRoom;
  readonly providerOf?: (site: string) => string;
  readonly sources?: SourceChooser;
  readonly tls?: TlsSessions;
}

export function deliveriesFor(test: OutboundTest): Deliveries {
  const { clock, random, dialer } = test;
  return new Deliveries({
    router: new Router({
      relay: relayWays(test.relay),
      hostname: 'relay.test',
      dns: test.dns ?? noDns,
      random,
      ...(test.password === undefined ? {} : { password: test.password }),
      ...(test.tls === undefined ? {} : { tls: test.tls }),
    }),
    timeouts: { ...phaseTimeouts(defaultSettings.relay), ...test.timeouts },
    limits: { ...siteLimits(defaultSettings.relay), ...test.limits },
    clock,
    random,
    dialer,
    shaper: test.shaper ?? shaperFor(clock),
    leases: test.leases ?? boundedLeases(1_000),
    onRoom: test.onRoom ?? (() => false),
    providerOf: test.providerOf ?? ((site) => site),
    ...(test.sources === undefined ? {} : { sources: test.sources }),
    ...(test.tls === undefined ? {} : { tls: test.tls }),
  });
}

/** Without rules, and nobody hears what it reports. */
export function shaperFor(clock: Clock): Shaper {
  const ask = async () => ({ ok: false, code: 'store-busy', detail: 'nobody owns it' }) as const;
  return new Shaper({ clock, state: new ShapingState(clock), thread: 'test', shards: 1, ask });
}

const refuses = async () => ({ ok: false, reason: 'failed', detail: 'no DNS here' }) as const;
const noDns: Dns = {
  ...{ mx: refuses, a: refuses, aaaa: refuses, txt: refuses, ptr: refuses, srv: refuses },
  ...{ tlsa: refuses, cname: refuses },
};

/** Leases of all sites as one lease says, by what it has; the rest is granted at once. */
export function lendingBy(
  lease: Partial<SiteLease>,
  onJoin: (user: SiteUser) => void = () => {},
): SiteLeases {
  return {
    join: (_site, user) => {
      onJoin(user);
      return {
        request: (granted) => (lease.request ?? grantNow)(granted),
        release: () => lease.release?.(),
        dial: (granted, host) => (lease.dial ?? grantNow)(granted, host),
        undial: (host) => lease.undial?.(host),
        get excess() {
          return lease.excess ?? 0;
        },
        get awaitedCount() {
          return lease.awaitedCount ?? 0;
        },
        get gate() {
          return lease.gate;
        },
        reach: lease.reach,
        leave: () => lease.leave?.(),
      };
    },
  };
}

const grantNow = (granted: () => void) => granted();

let counter = 0;

/** `text` is the message, in as many parts as are given. */
export function outboundMessage(
  change: Partial<Omit<OutboundMessage, 'parts' | 'bytes' | 'recipients'>> & {
    readonly to?: readonly string[];
    readonly recipients?: OutboundMessage['recipients'];
    readonly text?: string | readonly string[];
    readonly tenantNumber?: number;
  } = {},
): OutboundMessage {
  const { to = ['rita@example.org'], text = 'Subject: hi\r\n\r\nhello\r\n', ...rest } = change;
  const parts = (typeof text === 'string' ? [text] : text).map((each) => Buffer.from(each));
  return {
    id: `00000000000${String(++counter).padStart(5, '0')}` as MessageId,
    tenant: (change.tenantNumber ?? defaultTenant) as TenantId,
    sender: 'sam@example.net',
    recipients: to.map((address) => ({ address })),
    parts,
    bytes: parts.reduce((sum, part) => sum + part.length, 0),
    body: '7bit',
    smtputf8: false,
    ...rest,
  };
}

/** Submits, and keeps what comes back. */
export class Sender {
  readonly results: (readonly RecipientOutcome[])[] = [];
  readonly #deliveries: Deliveries;

  constructor(deliveries: Deliveries) {
    this.#deliveries = deliveries;
  }

  send(message: OutboundMessage, domain = 'example.org'): boolean {
    const at = this.results.length;
    this.results.length++;
    const crowded = this.#deliveries.submit(message, domain, ({ outcomes }) => {
      if (this.results[at] !== undefined) throw new Error('a second result for one message');
      this.results[at] = outcomes;
    });
    if (crowded !== '') this.results.pop();
    return crowded === '';
  }

  /** As `delivered 250`, one per recipient, messages joined by ` | `; `-` while open. */
  get told(): string {
    return Array.from(this.results, (outcomes) =>
      outcomes === undefined
        ? '-'
        : outcomes
            .map(({ status, reply }) => `${status} ${reply.code} ${reply.enhanced}`.trim())
            .join(', '),
    ).join(' | ');
  }
}
