/**
 * What of the harness stands between others while a run lasts: proxies and forwarders, by the names that steps use.
 *
 * Runs in:   load generator, main thread.
 * Invariant: the load goes through a proxy of its own only where a step wants to disturb it.
 */

import { isIPv6 } from 'node:net';
import type { Clock } from '../../ports/clock.ts';
import type { HostPort } from '../addresses.ts';
import { DnsForwarder } from './dns-forwarder.ts';
import { failed, type Outcome } from './outcome.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { type TroubleKind, type TroublePlan, targetName } from './trouble-plan.ts';

/** Where the system finds room for a proxy that only this process knows. */
const anyPort: HostPort = { host: '127.0.0.1', port: 0 };

export class Between {
  readonly #plan: TroublePlan;
  readonly #clock: Clock;
  readonly #proxies = new Map<string, TcpProxy[]>();
  readonly #resolvers = new Map<string, DnsForwarder>();

  constructor(plan: TroublePlan, clock: Clock) {
    this.#plan = plan;
    this.#clock = clock;
  }

  /** Answers where the load reaches each target from now on, by `HOST:PORT`; empty: where it did. */
  async start(targets: readonly HostPort[]): Promise<ReadonlyMap<string, HostPort>> {
    for (const { name, listen, to } of this.#plan.proxies) await this.#startProxy(name, listen, to);
    for (const { name, listen, to } of this.#plan.resolvers) {
      const forwarder = new DnsForwarder(to, this.#clock, isIPv6(listen.host));
      this.#resolvers.set(name, forwarder);
      await forwarder.start(listen);
    }
    const ways = new Map<string, HostPort>();
    if (!this.#plan.steps.some(({ what }) => what.kind === 'link' && what.name === targetName)) {
      return ways;
    }
    for (const target of targets) {
      const key = `${target.host}:${target.port}`;
      if (!ways.has(key)) ways.set(key, await this.#startProxy(targetName, anyPort, target));
    }
    return ways;
  }

  async stop(): Promise<void> {
    for (const proxies of this.#proxies.values()) for (const proxy of proxies) proxy.stop();
    await Promise.all(Array.from(this.#resolvers.values(), (forwarder) => forwarder.stop()));
  }

  apply(what: Extract<TroubleKind, { kind: 'link' | 'dns' }>): Outcome {
    if (what.kind === 'dns') {
      return this.#resolvers.get(what.name)?.apply(what.fault) ?? failed('there is no such one');
    }
    const outcomes = (this.#proxies.get(what.name) ?? []).map((proxy) => proxy.apply(what.fault));
    const done = outcomes.filter(({ isDone }) => isDone);
    const [first] = done;
    if (first === undefined) return outcomes[0] ?? failed('there is no such one');
    if (first.undo === undefined) return first;
    const undo = () => {
      for (const outcome of done) void outcome.undo?.();
    };
    return { ...first, undo };
  }

  async #startProxy(name: string, listen: HostPort, to: HostPort): Promise<HostPort> {
    const proxy = new TcpProxy(to, this.#clock);
    this.#proxies.set(name, [...(this.#proxies.get(name) ?? []), proxy]);
    return await proxy.start(listen);
  }
}
