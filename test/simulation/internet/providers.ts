/**
 * Who takes mail on the simulated Internet: providers with the sink's models, and the domains that lead to them.
 *
 * Some providers are troubled beyond what a model can say: their connections are cut after the final dot, their TLS
 * is broken, they are away for a while. Everything follows from the seed.
 */

import { SeededRandom, seedOf } from '../../../src/harness/seeded-random.ts';
import { FaultSource } from '../../../src/harness/sink/fault-source.ts';
import type { SinkModel } from '../../../src/harness/sink/model.ts';
import { sinkModels } from '../../../src/harness/sink/shipped-models.ts';

export type DomainFault = 'missing' | 'null-mx' | 'no-address' | 'servfail';

export interface Provider {
  readonly number: number;
  readonly name: string;
  readonly faults: FaultSource;
  readonly hosts: readonly string[];
  /** One for each host. */
  readonly addresses: readonly string[];
  /** How long bytes are on their way to it, or from it. */
  readonly oneWayMs: number;
  readonly hasTls: boolean;
  readonly isTlsBroken: boolean;
  readonly hasChunking: boolean;
  /** Of the messages it takes, those whose answer never leaves: the connection is cut. */
  readonly lostAnswerShare: number;
  /** When it cannot be reached, in simulated milliseconds. */
  readonly awayFromMs: number;
  readonly awayToMs: number;
  /** Reports about mail that failed come here. */
  readonly isTenants: boolean;
}

export interface Domain {
  readonly name: string;
  readonly provider: Provider;
  readonly fault?: DomainFault;
}

const plain = sinkModels.fast!;

/** How small providers behave, and how many of a hundred do. */
const kinds: readonly (readonly [share: number, model: SinkModel, lostAnswerShare: number])[] = [
  [50, plain, 0],
  [8, sinkModels.flaky!, 0],
  [6, sinkModels.busy!, 0],
  [8, sinkModels.greylisting!, 0],
  [5, sinkModels.quota!, 0],
  [3, sinkModels.tarpit!, 0],
  [4, sinkModels.dropping!, 0],
  [3, sinkModels['slow-reader']!, 0],
  [3, { name: 'unwelcoming', rules: [{ at: 'connect', probability: 0.2, drop: 'reset' }] }, 0],
  [2, { name: 'silent', rules: [{ at: 'connect', probability: 0.2, delayMs: 400_000 }] }, 0],
  [2, { name: 'crowded', rules: [crowded(2, '421 4.3.2 Too many connections')] }, 0],
  [2, { name: 'hasty', rules: [hasty()] }, 0],
  [4, { ...plain, name: 'forgetful' }, 0.05],
];

function crowded(countMax: number, reply: string): SinkModel['rules'][number] {
  return { at: 'connect', limit: { per: 'address', countMax }, reply };
}

function hasty(): SinkModel['rules'][number] {
  const limit = { per: 'network', countMax: 60, seconds: 60 } as const;
  return { at: 'mail', limit, reply: '421 4.7.0 Too many messages, slow down' };
}

/** Nothing but connections bounds it: where shares can be seen. */
const steady: SinkModel = { name: 'steady', rules: [{ at: 'message', delayMs: 400 }] };
const largeModels: readonly SinkModel[] = [
  plain,
  sinkModels['gmail-like']!,
  steady,
  sinkModels['outlook-like']!,
  sinkModels['yahoo-like']!,
  sinkModels.flaky!,
];

const domainFaults: readonly (readonly [share: number, fault: DomainFault])[] = [
  [0.003, 'missing'],
  [0.002, 'null-mx'],
  [0.002, 'no-address'],
  [0.005, 'servfail'],
];

export interface Places {
  readonly providers: readonly Provider[];
  /** The more mail goes there, the earlier. */
  readonly domains: readonly Domain[];
  /** One a tenant. */
  readonly tenantDomains: readonly Domain[];
}

