/**
 * Aim: one account of all that a server did with mail: what stayed is seen over IMAP, what went on arrived at a sink,
 *      what the sink would not have came back as a notice (RFC 3464), a webhook told of it. The exit code is the
 *      verdict.
 * Method: the real server, `chaski load` and `chaski ledger` as child processes, a sink that refuses and is its DNS.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { Child } from '../../src/harness/child.ts';
import type { LedgerAccount } from '../../src/harness/ledger/account.ts';
import { LedgerWriter } from '../../src/harness/ledger/ledger-writer.ts';
import { SeededRandom } from '../../src/harness/seeded-random.ts';
import { FaultSource } from '../../src/harness/sink/fault-source.ts';
import { SinkRig } from '../../src/harness/sink/rig.ts';
import { eventually, startTestServer } from '../support/test-server.ts';

const launcher = fileURLToPath(new URL('../../src/cli/chaski', import.meta.url));
const anyPort = { host: '127.0.0.1', port: 0 };
const address = 'ann@here.test';
const password = 'correct horse';
const eachCount = 5;

async function chaski(...args: readonly string[]) {
  const child = new Child({ command: launcher, args });
  const { code } = await child.ended;
  return { code, stdout: child.stdout, stderr: child.stderr };
}

/** Takes mail but for who is called nobody, and leads all domains to itself. */
async function startSink(context: TestContext, ledger: string) {
  const refusal = { at: 'rcpt', recipient: 'nobody@*', reply: '550 5.1.1 No such user' } as const;
  const model = { name: 'refusing nobody', rules: [refusal] };
  const sink = new SinkRig({
    ...{ listen: [anyPort], listenTls: [], hostName: 'sink.test', lmtp: false, chunking: true },
    ...{ auth: false, starttls: true, certificate: 'valid', tlsFolder: undefined },
    faults: new FaultSource(model, new SeededRandom(1), () => nodeClock.monotonicMs()),
    ...{ clock: nodeClock, ledger: new LedgerWriter(ledger), onMessage: () => {} },
    dns: { listen: anyPort, address: undefined, policies: undefined, model: {} },
    capture: undefined,
  });
  const { ready, dns } = await sink.start();
  context.after(() => sink.stop());
  return { sink, port: ready[0]!.port, dnsPort: dns!.port };
}

test('local mail, relayed mail and notices of failure are one account', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-ledger-flow-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const ledger = join(folder, 'ledger');
  const { sink, port, dnsPort } = await startSink(context, ledger);
  await using server = await startTestServer({
    'dns.servers': `127.0.0.1:${dnsPort}`,
    'relay.mxPort': `${port}`,
    'relay.privateTargets': 'true',
    'listen.imap': '127.0.0.1:0',
  });
  await server.call('domain.create', { name: 'here.test' });
  await server.call('account.create', { address, password });
  const to = join(folder, 'to.txt');
  writeFileSync(to, `${address}\nbob@ok.sink.test\nnobody@ok.sink.test\n`);
  const load = await chaski(
    ...['load', 'smtp', '--target', `127.0.0.1:${server.ports.smtp}`, '--sessions', '1'],
    ...['--count', `${3 * eachCount}`, '--from', address, '--to', to, '--ledger', ledger],
  );
  assert.equal(load.code, 0, load.stderr);
  await eventually('relayed mail', () => (sink.counts.messages >= eachCount ? true : undefined));

  const early = await chaski('ledger', 'check', ledger);
  assert.equal(early.code, 1);
  assert.match(early.stdout, /verdict: lost = 0: it is \d+\n/);

  // Notices arrive in the sender's own mailbox, beside what was sent there.
  const collected = await eventually('notices', async () => {
    const line = `printf '${password}\\n' | "$0" ledger collect imap "$1" --target "$2" --tls starttls`;
    const script = `${line} --user ${address} --password-stdin --mailbox "*" --json`;
    const target = `127.0.0.1:${server.ports.imap}`;
    const child = new Child({ command: 'sh', args: ['-c', script, launcher, ledger, target] });
    assert.equal((await child.ended).code, 0, child.stderr);
    const counts = JSON.parse(child.stdout) as { seen: number; notices: number };
    return counts.notices >= eachCount ? counts : undefined;
  });
  assert.partialDeepStrictEqual(collected, { seen: eachCount, notices: eachCount });

  const check = await chaski('ledger', 'check', ledger, '--p99-end-to-end', '60000', '--json');
  assert.equal(check.code, 0, check.stdout);
  const account = JSON.parse(check.stdout) as LedgerAccount;
  assert.partialDeepStrictEqual(account, {
    ...{ messages: 3 * eachCount, acknowledged: 3 * eachCount, arrived: eachCount },
    ...{ seen: eachCount, bounced: eachCount, lost: 0, duplicated: 0, corrupted: 0 },
    // One session: both those that stayed and those that went on have an order.
    ...{ unexplained: 0, contradicted: 0, ordered: 2 * eachCount, byInternalDate: eachCount },
  });
  const few = await chaski('ledger', 'check', ledger, '--max-bounced', `${eachCount - 1}`);
  assert.equal(few.code, 1);
  assert.match(few.stdout, new RegExp(`verdict: bounced <= ${eachCount - 1}: it is ${eachCount}`));
});

test('a webhook tells of what a sink never sees, a scenario has thresholds of its ledger', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-ledger-flow-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const ledger = join(folder, 'ledger');
  const { port } = await startSink(context, ledger);
  const scenario = join(folder, 'gate.yaml');
  const gate = (bound: string) =>
    writeFileSync(
      scenario,
      `target: 127.0.0.1:${port}\nledger: ledger\nrecount: 5s\n` +
        'groups: [{ protocol: smtp, sessions: 1, count: 20 }]\n' +
        `thresholds: [duplicated = 0, "p99-end-to-end < ${bound}"]\n`,
    );
  gate('30s');
  const met = await chaski('load', 'run', scenario);
  assert.equal(met.code, 0, met.stdout);
  assert.match(met.stdout, /met {4}p99-end-to-end < 30s \(/);
  gate('0.0001ms');
  const missed = await chaski('load', 'run', scenario);
  assert.equal(missed.code, 1);
  assert.match(missed.stdout, /MISSED p99-end-to-end < 0\.0001ms/);

  const other = join(folder, 'other');
  const writer = new LedgerWriter(other);
  writer.append('injected', { id: 'm1', sha256: 'x', bytes: 1, to: [address], intendedMs: 1 });
  writer.append('acknowledged', { id: 'm1', to: [address], sentMs: 2, atMs: 3 });
  writer.close();
  const map = join(folder, 'map.yaml');
  writeFileSync(map, 'id: [meta.ledger]\nto: [rcpt]\nevent: [kind]\nevents: { Bounced: failed }\n');
  const listen = ['ledger', 'listen', other, '--http', '127.0.0.1:0', '--format', map, '--json'];
  const listener = new Child({ command: launcher, args: listen });
  const [, at] = await listener.until(/"ready":"([^"]+)"/, 30_000);
  const event = { kind: 'bounced', rcpt: address, meta: { ledger: 'm1' } };
  const answer = await fetch(`http://${at}/`, { method: 'POST', body: JSON.stringify(event) });
  assert.equal(answer.status, 200);
  assert.deepEqual(await listener.stop(), { code: 0, signal: null });
  assert.match(listener.stdout, /"events":1/);
  const check = await chaski('ledger', 'check', other, '--max-unreported', '0', '--json');
  assert.equal(check.code, 0, check.stdout);
  assert.partialDeepStrictEqual(JSON.parse(check.stdout), { bounced: 1, reported: 1, lost: 0 });
});
