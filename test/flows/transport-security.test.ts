/**
 * Aim:    mail to other servers goes as their policies ask: to hosts they name, under certificates that fit.
 * Method: the real server on a sink that is its name server, its next hop and the host of all policies.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { it } from 'node:test';
import nodemailer from 'nodemailer';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { SeededRandom } from '../../src/harness/seeded-random.ts';
import { Certificates } from '../../src/harness/sink/certificates.ts';
import { FaultSource } from '../../src/harness/sink/fault-source.ts';
import { SinkRig } from '../../src/harness/sink/rig.ts';
import { sinkModels } from '../../src/harness/sink/shipped-models.ts';
import { parseStsPolicy, stsPolicyId } from '../../src/mail/trust/mta-sts.ts';
import { heldMail } from '../support/account-mail.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

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

  /** The source of the oldest message that fits. */
  async captured(query: string): Promise<string> {
    const api = `http://127.0.0.1:${this.addresses!.http!.port}/api/v1`;
    const found = await fetch(`${api}/wait?timeout=10&${query}`);
    assert.equal(found.status, 200, query);
    const { id } = (await found.json()) as { id: string };
    return await (await fetch(`${api}/messages/${id}/source`)).text();
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

it('settings may leave policies and DANE alone', async () => {
  await using world = new World();
  await using test = await world.server({ 'relay.mtaSts': 'false', 'relay.dane': 'false' });
  for (const variant of ['sts-wrong-mx', 'dane-wrong']) {
    await send(test, `ann@${variant}.sink.test`);
    assert.equal(await world.isDelivered(`ann@${variant}.sink.test`), true, variant);
  }
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

/** Over TLS, as REQUIRETLS wants it; `head` stands before the header. */
async function sendByWire(
  test: TestServer,
  { to, parameter = '', head = '' }: { to: string; parameter?: string; head?: string },
): Promise<void> {
  const client = await WireClient.connect(test.ports.smtp!);
  const say = async (line: string, code: string) => {
    client.send(Buffer.from(`${line}\r\n`));
    for (;;) {
      const reply = (await client.line()) ?? 'closed';
      assert.equal(reply.slice(0, 3), code, `${line}: ${reply}`);
      if (reply[3] !== '-') return;
    }
  };
  assert.match((await client.line())!, /^220 /);
  await say('EHLO c.test', '250');
  await say('STARTTLS', '220');
  await client.startTls();
  await say('EHLO c.test', '250');
  await say(`MAIL FROM:<sender@ok.sink.test>${parameter}`, '250');
  await say(`RCPT TO:<${to}>`, '250');
  await say('DATA', '354');
  await say(`${head}Subject: to ${to}\r\n\r\nhello\r\n.`, '250');
  client.destroy();
}

// RFC 8689 §4.2.1.
it('mail that requires TLS goes where all is proven, and comes back from everywhere else', async () => {
  await using world = new World();
  const certificates = new Certificates(Date.now());
  const { cert, key } = await certificates.of('valid', 'localhost');
  const authority = join(world.folder, 'far.pem');
  const files = { cert: join(world.folder, 'cert.pem'), key: join(world.folder, 'key.pem') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  writeFileSync(authority, await certificates.root());
  await using far = await startTestServer({ 'tls.cert': files.cert, 'tls.key': files.key });
  await far.call('domain.create', { name: 'far.test' });
  await far.call('account.create', { address: 'ann@far.test', password: 'correct horse' });
  await using test = await world.server({
    'relay.routes': `far.test=smtp://localhost:${far.ports.smtp}`,
    'relay.caFile': authority,
  });
  const parameter = ' REQUIRETLS';
  await sendByWire(test, { to: 'ann@far.test', parameter });
  await eventually('the mail at the far server', async () => {
    const mail = (await heldMail(far, 'ann@far.test')).INBOX ?? [];
    return mail.length === 1 ? mail : undefined;
  });
  // The sink does not offer it, and no name of `ok` is proven.
  const refused = { 'dane-right': '5.7.30', ok: '5.7.10' } as const;
  for (const [variant, status] of Object.entries(refused)) {
    await sendByWire(test, { to: `ann@${variant}.sink.test`, parameter });
    const query = `to=sender@ok.sink.test&text=ann@${variant}.sink.test`;
    assert.match(await world.captured(query), new RegExp(`Status: ${status}`), variant);
  }
});

// RFC 8689 §4.1.2.
it('mail that can do without TLS goes whatever policies say', async () => {
  await using world = new World();
  await using test = await world.server();
  const head = 'TLS-Required: No\r\n';
  for (const variant of ['dane-wrong', 'sts-wrong-mx']) {
    const to = `ann@${variant}.sink.test`;
    await sendByWire(test, { to, head });
    assert.equal(await world.isDelivered(to), true, variant);
  }
});

// RFC 8461 §3.2.
it('the policy of our own domains is served under their names, and its records are printed', async () => {
  await using test = await startTestServer({
    'listen.http': '127.0.0.1:0',
    'public.url': 'https://web.example.net',
    'mtaSts.mode': 'enforce',
    'mtaSts.mx': 'backup.example.net, *.pool.example.net',
    'mtaSts.maxAgeMs': '14d',
  });
  const { records } = await test.call('domain.create', { name: 'here.test' });
  const value = (name: string) => records.find((record) => record.name === name)?.value;
  assert.equal(value('mta-sts.here.test'), 'web.example.net');
  assert.match(value('_smtp._tls.here.test')!, /^v=TLSRPTv1;/);
  const ask = (host: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const where = { port: test.ports.http!, path: '/.well-known/mta-sts.txt', headers: { host } };
    get({ host: '127.0.0.1', ...where }, async (answer) => {
      const type = answer.headers['content-type'] ?? '';
      resolve(`${answer.statusCode} ${type.split(';')[0]} ${await textOf(answer)}`);
    }).on('error', reject);
    return promise;
  };
  const [, text = ''] = /^200 text\/plain (.*)$/s.exec(await ask('mta-sts.here.test')) ?? [];
  const policy = parseStsPolicy(text)!;
  assert.deepEqual(policy, {
    ...{ mode: 'enforce', maxAgeSeconds: 14 * 86_400 },
    mx: ['mx.test', 'backup.example.net', '*.pool.example.net'],
  });
  assert.equal(value('_mta-sts.here.test'), `v=STSv1; id=${stsPolicyId(policy)}`);
  assert.match(await ask('127.0.0.1'), /^404 /);
  assert.match(await ask('mta-sts.there.test'), /^421 /);
  assert.match(await ask('here.test'), /^421 /);
});
