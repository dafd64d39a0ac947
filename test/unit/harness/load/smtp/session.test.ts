/**
 * Aim: the generator's own SMTP and LMTP client tells the truth about every message, whatever the
 *      server does.
 * Method: the harness's sink as the server, with faults; both over loopback.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodeClock } from '../../../../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../../../../src/adapters/node/random.ts';
import { LedgerJoin } from '../../../../../src/harness/ledger/ledger-join.ts';
import { LedgerReader } from '../../../../../src/harness/ledger/ledger-reader.ts';
import { LedgerWriter } from '../../../../../src/harness/ledger/ledger-writer.ts';
import { judge } from '../../../../../src/harness/ledger/verdict.ts';
import type { SmtpPlan } from '../../../../../src/harness/load/smtp/smtp-plan.ts';
import type { RunReport } from '../../../../../src/harness/measure/run-report.ts';
import { totalsOf } from '../../../../../src/harness/measure/totals.ts';
import { LoadRun } from '../../../../../src/harness/run/load-run.ts';
import { readScenario } from '../../../../../src/harness/scenario/shape.ts';
import { SeededRandom } from '../../../../../src/harness/seeded-random.ts';
import { FaultSource } from '../../../../../src/harness/sink/fault-source.ts';
import { parseFault } from '../../../../../src/harness/sink/model-schema.ts';
import { Sink, type SinkCounts } from '../../../../../src/harness/sink/sink.ts';

interface Play extends Partial<SmtpPlan> {
  readonly ledger?: string;
  readonly faults?: readonly string[];
  readonly bytes?: number;
}

const count = 200;

interface Played {
  readonly report: RunReport;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly unsent: number;
  readonly replies: readonly string[];
  readonly counts: SinkCounts;
}

async function play(context: TestContext, options: Play): Promise<Played> {
  const { faults = [], bytes = 1_000, ledger, ...plan } = options;
  const model = { name: 'test', rules: faults.map(parseFault) };
  const sink = new Sink({
    listen: [{ host: '127.0.0.1', port: 0 }],
    ...{ hostName: 'sink.test', lmtp: plan.lmtp === true, chunking: true },
    clock: nodeClock,
    ledger: ledger === undefined ? undefined : new LedgerWriter(ledger),
    faults: new FaultSource(model, new SeededRandom(5), nodeClock.monotonicMs),
  });
  const [target] = await sink.start();
  context.after(() => sink.stop());
  const group = {
    ...{ name: 'test', protocol: 'smtp' as const, target: target! },
    ...{ sessionsMax: 4, durationMs: 20_000, countMax: count, perConnection: 30 },
    patienceMs: 5_000,
    options: {
      ...{ lmtp: false, pipeline: false, chunking: false, tls: 'none' as const, recipients: 1 },
      isVerified: false,
      tenants: [{ weight: 1, from: 'f@x' }],
      destinations: [{ weight: 1, addresses: ['a@x', 'b@x', 'c@x', 'd@x'] }],
      messages: [{ kind: 'sized' as const, weight: 1, bytes }],
      ...plan,
    },
  };
  const entered = ledger === undefined ? {} : { ledger };
  const run = {
    scenario: 'test',
    seed: 1,
    threads: 1,
    groups: [group],
    thresholds: [],
    ...entered,
  };
  const report = await new LoadRun(run, { clock: nodeClock, random: nodeRandom, epochMs: 0 }).run();
  const { copies, replies } = totalsOf(report);
  const { ok: acknowledged, ...others } = copies;
  await sink.stop();
  return { report, acknowledged, ...others, replies: Object.keys(replies), counts: sink.counts };
}

const ways = [false, true].flatMap((pipeline) => [
  { pipeline, chunking: false },
  { pipeline, chunking: true },
]);

for (const way of ways) {
  const how = `${way.pipeline ? 'pipelined' : 'step by step'} by ${way.chunking ? 'BDAT' : 'DATA'}`;

  test(`all messages arrive, ${how}`, async (context) => {
    const { report, acknowledged, counts } = await play(context, { ...way, recipients: 3 });
    assert.equal(acknowledged, count * 3);
    assert.equal(counts.messages, count);
    assert.equal(counts.copies, count * 3);
    assert.equal(counts.connectionsCut, 0);
    const { message, session } = report.groups[0]!.operations;
    assert.equal(message!.ok, count);
    assert.equal(message!.phases.acknowledgement!.count, count);
    assert.deepEqual(Object.keys(session!.phases), ['connect', 'greeting', 'ehlo']);
  });

  test(`large messages arrive whole, ${how}`, async (context) => {
    const { acknowledged, report } = await play(context, { ...way, bytes: 200_000 });
    assert.equal(acknowledged, count);
    assert.ok(report.groups[0]!.bytesSent > count * 200_000);
  });

  test(`refusals at MAIL, RCPT, DATA and its end are told apart, ${how}`, async (context) => {
    for (const at of ['mail', 'rcpt', 'data', 'message']) {
      if (at === 'data' && way.chunking) continue;
      const faults = [`${at}=451 4.3.0 Busy at ${at}:0.3`];
      const played = await play(context, { ...way, recipients: 2, faults });
      const { acknowledged, refused, counts, replies } = played;
      assert.equal(acknowledged + refused, count * 2, at);
      assert.equal(acknowledged, counts.copies, at);
      assert.ok(refused > count / 4, `${at}: ${refused} refused`);
      assert.deepEqual(replies, [`451 4.3.0 Busy at ${at}`]);
    }
  });

  test(`a connection cut in the body leaves its message unknown, ${how}`, async (context) => {
    const played = await play(context, { ...way, faults: ['body=drop:0.1'] });
    const { acknowledged, unknown, unsent, counts } = played;
    assert.equal(acknowledged, counts.messages);
    assert.equal(acknowledged + unknown + unsent, count);
    assert.ok(unknown > 5, `${unknown} unknown`);
  });

  test(`LMTP: each recipient has a fate of its own, ${how}`, async (context) => {
    const faults = ['message=452 4.2.2 Full:0.25', 'rcpt=550 5.1.1 No:0.2'];
    const options = { ...way, lmtp: true, recipients: 4, faults };
    const { acknowledged, refused, counts, replies } = await play(context, options);
    assert.equal(acknowledged + refused, count * 4);
    assert.equal(acknowledged, counts.copies);
    assert.equal(replies.length, 2);
  });
}

test('the ledger finds every message where it was sent, unchanged, by DATA and by BDAT', async (context) => {
  const ledger = mkdtempSync(join(tmpdir(), 'chaski-load-'));
  context.after(() => rmSync(ledger, { recursive: true }));
  const faults = ['body=drop:0.02', 'rcpt=550 5.1.1 No:0.1'];
  for (const way of ways) await play(context, { ...way, ledger, faults, recipients: 2 });
  const joined = new LedgerJoin();
  new LedgerReader(ledger).readNew(joined);
  const account = joined.account();
  assert.partialDeepStrictEqual(judge(account), { ok: true, faults: [] });
  assert.equal(account.messages, ways.length * count);
  assert.ok(account.refused > 0 && account.acknowledged > ways.length * count);
});

test('a 421 ends the session and the run goes on over another', async (context) => {
  const faults = ['connect=421 4.3.2 Busy:0.3', 'mail=421 4.3.2 Busy:0.05'];
  const { acknowledged, refused, unsent, counts } = await play(context, { faults });
  assert.equal(acknowledged, counts.copies);
  assert.equal(acknowledged + refused + unsent, count);
  assert.ok(acknowledged > count / 2);
});

/** Answers as a script says: a server of few words, whose connections do not end with the client's. */
async function startScripted(
  context: TestContext,
  script: (line: string, socket: Socket) => string,
): Promise<{ readonly host: string; readonly port: number }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {}).write('220 scripted\r\n');
    socket.on('data', (bytes) => {
      for (const line of bytes.toString('latin1').split('\r\n').slice(0, -1)) {
        const reply = script(line, socket);
        if (reply !== '') socket.write(`${reply}\r\n`);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => void server.close());
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

function plain(line: string): string {
  if (line === 'DATA') return '354 go on';
  return /^(?:EHLO|MAIL|RCPT|RSET|\.$)/.test(line) ? '250 fine' : '';
}

async function playScripted(target: { host: string; port: number }, group: object) {
  const value = {
    target: `${target.host}:${target.port}`,
    groups: [{ protocol: 'smtp', ...group }],
  };
  const plan = readScenario(value, { name: 'scripted', base: '.' });
  const report = await new LoadRun(plan, {
    ...{ clock: nodeClock, random: nodeRandom },
    epochMs: performance.timeOrigin,
  }).run();
  return totalsOf(report);
}

test('a session that was told to go gets no more messages, however slowly its server closes', async (context) => {
  const target = await startScripted(context, (line, socket) => {
    if (line !== '.') return plain(line);
    setTimeout(() => socket.end(), 300);
    return '250 fine\r\n421 4.4.2 Idle';
  });
  const { ok, unsent, unknown, unstarted } = await playScripted(target, {
    rate: 20,
    arrival: 'constant',
    count: 4,
  });
  assert.deepEqual(
    { ok, unsent, unknown, unstarted },
    { ok: 4, unsent: 0, unknown: 0, unstarted: 0 },
  );
});

test('a server that resets after QUIT has ended in order all the same', async (context) => {
  const target = await startScripted(context, (line, socket) => {
    if (line === 'QUIT') socket.resetAndDestroy();
    return plain(line);
  });
  const group = { sessions: 1, count: 3, perConnection: 1 };
  const { ok, closings } = await playScripted(target, group);
  assert.equal(ok, 3);
  assert.deepEqual(Object.keys(closings), ['done']);
});