export interface PlacesOptions {
  readonly seed: number;
  readonly domains: number;
  readonly tenants: number;
  readonly hours: number;
  readonly nowMs: () => number;
  /** Only providers that take what comes: for what other faults would hide. */
  readonly isCalm: boolean;
}

export function makePlaces(options: PlacesOptions): Places {
  const { seed, isCalm } = options;
  const random = new SeededRandom(seedOf(seed, 'places'));
  const maker = new ProviderMaker(options, random);
  const large = largeModels.map((model) => maker.make(isCalm ? steady : model, 0));
  const domains: Domain[] = [];
  for (let number = 0; number < options.domains; number++) {
    const isHosted = number < large.length || random.fraction() < 0.45;
    const provider = isHosted ? large[number % large.length]! : maker.small();
    const fault = number < large.length || isCalm ? undefined : drawFault(random);
    const name = `d${number}.example`;
    domains.push(fault === undefined ? { name, provider } : { name, provider, fault });
  }
  const tenantDomains = Array.from({ length: options.tenants }, (_, tenant) => {
    return { name: `t${tenant}.tenant.example`, provider: maker.make(plain, 0, true) };
  });
  return { providers: maker.made, domains, tenantDomains };
}

function drawFault(random: SeededRandom): DomainFault | undefined {
  let draw = random.fraction();
  for (const [share, fault] of domainFaults) {
    draw -= share;
    if (draw < 0) return fault;
  }
  return undefined;
}

class ProviderMaker {
  readonly made: Provider[] = [];
  readonly #options: PlacesOptions;
  readonly #random: SeededRandom;

  constructor(options: PlacesOptions, random: SeededRandom) {
    this.#options = options;
    this.#random = random;
  }

  small(): Provider {
    if (this.#options.isCalm) return this.make(plain, 0);
    let draw = this.#random.fraction() * kinds.reduce((sum, [share]) => sum + share, 0);
    for (const [share, model, lostAnswerShare] of kinds) {
      draw -= share;
      if (draw < 0) return this.make(model, lostAnswerShare);
    }
    return this.make(plain, 0);
  }

  make(model: SinkModel, lostAnswerShare: number, isTenants = false): Provider {
    const { seed, nowMs, hours, isCalm } = this.#options;
    const random = this.#random;
    const number = this.made.length;
    const isQuiet = isTenants || isCalm;
    const hostCount = 1 + Math.floor(random.fraction() * 3);
    const isAway = !isQuiet && number >= largeModels.length && random.fraction() < 0.03;
    const awayFromMs = Math.floor(random.fraction() * hours * 3_600_000);
    const awayMs = Math.floor(random.fraction() * hours * 1_800_000);
    const provider: Provider = {
      number,
      name: model.name,
      faults: new FaultSource(model, new SeededRandom(seedOf(seed, 'provider', number)), nowMs),
      hosts: Array.from({ length: hostCount }, (_, i) => `mx${i}.p${number}.example`),
      addresses: Array.from({ length: hostCount }, (_, i) => addressOf(number, i)),
      oneWayMs: 3 + Math.floor(random.fraction() ** 2 * 80),
      hasTls: random.fraction() < 0.8,
      isTlsBroken: !isQuiet && random.fraction() < 0.03,
      hasChunking: random.fraction() < 0.5,
      lostAnswerShare,
      awayFromMs: isAway ? awayFromMs : Number.POSITIVE_INFINITY,
      awayToMs: isAway ? awayFromMs + awayMs : Number.POSITIVE_INFINITY,
      isTenants,
    };
    this.made.push(provider);
    return provider;
  }
}

function addressOf(provider: number, host: number): string {
  return `45.${provider >> 8}.${provider & 255}.${host + 1}`;
}

export interface HostNumber {
  readonly provider: number;
  readonly host: number;
}

const known = new Map<string, HostNumber>();

export function hostOf(address: string): HostNumber {
  let found = known.get(address);
  if (found === undefined) {
    const [, high, low, host] = address.split('.').map(Number);
    found = { provider: high! * 256 + low!, host: host! - 1 };
    known.set(address, found);
  }
  return found;
}
