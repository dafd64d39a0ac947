/**
 * Aim: a POP3 session says what its transcripts (`pop3/*.session`) want, rule by rule.
 * Method: each case plays on a real socket against a session whose engine is in memory; see README.md.
 */

import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import { loopbackNetworks, networkSet, noNetworks } from '../../src/base/networks.ts';
import { Pop3Listener } from '../../src/edge/listeners/pop3-listener.ts';
import { ReloadableTls } from '../../src/edge/listeners/tls.ts';
import { defaultPop3Limits, type Pop3Limits } from '../../src/edge/protocols/pop3/limits.ts';
import { noQuota } from '../../src/engine/mailbox/account-actor.ts';
import { testCertificate } from '../support/certificate.ts';
import { FakePop3 } from '../support/pop3-fakes.ts';
import { SeededClock } from '../support/seeded-clock.ts';
import { matches, octetsOf, readTranscripts, type Transcript } from '../support/transcript.ts';
import { WireClient } from '../support/wire-client.ts';
import type { ImapWorld } from '../unit/engine/mailbox/imap/imap-world.ts';
import { account, tenant } from '../unit/engine/mailbox/mailbox-world.ts';

const folder = new URL('pop3/', import.meta.url).pathname;
const anyConnections = { connectionsMax: 10, connectionsPerAddressMax: 10 };

for (const path of globSync(`${folder}*.session`).sort()) {
  describe(`pop3/${basename(path)}`, { concurrency: 8 }, () => {
    for (const transcript of readTranscripts(path)) {
      test(transcript.name, () => play(transcript));
    }
  });
}

function limitsOf(options: Readonly<Record<string, string>>): Partial<Pop3Limits> {
  const limits: Record<string, number> = {};
  for (const name of Object.keys(defaultPop3Limits)) {
    if (options[name] !== undefined) limits[name] = Number(options[name]);
  }
  return limits;
}

async function play({ options, steps }: Transcript): Promise<void> {
  const fake = new FakePop3(limitsOf(options), new SeededClock());
  if ('clear' in options) {
    fake.service.setPolicy({ ...fake.service.policy, clearNetworks: networkSet(loopbackNetworks) });
  }
  const tls = new ReloadableTls('plain' in options ? undefined : testCertificate());
  const listener = new Pop3Listener({
    ...{ host: '127.0.0.1', port: 0, service: fake.service, limits: anyConnections },
    ...{ proxyNetworks: noNetworks, tls },
  });
  for (let i = 0; i < Number(options.messages ?? 0); i++) await fake.world.deliver();
  if (options.text !== undefined) await put(fake.world, octetsOf(options.text));
  const { port } = await listener.listen();
  const client = await WireClient.connect(port);
  try {
    if (!('early' in options)) await enter(client);
    for (const step of steps) {
      const where = `line ${step.line}`;
      if (step.kind === 'send') client.send(step.octets);
      else if (step.kind === 'expect') {
        const line = await client.line();
        const isRight = line !== undefined && matches(step.pattern, line);
        assert.ok(isRight, `${where}: wanted ${step.pattern}, heard ${line}`);
      } else if (step.kind === 'tls') await client.startTls();
      else if (step.kind === 'arrival') await fake.world.deliver();
      else if (step.kind === 'closed') {
        assert.equal(await client.closed(), '', `${where}: nothing more is said`);
      } else assert.fail(`${where}: no such step in a POP3 transcript`);
    }
  } finally {
    client.destroy();
    await listener.drain(0);
  }
}

/** As it is: a delivery would put fields before it. */
async function put({ mailboxes, ids }: ImapWorld, bytes: Buffer): Promise<void> {
  await mailboxes.putAccount(account, tenant, noQuota);
  const place = { account, tenant, mailbox: 1, id: ids.next() };
  const outcome = await mailboxes.append({
    ...place,
    flags: 0,
    keywords: [],
    internalMs: 0,
    bytes,
  });
  assert.ok(outcome.ok);
}

/** TLS and log-in. */
async function enter(client: WireClient): Promise<void> {
  await client.line();
  await say(client, 'STLS');
  await client.startTls();
  await say(client, 'USER alice@local.test');
  await say(client, 'PASS secret');
}

async function say(client: WireClient, line: string): Promise<void> {
  client.send(Buffer.from(`${line}\r\n`));
  assert.match((await client.line()) ?? 'closed', /^\+OK/, line);
}
