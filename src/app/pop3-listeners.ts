/**
 * Makes the POP3 listeners that settings ask for.
 *
 * Runs in:   main thread.
 * Invariant: either all of them are bound or none.
 */

import type { Runtime } from '../actors/runtime.ts';
import type { Log } from '../base/log.ts';
import { loopbackNetworks, networkSet } from '../base/networks.ts';
import { ConnectionCounts } from '../edge/guard/connection-counts.ts';
import type { LogIn } from '../edge/guard/log-in.ts';
import { Pop3Listener } from '../edge/listeners/pop3-listener.ts';
import type { TlsSource } from '../edge/listeners/tls.ts';
import { defaultPop3Limits } from '../edge/protocols/pop3/limits.ts';
import { type Pop3Policy, Pop3Service } from '../edge/protocols/pop3/service.ts';
import { AccountAsks } from '../edge/protocols/session/account-asks.ts';
import type { SessionObserver } from '../edge/protocols/session/observer.ts';
import { WriteQueues } from '../edge/protocols/session/write-queues.ts';
import type { Clock } from '../ports/clock.ts';
import { type ListenAddress, writeListenAddress } from '../settings/networks.ts';
import type { Settings } from '../settings/schema.ts';

export interface Pop3ListenersOptions {
  readonly settings: Settings;
  readonly version: string;
  readonly runtime: Runtime;
  readonly tls: TlsSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  readonly logIn: LogIn;
}

const names = ['pop3', 'pop3s'] as const;
type Name = (typeof names)[number];

export class Pop3Listeners {
  readonly #options: Pop3ListenersOptions;
  readonly #services: Readonly<Record<Name, Pop3Service>>;
  readonly #counts = new ConnectionCounts();
  #listeners: Pop3Listener[] = [];

  constructor(options: Pop3ListenersOptions) {
    const { settings, version, runtime, ...rest } = options;
    this.#options = options;
    const asks = new AccountAsks(runtime.router, options.clock);
    const policy = policyOf(settings, version);
    const shared = { ...rest, policy, asks, writeQueues: new WriteQueues() };
    const service = (name: Name) => new Pop3Service({ ...shared, name });
    this.#services = { pop3: service('pop3'), pop3s: service('pop3s') };
  }

  /** Addresses as bound, by listener. @throws what `listen` says; nothing listens then */
  async open(): Promise<Record<string, string[]>> {
    const { settings } = this.#options;
    const addresses: Record<string, string[]> = {};
    try {
      for (const name of names) {
        for (const wanted of settings.listen[name]) {
          const { address: host, port } = await this.#listen(name, wanted);
          addresses[name] = [...(addresses[name] ?? []), writeListenAddress({ host, port })];
        }
      }
    } catch (error) {
      await this.drain(0);
      throw error;
    }
    return addresses;
  }

  /** Takes new settings for commands from now on; addresses change with a restart only. */
  reload(settings: Settings): void {
    const policy = policyOf(settings, this.#options.version);
    for (const name of names) this.#services[name].setPolicy(policy);
  }

  async drain(graceMs: number): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.drain(graceMs)));
    this.#listeners = [];
  }

  async #listen(name: Name, { host, port }: ListenAddress) {
    const { settings, tls } = this.#options;
    const { connectionsMax, connectionsPerAddressMax } = settings.pop3;
    const listener = new Pop3Listener({
      host,
      port,
      service: this.#services[name],
      limits: { connectionsMax, connectionsPerAddressMax },
      counts: this.#counts,
      proxyNetworks: networkSet(settings.proxy[name]),
      uncountedNetworks: networkSet(loopbackNetworks),
      ...(name === 'pop3s' ? { implicitTls: tls } : { tls }),
    });
    const bound = await listener.listen();
    this.#listeners.push(listener);
    return bound;
  }
}

function policyOf({ hostname, pop3, login }: Settings, version: string): Pop3Policy {
  const { connectionsMax, connectionsPerAddressMax, ...bounds } = pop3;
  return {
    hostname,
    version,
    limits: { ...defaultPop3Limits, ...bounds },
    clearNetworks: networkSet(login.clearNetworks),
  };
}
