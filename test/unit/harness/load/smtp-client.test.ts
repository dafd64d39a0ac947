/**
 * Aim: the generator's own SMTP and LMTP client tells the truth about every message, whatever the
 *      server does.
 * Method: the harness's sink as the server, with faults; both over loopback.
 */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { nodeClock } from '../../../../src/adapters/node/clock.ts';
import { LoadRun } from '../../../../src/harness/load/load-run.ts';
import { MessageSource } from '../../../../src/harness/load/message-source.ts';
import { RecipientDealer } from '../../../../src/harness/load/recipients.ts';
import { SmtpClient } from '../../../../src/harness/load/smtp-client.ts';
import { type LoadReport, Tally } from '../../../../src/harness/load/tally.ts';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';
import { FaultSource, parseFault } from '../../../../src/harness/sink/models.ts';
import { Sink, type SinkCounts } from '../../../../src/harness/sink/sink.ts';

interface Play {
  readonly faults?: readonly string[];
  readonly lmtp?: boolean;
  readonly pipeline?: boolean;
  readonly recipients?: number;
  readonly messageBytes?: number;
  readonly sessions?: number;
}

const count = 200;

async function play(
  context: TestContext,
  options: Play,
): Promise<{ report: LoadReport; counts: SinkCounts }> {
  const { faults = [], lmtp = false, pipeline = false, recipients = 1 } = options;
  const model = { name: 'test', rules: faults.map(parseFault) };
  const sink = new Sink({
    ...{ listen: [{ host: '127.0.0.1', port: 0 }], hostName: 'sink.test', lmtp, chunking: true },
    ...{ clock: nodeClock, ledger: undefined },
    faults: new FaultSource(model, new SeededRandom(5), nodeClock.monotonicMs),
  });
  const [address] = await sink.start();
  context.after(() => sink.stop());
  const tally = new Tally();
  const client = {
    ...{ ...address!, lmtp, pipeline, helloName: 'load.test', timeoutMs: 5_000, clock: nodeClock },
  };
  const run = new LoadRun({
    ...{ clock: nodeClock, tally, ledger: undefined, epochMs: 0, arrivals: undefined },
    ...{ sessionsMax: options.sessions ?? 4, durationMs: 20_000, countMax: count },
    ...{ perConnection: 30, patienceMs: 5_000 },
    connect: (events) => new SmtpClient(client, events),
    source: new MessageSource({
      messageBytes: options.messageBytes ?? 1_000,
      recipients: new RecipientDealer(['a@x', 'b@x', 'c@x', 'd@x'], recipients),
      ...{ from: 'f@x', random: new SeededRandom(1), run: 'r', date: new Date(0) },
    }),
  });
  await run.run();
  return { report: tally.report(run.seconds, run.unstarted), counts: sink.counts };
}

for (const pipeline of [false, true]) {
  const how = pipeline ? 'pipelined' : 'step by step';

  test(`all messages arrive, ${how}`, async (context) => {
    const { report, counts } = await play(context, { pipeline, recipients: 3 });
    assert.equal(report.acknowledged, count * 3);
    assert.equal(counts.messages, count);
    assert.equal(counts.copies, count * 3);
    assert.equal(counts.connectionsCut, 0);
    assert.equal(report.phases.acknowledgement.count, count);
  });

  test(`large messages arrive whole, ${how}`, async (context) => {
    const { report } = await play(context, { pipeline, messageBytes: 200_000 });
    assert.equal(report.acknowledged, count);
  });

  test(`refusals at MAIL, RCPT, DATA and its end are told apart, ${how}`, async (context) => {
    for (const at of ['mail', 'rcpt', 'data', 'message']) {
      const faults = [`${at}=451 4.3.0 Busy at ${at}:0.3`];
      const { report, counts } = await play(context, { pipeline, recipients: 2, faults });
      assert.equal(report.acknowledged + report.refused, count * 2, at);
      assert.equal(report.acknowledged, counts.copies, at);
      assert.ok(report.refused > count / 4, `${at}: ${report.refused} refused`);
      assert.deepEqual(Object.keys(report.refusals), [`451 4.3.0 Busy at ${at}`]);
    }
  });

  test(`a connection cut in the body leaves its message unknown, ${how}`, async (context) => {
    const { report, counts } = await play(context, { pipeline, faults: ['body=drop:0.1'] });
    assert.equal(report.acknowledged, counts.messages);
    assert.equal(report.acknowledged + report.unknown + report.unsent, count);
    assert.ok(report.unknown > 5, `${report.unknown} unknown`);
  });

  test(`LMTP: each recipient has a fate of its own, ${how}`, async (context) => {
    const faults = ['message=452 4.2.2 Full:0.25', 'rcpt=550 5.1.1 No:0.2'];
    const { report, counts } = await play(context, { pipeline, lmtp: true, recipients: 4, faults });
    assert.equal(report.acknowledged + report.refused, count * 4);
    assert.equal(report.acknowledged, counts.copies);
    assert.equal(Object.keys(report.refusals).length, 2);
  });
}

test('a 421 ends the session and the run goes on over another', async (context) => {
  const faults = ['connect=421 4.3.2 Busy:0.3', 'mail=421 4.3.2 Busy:0.05'];
  const { report, counts } = await play(context, { faults });
  assert.equal(report.acknowledged, counts.copies);
  assert.equal(report.acknowledged + report.refused + report.unsent, count);
  assert.ok(report.acknowledged > count / 2);
});
