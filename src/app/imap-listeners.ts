/**
 * Makes the IMAP listeners that settings ask for.
 *
 * Runs in:   main thread.
 * Invariant: either all of them are bound or none.
 */

import { type MailboxChange, mailboxChangedNotice } from '../actors/asks/imap-asks.ts';
import type { Reception } from '../actors/asks/reception.ts';
import type { Runtime } from '../actors/runtime.ts';
import type { Watchers } from '../actors/watched.ts';
import type { Log } from '../base/log.ts';
import { loopbackNetworks, networkSet } from '../base/networks.ts';
import { ConnectionCounts } from '../edge/guard/connection-counts.ts';
import type { LogIn } from '../edge/guard/log-in.ts';
import { ImapListener } from '../edge/listeners/imap-listener.ts';
import type { TlsSource } from '../edge/listeners/tls.ts';
import { NoticeHub } from '../edge/notices/hub.ts';
import { CompressionSlots } from '../edge/protocols/imap/compression.ts';
import { defaultImapLimits } from '../edge/protocols/imap/limits.ts';
import { type ImapPolicy, ImapService } from '../edge/protocols/imap/service.ts';
import { AccountAsks } from '../edge/protocols/session/account-asks.ts';
import type { SessionObserver } from '../edge/protocols/session/observer.ts';
import { WriteQueues } from '../edge/protocols/session/write-queues.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import type { Clock } from '../ports/clock.ts';
import { type ListenAddress, writeListenAddress } from '../settings/networks.ts';
import type { Settings } from '../settings/schema.ts';
import { imapAccounts } from './imap-accounts.ts';

export interface ImapListenersOptions {
  readonly settings: Settings;
  readonly version: string;
  readonly runtime: Runtime;
  readonly watchers: Watchers;
  readonly directory: AccountDirectory;
  readonly reception: Reception;
  readonly tls: TlsSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  readonly logIn: LogIn;
}

const names = ['imap', 'imaps'] as const;
type Name = (typeof names)[number];

export class ImapListeners {
  readonly #options: ImapListenersOptions;
  readonly #services: Readonly<Record<Name, ImapService>>;
  readonly #counts = new ConnectionCounts();
  #listeners: ImapListener[] = [];

  constructor(options: ImapListenersOptions) {
    const { settings, version, runtime, watchers, directory, ...rest } = options;
    this.#options = options;
    const notices = new NoticeHub(watchers);
    runtime.onNotice(mailboxChangedNotice, (_thread, value) => {
      notices.tell(value as MailboxChange);
    });
    const { router } = runtime;
    const asks = new AccountAsks(router, options.clock);
    const accounts = imapAccounts({ directory, router, clock: options.clock });
    const policy = policyOf(settings, version);
    const bounds = { compressionSlots: new CompressionSlots(), writeQueues: new WriteQueues() };
    const shared = { ...rest, ...bounds, policy, asks, accounts, notices };
    const service = (name: Name) => new ImapService({ ...shared, name });
    this.#services = { imap: service('imap'), imaps: service('imaps') };
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
    const { connectionsMax, connectionsPerAddressMax } = settings.imap;
    const listener = new ImapListener({
      host,
      port,
      service: this.#services[name],
      limits: { connectionsMax, connectionsPerAddressMax },
      counts: this.#counts,
      proxyNetworks: networkSet(settings.proxy[name]),
      uncountedNetworks: networkSet(loopbackNetworks),
      ...(name === 'imaps' ? { implicitTls: tls } : { tls }),
    });
    const bound = await listener.listen();
    this.#listeners.push(listener);
    return bound;
  }
}

function policyOf({ hostname, imap, login }: Settings, version: string): ImapPolicy {
  const { connectionsMax, connectionsPerAddressMax, ...others } = imap;
  const { metadataValueBytesMax: valueBytesMax, metadataEntriesMax: entriesMax, ...rest } = others;
  const { metadataBytesMax: bytesMax, serverComment, serverAdmin, quotaSetters, ...more } = rest;
  const { otherUsers, ...bounds } = more;
  return {
    hostname,
    version,
    limits: { ...defaultImapLimits, ...bounds },
    clearNetworks: networkSet(login.clearNetworks),
    metadata: { valueBytesMax, entriesMax, bytesMax, serverComment, serverAdmin },
    quotaSetters,
    otherUsers,
  };
}
