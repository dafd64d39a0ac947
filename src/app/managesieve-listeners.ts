/**
 * Makes the ManageSieve listeners that settings ask for.
 *
 * Runs in: main thread.
 */

import { networkSet } from '../base/networks.ts';
import { ManageSieveListener } from '../edge/listeners/managesieve-listener.ts';
import { defaultManageSieveLimits } from '../edge/protocols/managesieve/limits.ts';
import {
  type ManageSievePolicy,
  ManageSieveService,
} from '../edge/protocols/managesieve/service.ts';
import { AccountAsks } from '../edge/protocols/session/account-asks.ts';
import { WriteQueues } from '../edge/protocols/session/write-queues.ts';
import type { Settings } from '../settings/schema.ts';
import { MailboxListeners, type SessionListenersOptions } from './mailbox-listeners.ts';

export type ManageSieveListeners = MailboxListeners<
  'managesieve',
  ManageSievePolicy,
  ManageSieveService
>;

export function manageSieveListeners(options: SessionListenersOptions): ManageSieveListeners {
  const { settings, version, runtime, tls, ...rest } = options;
  const { connectionsMax, connectionsPerAddressMax } = settings.managesieve;
  const asks = new AccountAsks(runtime.router, options.clock);
  const shared = { ...rest, tls, asks, writeQueues: new WriteQueues() };
  return new MailboxListeners({
    settings,
    tls,
    isBanned: (address) => options.logIn.bans?.isBanned(address) === true,
    caps: { connectionsMax, connectionsPerAddressMax },
    names: ['managesieve'],
    policyOf: (latest) => policyOf(latest, version),
    newService: (name, policy) => new ManageSieveService({ ...shared, name, policy }),
    newListener: (each) => new ManageSieveListener(each),
  });
}

function policyOf(
  { hostname, managesieve, sieve, login }: Settings,
  version: string,
): ManageSievePolicy {
  const { connectionsMax, connectionsPerAddressMax, ...bounds } = managesieve;
  return {
    ...{ hostname, version, redirects: sieve.redirects },
    limits: {
      ...{ ...defaultManageSieveLimits, ...bounds },
      literalBytesMax: sieve.scriptBytesMax,
    },
    clearNetworks: networkSet(login.clearNetworks),
  };
}
