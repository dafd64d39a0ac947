/**
 * Aim:    mail to other servers goes as their policies ask: to hosts they name, under certificates that fit.
 * Method: the real server on a sink that is its name server, its next hop and the host of all policies.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import nodemailer from 'nodemailer';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { SeededRandom } from '../../src/harness/seeded-random.ts';
import { FaultSource } from '../../src/harness/sink/fault-source.ts';
import { SinkRig } from '../../src/harness/sink/rig.ts';
import { sinkModels } from '../../src/harness/sink/shipped-models.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

const anyPort = { host: '127.0.0.1', port: 0 };

class World implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'chaski-tls-'));
  readonly sink = new SinkRig({
    ...{ listen: [anyPort], listenTls: [], hostName: 'sink.test', lmtp: false, chunking: true },
    ...{ auth: false, starttls: true, certificate: 'valid', tlsFolder: this.folder },
    faults: new FaultSource(sinkModels.fast!, new SeededRandom(1), () => nodeClock.monotonicMs()),
    ...{ clock: nodeClock, ledger: undefined, onMessage: () => {} },
    dns: {
      ...{ listen: anyPort, address: undefined, policies: anyPort },
      // Its host shows an expired certificate, by its name.
      model: { domains: { 'cert-expired.test': 'sts-enforce' } },
    },
    capture: {
      ...{ http: anyPort, folder: undefined, countMax: 1_000, bytesMax: 100_000_000 },
      ...{ names: [], probesLinks: false },
    },
  });
  addresses: Awaited<ReturnType<SinkRig['start']>> | undefined;

  async server(overrides: Readonly<Record<string, string>> = {}): Promise<TestServer> {
    this.addresses ??= await this.sink.start();
    const { ready, dns, policies } = this.addresses;
    return await startTestServer(
      {
        'dns.servers': `127.0.0.1:${dns!.port}`,
        'relay.mxPort': String(ready[0]!.port),
        'relay.privateTargets': 'true',
        'relay.caFile': join(this.folder, 'ca.pem'),
        'relay.policyPort': String(policies!.port),
        'relay.policyMsMax': '2s',
        ...overrides,
      },
      { folder: this.folder },
    );
  }

  async isDelivered(to: string): Promise<boolean> {
    const { http } = this.addresses!;
    const answer = await fetch(`http://127.0.0.1:${http!.port}/api/v1/wait?timeout=10&to=${to}`);
    if (answer.status !== 200) return false;
    return ((await answer.json()) as { isEncrypted: boolean }).isEncrypted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sink.stop();
    rmSync(this.folder, { recursive: true });
  }
}

async function send(test: TestServer, to: string): Promise<void> {
  const transport = nodemailer.createTransport({
    ...{ host: '127.0.0.1', port: test.ports.smtp!, ignoreTLS: true },
  });
  const from = 'sender@ok.sink.test';
  await transport.sendMail({ from, to, subject: `to ${to}`, text: 'hello' });
}

function lastReply(test: TestServer, domain: string): Promise<string> {
  return eventually(`${domain} deferred`, async () => {
    const { entries } = await test.call('queue.list', { domain, limit: 10 });
    const reply = entries[0]?.recipients[0]?.lastReply ?? '';
    return reply === '' ? undefined : reply;
  });
}

// RFC 8461 §5.
it('MTA-STS policies are kept where they hold, and no mail waits for one that is none', async () => {
  await using world = new World();
  await using test = await world.server();
  const held = ['sts-enforce', 'sts-testing', 'sts-none'];
  // RFC 8461 §3.3: what cannot be fetched as it must be is no policy.
  const none = ['expired', 'wrong-name', 'redirect', 'oversized', 'stall', 'missing', 'garbage'];
  const variants = [...held, ...none.map((each) => `sts-${each}`)];
  for (const variant of variants) await send(test, `${variant}@${variant}.sink.test`);
  await send(test, 'ann@sts-wrong-mx.sink.test');
  await send(test, 'ann@cert-expired.test');
  for (const variant of variants) {
    assert.equal(await world.isDelivered(`${variant}@${variant}.sink.test`), true, variant);
  }
  assert.match(await lastReply(test, 'sts-wrong-mx.sink.test'), /^451 4\.7\.0 .*MTA-STS/);
  assert.match(
    await lastReply(test, 'cert-expired.test'),
    /^451 4\.7\.5 .*certificate has expired/,
  );
});

// RFC 8461 §5.1.
it('an MTA-STS policy holds over a restart, though its host be gone', async () => {
  await using world = new World();
  {
    await using test = await world.server();
    await send(test, 'ann@sts-wrong-mx.sink.test');
    assert.match(await lastReply(test, 'sts-wrong-mx.sink.test'), /^451 4\.7\.0/);
  }
  await using test = await world.server({ 'relay.policyPort': '1' });
  await send(test, 'bob@sts-wrong-mx.sink.test');
  const both = await eventually('both deferred', async () => {
    const { entries } = await test.call('queue.list', { limit: 10 });
    const replies = entries.map(({ recipients }) => recipients[0]!.lastReply);
    return replies.length === 2 && !replies.includes('') ? replies : undefined;
  });
  for (const reply of both) assert.match(reply, /^451 4\.7\.0 .*MTA-STS/);
});
