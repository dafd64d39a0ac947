/**
 * What mail to other servers needs of the main thread: passwords and authorities from files, and policies of domains.
 *
 * Runs in:   main thread.
 */

import { Buffer } from 'node:buffer';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Answer, Ask } from '../actors/ask.ts';
import type { ThreadData } from '../actors/asks/thread-data.ts';
import { openLmdbShardIndex } from '../adapters/lmdb/shard-index.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { createDns } from '../adapters/node/dns.ts';
import { createPolicyHosts } from '../adapters/node/policy-hosts.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import { isDialable } from '../base/dialable.ts';
import { MailError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { mebibyte } from '../base/units.ts';
import { keyVariables } from '../settings/key-references.ts';
import type { Settings } from '../settings/schema.ts';
import { StsPolicies } from './sts-policies.ts';

const mapBytes = 64 * mebibyte;

export interface Outside {
  /** For engine threads. */
  readonly forThreads: Pick<
    ThreadData,
    'relayPassword' | 'relayRoots' | 'sourcePasswords' | 'keyVariables'
  >;
  /** Undefined where nobody asks for them. */
  readonly policies: StsPolicies | undefined;
}

/** @throws MailError `argument-invalid` when a file that settings name cannot be read. */
export async function openOutside(
  settings: Settings,
  log: Log,
  isOffline: boolean,
): Promise<Outside> {
  const relayPassword = await readRelayPassword(settings);
  const relayRoots = await readRelayRoots(settings);
  const mustKnow = !isOffline && asksForPolicies(settings);
  return {
    forThreads: {
      ...{ relayPassword, relayRoots, keyVariables: keyVariables() },
      sourcePasswords: await readSourcePasswords(settings),
    },
    policies: mustKnow ? await openPolicies(settings, relayRoots, log) : undefined,
  };
}

async function readRelayPassword({ relay }: Settings): Promise<string> {
  if (relay.passwordFile === '') return '';
  return (await read('relay.passwordFile', relay.passwordFile)).split(/\r?\n/, 1)[0]!;
}

async function readSourcePasswords({ relay }: Settings): Promise<Record<string, string>> {
  const passwords: Record<string, string> = {};
  for (const { name, passwordFile } of relay.sources) {
    if (passwordFile === '') continue;
    const password = (await read('relay.sources', passwordFile)).split(/\r?\n/, 1)[0]!;
    // RFC 1929 §2: its length is one byte, and 1 at least.
    if (password === '' || Buffer.byteLength(password) > 255) {
      throw new MailError('argument-invalid', `relay.sources: ${passwordFile}: 1 to 255 bytes`);
    }
    passwords[name] = password;
  }
  return passwords;
}

async function readRelayRoots({ relay }: Settings): Promise<string> {
  if (relay.caFile === '') return '';
  const text = await read('relay.caFile', relay.caFile);
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch (error) {
    throw new MailError('argument-invalid', `relay.caFile: ${String(error)}`);
  }
  if (blocks.length === 0) throw new MailError('argument-invalid', 'relay.caFile: no certificates');
  return blocks.join('\n');
}

async function read(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new MailError('argument-invalid', `${setting}: ${String(error)}`);
  }
}

function asksForPolicies({ relay }: Settings): boolean {
  const ways = [relay.route, ...relay.routes.map(({ route }) => route)];
  return relay.mtaSts && ways.some(({ kind }) => kind === 'mx');
}

async function openPolicies(settings: Settings, roots: string, log: Log): Promise<StsPolicies> {
  const { relay, data } = settings;
  const dns = createDns({ settings: settings.dns, clock: nodeClock, random: nodeRandom });
  return new StsPolicies({
    ...{ dns, clock: nodeClock, log },
    hosts: await createPolicyHosts({
      ...{ dns, roots, port: relay.policyPort, timeoutMs: relay.policyMsMax },
      mayDial: (address) => relay.privateTargets || isDialable(address),
    }),
    openTable: () => {
      const path = join(data.dir, 'policies');
      const onDiscard = (why: string) => log.error({ why }, 'damaged policies are fetched anew');
      return openLmdbShardIndex({ path, mapBytes, onDiscard });
    },
  });
}

/** An engine thread asks what TLS a domain wants. */
export async function answerPolicy({ policies }: Outside, { meta }: Ask): Promise<Answer> {
  return { ok: true, value: await policies?.of(String(meta)) };
}
