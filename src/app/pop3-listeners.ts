/**
 * Makes the POP3 listeners that settings ask for.
 *
 * Runs in: main thread.
 */

import { networkSet } from '../base/networks.ts';
import { Pop3Listener } from '../edge/listeners/pop3-listener.ts';
import { defaultPop3Limits } from '../edge/protocols/pop3/limits.ts';
import { type Pop3Policy, Pop3Service } from '../edge/protocols/pop3/service.ts';
import { AccountAsks } from '../edge/protocols/session/account-asks.ts';
import { WriteQueues } from '../edge/protocols/session/write-queues.ts';
import type { Settings } from '../settings/schema.ts';
import { MailboxListeners, type SessionListenersOptions } from './mailbox-listeners.ts';

export type Pop3Listeners = MailboxListeners<'pop3' | 'pop3s', Pop3Policy, Pop3Service>;

export function pop3Listeners(options: SessionListenersOptions): Pop3Listeners {
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
