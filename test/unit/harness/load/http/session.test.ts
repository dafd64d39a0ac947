/**
 * Aim: a session of the HTTP load by undici is what the scheduler takes it for: free only when connected, ended once.
 * Method: Node's own server, and one by hand, over loopback.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeClock } from '../../../../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../../../../src/adapters/node/random.ts';
import { createHttp } from '../../../../../src/harness/load/http/http-plan.ts';
import { RunRecorder } from '../../../../../src/harness/measure/recorder.ts';
import { Series } from '../../../../../src/harness/measure/series.ts';
import { readScenario } from '../../../../../src/harness/scenario/shape.ts';
import { wholeShare } from '../../../../../src/harness/schedule/arrivals.ts';
import { playHttp, startHttp, startRaw } from '../../../../support/http-load.ts';

test('a server that goes away between two requests costs each session one', async (context) => {
  let left = 5;
  const target = await startHttp(context, (request, response) => {
    const { server } = request.socket as unknown as { server: { close(): void } };
    if (--left === 0) server.close();
    response.setHeader('connection', 'close').end('ok');
  });
  const { totals } = await playHttp(target, { client: 'undici', count: 100 });
  assert.deepEqual([totals.ok, totals.unknown, totals.unsent], [5, 0, 1]);
});

test('a session ends when the server closes before its first request', async (context) => {
  const target = await startRaw(context, (socket) => void socket.destroy());
  const group = { protocol: 'http', target, sessions: 1, count: 1 };
  const [plan] = readScenario({ groups: [group] }, { name: 'test', base: '.' }).groups;
  assert.ok(plan?.protocol === 'http');
  const recorder = new RunRecorder({ name: 'g', protocol: 'http', target: 't' }, new Series());
  const protocol = createHttp(plan.options, {
    ...{ target: plan.target, clock: nodeClock, random: nodeRandom, chance: nodeRandom, recorder },
    ...{ ledger: undefined, epochMs: 0, share: wholeShare },
  });
  const told: string[] = [];
  await new Promise<void>((resolve) => {
    protocol.open({
      onIdle: () => told.push('idle'),
      onFinished: () => told.push('finished'),
      onClose: (_, detail) => resolve(void told.push(detail)),
    });
  });
  assert.deepEqual(told, ['idle', 'closed by the server']);
});
