/**
 * Aim: a ManageSieve session says what its transcripts (`managesieve/*.session`) want, rule by rule.
 * Method: each case plays on a real socket against a session whose scripts are in memory; see README.md.
 */

import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import { loopbackNetworks, networkSet, noNetworks } from '../../src/base/networks.ts';
import { ManageSieveListener } from '../../src/edge/listeners/managesieve-listener.ts';
import { ReloadableTls } from '../../src/edge/listeners/tls.ts';
import {
  defaultManageSieveLimits,
  type ManageSieveLimits,
} from '../../src/edge/protocols/managesieve/limits.ts';
import { testCertificate } from '../support/certificate.ts';
import { FakeManageSieve } from '../support/managesieve-fakes.ts';
import { matches, readTranscripts, type Transcript } from '../support/transcript.ts';
import { WireClient } from '../support/wire-client.ts';
import { account, tenant } from '../unit/engine/mailbox/mailbox-world.ts';

const folder = new URL('managesieve/', import.meta.url).pathname;
const anyConnections = { connectionsMax: 10, connectionsPerAddressMax: 10 };
const plainOfAlice = Buffer.from('\0alice@local.test\0secret').toString('base64');

for (const path of globSync(`${folder}*.session`).sort()) {
  describe(`managesieve/${basename(path)}`, { concurrency: 8 }, () => {
    for (const transcript of readTranscripts(path)) {
      test(transcript.name, () => play(transcript));
    }
  });
}

function limitsOf(options: Readonly<Record<string, string>>): Partial<ManageSieveLimits> {
  const limits: Record<string, number> = {};
  for (const name of Object.keys(defaultManageSieveLimits)) {
    if (options[name] !== undefined) limits[name] = Number(options[name]);
  }
  return limits;
}

async function play({ options, steps }: Transcript): Promise<void> {
  const fake = new FakeManageSieve(limitsOf(options));
  const { service } = fake;
  if ('clear' in options) {
    service.setPolicy({ ...service.policy, clearNetworks: networkSet(loopbackNetworks) });
  }
  const tls = new ReloadableTls('plain' in options ? undefined : testCertificate());
  const listener = new ManageSieveListener({
    ...{ host: '127.0.0.1', port: 0, service, limits: anyConnections },
    ...{ proxyNetworks: noNetworks, tls },
  });
  for (let i = 1; i <= Number(options.scripts ?? 0); i++) {
    await fake.shelf.put({ account, tenant }, `s${i}`, Buffer.from(`# ${i}\r\nkeep;\r\n`));
  }
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
      else if (step.kind === 'closed') {
        assert.equal(await client.closed(), '', `${where}: nothing more is said`);
      } else assert.fail(`${where}: no such step in a ManageSieve transcript`);
    }
  } finally {
    client.destroy();
    await listener.drain(0);
  }
}

/** Past the greeting, under TLS and logged in. */
async function enter(client: WireClient): Promise<void> {
  await untilOk(client);
  client.send(Buffer.from('STARTTLS\r\n'));
  await untilOk(client);
  await client.startTls();
  await untilOk(client);
  client.send(Buffer.from(`AUTHENTICATE "PLAIN" "${plainOfAlice}"\r\n`));
  await untilOk(client);
}

async function untilOk(client: WireClient): Promise<void> {
  for (;;) {
    const line = await client.line();
    assert.ok(line !== undefined && !/^(?:NO|BYE)/.test(line), `heard ${line}`);
    if (line.startsWith('OK')) return;
  }
}
