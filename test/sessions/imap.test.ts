/**
 * Aim: an IMAP session says what its transcripts (`imap/*.session`) want, rule by rule.
 * Method: each case plays on a real socket against a session whose engine is in memory; see README.md.
 */

import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import { loopbackNetworks, networkSet, noNetworks } from '../../src/base/networks.ts';
import { ImapListener } from '../../src/edge/listeners/imap-listener.ts';
import { ReloadableTls } from '../../src/edge/listeners/tls.ts';
import { defaultImapLimits, type ImapLimits } from '../../src/edge/protocols/imap/limits.ts';
import { testCertificate } from '../support/certificate.ts';
import { FakeImap } from '../support/imap-fakes.ts';
import { SeededClock, turns } from '../support/seeded-clock.ts';
import { matches, readTranscripts, type Transcript } from '../support/transcript.ts';
import { WireClient } from '../support/wire-client.ts';
import { account, tenant } from '../unit/engine/mailbox/mailbox-world.ts';

const folder = new URL('imap/', import.meta.url).pathname;
const anyConnections = { connectionsMax: 10, connectionsPerAddressMax: 10 };

for (const path of globSync(`${folder}*.session`).sort()) {
  describe(`imap/${basename(path)}`, { concurrency: 8 }, () => {
    for (const transcript of readTranscripts(path)) {
      test(transcript.name, () => play(transcript));
    }
  });
}

function limitsOf(options: Readonly<Record<string, string>>): Partial<ImapLimits> {
  const limits: Record<string, number> = {};
  for (const name of Object.keys(defaultImapLimits)) {
    if (options[name] !== undefined) limits[name] = Number(options[name]);
  }
  return limits;
}

async function play({ options, steps }: Transcript): Promise<void> {
  const clock = new SeededClock();
  const fake = new FakeImap(limitsOf(options), clock);
  if ('clear' in options) {
    fake.service.setPolicy({ ...fake.service.policy, clearNetworks: networkSet(loopbackNetworks) });
  }
  if (!('recent' in options)) fake.hideRecent();
  const tls = new ReloadableTls('plain' in options ? undefined : testCertificate());
  const listener = new ImapListener({
    ...{ host: '127.0.0.1', port: 0, service: fake.service, limits: anyConnections },
    ...{ proxyNetworks: noNetworks, tls },
  });
  if (options.shared !== undefined) await fake.shareAs(options.shared);
  if (options.anyone !== undefined) await fake.shareAs(options.anyone, 0);
  fake.quotaSetters.push(...(options.setters?.split(' ') ?? []));
  if (options.quota !== undefined) {
    const [bytes, messages] = options.quota.split(' ').map(Number);
    const quota = { bytes: bytes!, messages: messages! };
    await fake.world.mailboxes.putAccount(account, tenant, quota);
  }
  for (let i = 0; i < Number(options.messages ?? 0); i++) await fake.world.deliver();
  const { port } = await listener.listen();
  const client = await WireClient.connect(port);
  try {
    if (!('early' in options)) await enter(client, 'open' in options);
    for (const step of steps) {
      const where = `line ${step.line}`;
      if (step.kind === 'send') client.send(step.octets);
      else if (step.kind === 'expect') {
        const line = await client.line();
        const isRight = line !== undefined && matches(step.pattern, line);
        assert.ok(isRight, `${where}: wanted ${step.pattern}, heard ${line}`);
      } else if (step.kind === 'tls') await client.startTls();
      else if (step.kind === 'compress') client.compress();
      else if (step.kind === 'arrival') await fake.world.deliver();
      else if (step.kind === 'pause') {
        await new Promise((resolve) => setTimeout(resolve, 15));
        clock.advance(60);
        await turns(2);
      } else if (step.kind === 'closed') {
        assert.equal(await client.closed(), '', `${where}: nothing more is said`);
      } else assert.fail(`${where}: no such step in an IMAP transcript`);
    }
    assert.equal(fake.reception.reservedBytes, 0, 'all room was given back');
  } finally {
    client.destroy();
    await listener.drain(0);
  }
}

/** TLS and log-in, and INBOX where the case wants it open. */
async function enter(client: WireClient, isOpen: boolean): Promise<void> {
  await client.line();
  await say(client, 'e1 STARTTLS');
  await client.startTls();
  await say(client, 'e2 LOGIN alice@local.test secret');
  if (isOpen) await say(client, 'e3 SELECT INBOX');
}

async function say(client: WireClient, line: string): Promise<void> {
  client.send(Buffer.from(`${line}\r\n`));
  const tag = line.slice(0, line.indexOf(' '));
  for (;;) {
    const heard = await client.line();
    assert.ok(heard !== undefined, `closed at ${line}`);
    if (!heard.startsWith(`${tag} `)) continue;
    assert.match(heard, /^\S+ OK/);
    return;
  }
}
