/**
 * The listeners of one mailbox protocol: opened, given new settings and drained together.
 *
 * Runs in:   main thread.
 * Invariant: either all of them are bound or none.
 */

import type { AddressInfo } from 'node:net';
import type { Runtime } from '../actors/runtime.ts';
import type { Log } from '../base/log.ts';
import { loopbackNetworks, networkSet } from '../base/networks.ts';
import { type ConnectionCaps, ConnectionCounts } from '../edge/guard/connection-counts.ts';
import type { LogIn } from '../edge/guard/log-in.ts';
import type { ListenedService, ListenerOptions } from '../edge/listeners/session-listener.ts';
import type { SessionObserver } from '../edge/protocols/session/observer.ts';
import type { Clock } from '../ports/clock.ts';
import { type ListenAddress, writeListenAddress } from '../settings/networks.ts';
import type { Settings } from '../settings/schema.ts';
import type { ListenerTls } from './certificates/listener-tls.ts';

/** What the listeners of a protocol without needs of its own are made of. */
export interface SessionListenersOptions {
  readonly settings: Settings;
  readonly version: string;
  readonly runtime: Runtime;
  readonly tls: ListenerTls;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  readonly logIn: LogIn;
}

/** As settings name them. */
type ListenerName = 'imap' | 'imaps' | 'pop3' | 'pop3s' | 'managesieve';

interface Listener {
  listen(): Promise<AddressInfo>;
  drain(graceMs: number): Promise<void>;
}

interface Service<Policy> extends ListenedService {
  setPolicy(policy: Policy): void;
}

export interface MailboxListenersOptions<
  Name extends ListenerName,
  Policy,
  Served extends Service<Policy>,
> {
  readonly settings: Settings;
  readonly tls: ListenerTls;
  readonly caps: ConnectionCaps;
  readonly isBanned: (address: string) => boolean;
  /** The listener that speaks in clear first, and the one with TLS from the first octet on, where there is one. */
  readonly names: readonly [clear: Name, implicitTls?: Name];
  readonly policyOf: (settings: Settings) => Policy;
  readonly newService: (name: Name, policy: Policy) => Served;
  readonly newListener: (options: ListenerOptions<Served>) => Listener;
}

export class MailboxListeners<Name extends ListenerName, Policy, Served extends Service<Policy>> {
  readonly #options: MailboxListenersOptions<Name, Policy, Served>;
  readonly #services: ReadonlyMap<Name, Served>;
  readonly #counts = new ConnectionCounts();
  #listeners: Listener[] = [];

  constructor(options: MailboxListenersOptions<Name, Policy, Served>) {
    const { names, newService, policyOf, settings } = options;
    this.#options = options;
    const policy = policyOf(settings);
    this.#services = new Map(
      names.flatMap((name) => (name === undefined ? [] : [[name, newService(name, policy)]])),
    );
  }

  /** Addresses as bound, by listener. @throws what `listen` says; nothing listens then */
  async open(): Promise<Record<string, string[]>> {
    const { settings } = this.#options;
    const addresses: Record<string, string[]> = {};
    try {
      for (const [name, service] of this.#services) {
        for (const wanted of settings.listen[name]) {
          const { address: host, port } = await this.#listen(name, service, wanted);
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
    const policy = this.#options.policyOf(settings);
    for (const service of this.#services.values()) service.setPolicy(policy);
  }

  async drain(graceMs: number): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.drain(graceMs)));
    this.#listeners = [];
  }

  async #listen(name: Name, service: Served, { host, port }: ListenAddress) {
    const { settings, caps, names, newListener, isBanned } = this.#options;
    const tls = this.#options.tls.of(name);
    const listener = newListener({
      host,
      port,
      service,
      limits: caps,
      counts: this.#counts,
      proxyNetworks: networkSet(settings.proxy[name]),
      uncountedNetworks: networkSet(loopbackNetworks),
      isBanned,
      ...(name === names[1] ? { implicitTls: tls } : { tls }),
    });
    const bound = await listener.listen();
    this.#listeners.push(listener);
    return bound;
  }
}
