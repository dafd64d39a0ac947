/**
 * Makes the IMAP listeners that settings ask for.
 *
 * Runs in: main thread.
 */

import { type MailboxChange, mailboxChangedNotice } from '../actors/asks/imap-asks.ts';
import type { Reception } from '../actors/asks/reception.ts';
import type { Runtime } from '../actors/runtime.ts';
import type { Stamps } from '../actors/stamps.ts';
import type { Watchers } from '../actors/watched.ts';
import type { Log } from '../base/log.ts';
import { networkSet } from '../base/networks.ts';
import type { AccessWitness } from '../edge/guard/access-witness.ts';
import type { LogIn } from '../edge/guard/log-in.ts';
import { ImapListener } from '../edge/listeners/imap-listener.ts';
import { NoticeHub } from '../edge/notices/hub.ts';
import { CompressionSlots } from '../edge/protocols/imap/compression.ts';
import { defaultImapLimits } from '../edge/protocols/imap/limits.ts';
import { type ImapPolicy, ImapService } from '../edge/protocols/imap/service.ts';
import { AccountAsks } from '../edge/protocols/session/account-asks.ts';
import { KeptAnswers } from '../edge/protocols/session/kept-answers.ts';
import type { SessionObserver } from '../edge/protocols/session/observer.ts';
import { WriteQueues } from '../edge/protocols/session/write-queues.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupStore } from '../ports/groups.ts';
import type { Settings } from '../settings/schema.ts';
import type { ListenerTls } from './certificates/listener-tls.ts';
import { imapAccounts } from './imap-accounts.ts';
import { MailboxListeners } from './mailbox-listeners.ts';

export interface ImapListenersOptions {
  readonly settings: Settings;
  readonly version: string;
  readonly runtime: Runtime;
  readonly watchers: Watchers;
  readonly stamps: Stamps;
  readonly directory: AccountDirectory;
  readonly groups: GroupStore;
  readonly reception: Reception;
  readonly tls: ListenerTls;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  readonly logIn: LogIn;
  readonly witness: AccessWitness;
}

export type ImapListeners = MailboxListeners<'imap' | 'imaps', ImapPolicy, ImapService>;

export function imapListeners(options: ImapListenersOptions): ImapListeners {
  const { settings, version, runtime, watchers, stamps, tls, ...more } = options;
  const { directory, groups, ...rest } = more;
  const { connectionsMax, connectionsPerAddressMax } = settings.imap;
  const notices = new NoticeHub(watchers);
  runtime.onNotice(mailboxChangedNotice, (_thread, value) => {
    notices.tell(value as MailboxChange);
  });
  const { router } = runtime;
  const asks = new AccountAsks(router, options.clock);
  const accounts = imapAccounts({ directory, groups, router, clock: options.clock });
  const bounds = { compressionSlots: new CompressionSlots(), writeQueues: new WriteQueues() };
  const kept = new KeptAnswers(stamps);
  const shared = { ...rest, ...bounds, tls, asks, kept, accounts, notices };
  return new MailboxListeners({
    settings,
    tls,
    isBanned: (address) => options.logIn.bans?.isBanned(address) === true,
    caps: { connectionsMax, connectionsPerAddressMax },
    names: ['imap', 'imaps'],
    policyOf: (latest) => policyOf(latest, version),
    newService: (name, policy) => new ImapService({ ...shared, name, policy }),
    newListener: (each) => new ImapListener(each),
  });
}

function policyOf({ hostname, imap, login, listen, sieve }: Settings, version: string): ImapPolicy {
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
    sieveUrl: sieve.isOn ? sieveUrl(hostname, listen.managesieve) : '',
  };
}

/** RFC 5804 §3: a port is told where it is not the usual one. */
function sieveUrl(hostname: string, [first]: Settings['listen']['managesieve']): string {
  if (first === undefined) return '';
  return first.port === 4190 ? `sieve://${hostname}` : `sieve://${hostname}:${first.port}`;
}
