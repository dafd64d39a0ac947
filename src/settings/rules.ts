/**
 * Rules between settings, which no single field can state, and what must hold on this machine.
 *
 * Runs in:   main thread; reads the file system for the files settings name.
 */

import { isLoopback } from '../base/networks.ts';
import { certificateFaults } from './certificate-rules.ts';
import { egressFaults } from './egress-rules.ts';
import { fileFaults } from './file-rules.ts';
import { filterFaults } from './filter-rules.ts';
import { ldapFaults } from './ldap-rules.ts';
import { type ListenAddress, writeListenAddress } from './networks.ts';
import { controlSocketPath, listenersOf } from './places.ts';
import { scannerFaults } from './scanner-rules.ts';
import type { Settings } from './schema.ts';
import { sieveFaults } from './sieve-rules.ts';

export interface RuleFault {
  /** The settings that do not go together. */
  readonly paths: readonly string[];
  readonly reason: string;
  readonly advice: string;
}

/** `sun_path` of a Unix socket's address holds 108 bytes, the last one NUL. */
const socketPathBytesMax = 107;

export function faultsBetween(settings: Settings): readonly RuleFault[] {
  return [
    ...socketFaults(settings),
    ...listenerFaults(settings),
    ...certificateFaults(settings),
    ...relayFaults(settings),
    ...egressFaults(settings),
    ...retryFaults(settings),
    ...policyFaults(settings),
    ...issuerFaults(settings),
    ...sizeFaults(settings),
    ...messageLimitFaults(settings),
    ...ldapFaults(settings),
    ...scannerFaults(settings),
    ...sieveFaults(settings),
    ...filterFaults(settings),
  ];
}

function* socketFaults(settings: Settings): Iterable<RuleFault> {
  const length = Buffer.byteLength(controlSocketPath(settings));
  if (length <= socketPathBytesMax) return;
  yield {
    paths: ['data.dir'],
    reason: `the control socket's path would have ${length} bytes; at most ${socketPathBytesMax} work`,
    advice: 'Choose a shorter path, or a symbolic link to the folder.',
  };
}

function* listenerFaults(settings: Settings): Iterable<RuleFault> {
  const seen: { readonly path: string; readonly address: ListenAddress }[] = [];
  for (const [path, addresses] of listenersOf(settings)) {
    for (const address of addresses) {
      const other = seen.find((each) => collide(each.address, address));
      seen.push({ path, address });
      if (other === undefined) continue;
      const place = other.path === path ? 'the same list' : other.path;
      yield {
        paths: [path, other.path],
        reason: `${writeListenAddress(address)} collides with ${writeListenAddress(other.address)} in ${place}`,
        advice: 'Give each listener an address and port of its own.',
      };
    }
  }
  const open = settings.listen.lmtp.filter((address) => !isLoopback(address.host));
  if (open.length === 0 || settings.lmtp.networks.length > 0) return;
  yield {
    paths: ['listen.lmtp', 'lmtp.networks'],
    reason: `LMTP on ${open.map(writeListenAddress).join(', ')} is off loopback and has no allow list`,
    advice: 'Name in lmtp.networks who may deliver, or listen on 127.0.0.1.',
  };
}

function collide(one: ListenAddress, other: ListenAddress): boolean {
  if (one.port !== other.port || one.port === 0) return false;
  if (one.host.includes(':') !== other.host.includes(':')) return false;
  const isOnAll = ({ host }: ListenAddress) => host === '0.0.0.0' || host === '::';
  return one.host === other.host || isOnAll(one) || isOnAll(other);
}

function* policyFaults({ mtaSts, public: told, listen }: Settings): Iterable<RuleFault> {
  const isServed = listen.https.length > 0 || (told.url !== '' && listen.http.length > 0);
  if (mtaSts.mode === 'off' || isServed) return;
  yield {
    paths: ['mtaSts.mode', told.url === '' ? 'public.url' : 'listen.http'],
    reason: 'nobody could fetch the policy',
    advice:
      'Set listen.https; or listen.http, and public.url to where a proxy with a certificate leads to it.',
  };
}

function* issuerFaults({ oidc, public: told }: Settings): Iterable<RuleFault> {
  for (const { name, web, clientSecretFile } of oidc.issuers) {
    yield* fileFaults('oidc.issuers', clientSecretFile);
    if (!web || told.url !== '') continue;
    yield {
      paths: ['oidc.issuers', 'public.url'],
      reason: `browsers could not come back from ${name}`,
      advice: 'Set public.url to where browsers reach the API, or leave `web` out.',
    };
  }
}

function* relayFaults(settings: Settings): Iterable<RuleFault> {
  const { user, passwordFile, retryMsMin, retryMsMax, tls } = settings.relay;
  if ((user === '') !== (passwordFile === '')) {
    yield {
      paths: ['relay.user', 'relay.passwordFile'],
      reason: 'one of the two is set without the other',
      advice: 'Set both to log in at the next server, or neither.',
    };
  }
  if (user !== '' && (tls === 'off' || tls === 'opportunistic')) {
    yield {
      paths: ['relay.tls', 'relay.user'],
      reason: 'the password of relay.user could be sent in the clear',
      advice: 'Set relay.tls to "required" or "verified" where relay.user is set.',
    };
  }
  yield* waitFaults('relay.retry', retryMsMin, retryMsMax);
  yield* fileFaults('relay.passwordFile', passwordFile);
  for (const source of settings.relay.sources) {
    yield* fileFaults('relay.sources', source.passwordFile);
  }
}

function* retryFaults({ retry }: Settings): Iterable<RuleFault> {
  yield* waitFaults('retry.greylist', retry.greylistMsMin, retry.greylistMsMax);
  yield* waitFaults('retry.rate', retry.rateMsMin, retry.rateMsMax);
  yield* waitFaults('retry.overQuota', retry.overQuotaMsMin, retry.overQuotaMsMax);
  yield* waitFaults('retry.block', retry.blockMsMin, retry.blockMsMax);
}

function* waitFaults(name: string, msMin: number, msMax: number): Iterable<RuleFault> {
  if (msMin <= msMax) return;
  yield {
    paths: [`${name}MsMin`, `${name}MsMax`],
    reason: 'the shortest wait is longer than the longest',
    advice: `Set ${name}MsMin to at most ${name}MsMax.`,
  };
}

function* sizeFaults(settings: Settings): Iterable<RuleFault> {
  const { shards, workers, memory, smtp } = settings;
  if (shards > 0 && workers > shards) {
    yield {
      paths: ['workers', 'shards'],
      reason: `${workers} threads cannot share ${shards} shards`,
      advice: 'Set workers to at most shards, or to 0.',
    };
  }
  if (smtp.messageBytesMax > memory.receivingBytesMax) {
    yield {
      paths: ['smtp.messageBytesMax', 'memory.receivingBytesMax'],
      reason: 'a message of the largest size would never find room in memory.receivingBytesMax',
      advice: 'Raise memory.receivingBytesMax or lower smtp.messageBytesMax.',
    };
  }
}

/** RFC 9738 §3: fewer would be of no use to a client. */
const messageLimitMin = 1_000;

function* messageLimitFaults({ imap }: Settings): Iterable<RuleFault> {
  for (const name of ['messagesPerCommandMax', 'savedMessagesPerCommandMax'] as const) {
    if (imap[name] === 0 || imap[name] >= messageLimitMin) continue;
    yield {
      paths: [`imap.${name}`],
      reason: `${imap[name]} messages are too few for one command`,
      advice: `Set it to at least ${messageLimitMin}, or to 0 for no limit.`,
    };
  }
}
