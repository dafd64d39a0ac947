/**
 * Makes the POP3 listeners that settings ask for.
 *
 * Runs in: main thread.
 */

import type { Runtime } from '../actors/runtime.ts';
import type { Log } from '../base/log.ts';
import { networkSet } from '../base/networks.ts';
import type { LogIn } from '../edge/guard/log-in.ts';
import { Pop3Listener } from '../edge/listeners/pop3-listener.ts';
import { defaultPop3Limits } from '../edge/protocols/pop3/limits.ts';
import { type Pop3Policy, Pop3Service } from '../edge/protocols/pop3/service.ts';
import { AccountAsks } from '../edge/protocols/session/account-asks.ts';
import type { SessionObserver } from '../edge/protocols/session/observer.ts';
import { WriteQueues } from '../edge/protocols/session/write-queues.ts';
import type { Clock } from '../ports/clock.ts';
import type { Settings } from '../settings/schema.ts';
import type { ListenerTls } from './certificates/listener-tls.ts';
import { MailboxListeners } from './mailbox-listeners.ts';

export interface Pop3ListenersOptions {
  readonly settings: Settings;
  readonly version: string;
  readonly runtime: Runtime;
  readonly tls: ListenerTls;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  readonly logIn: LogIn;
}

export type Pop3Listeners = MailboxListeners<'pop3' | 'pop3s', Pop3Policy, Pop3Service>;

export function pop3Listeners(options: Pop3ListenersOptions): Pop3Listeners {
  const { settings, version, runtime, tls, ...rest } = options;
  const { connectionsMax, connectionsPerAddressMax } = settings.pop3;
  const asks = new AccountAsks(runtime.router, options.clock);
  const shared = { ...rest, tls, asks, writeQueues: new WriteQueues() };
  return new MailboxListeners({
    settings,
    tls,
    isBanned: (address) => options.logIn.bans?.isBanned(address) === true,
    caps: { connectionsMax, connectionsPerAddressMax },
    names: ['pop3', 'pop3s'],
    policyOf: (latest) => policyOf(latest, version),
    newService: (name, policy) => new Pop3Service({ ...shared, name, policy }),
    newListener: (each) => new Pop3Listener(each),
  });
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
