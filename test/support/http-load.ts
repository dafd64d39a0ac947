/** Plays an HTTP load against a server of the test's own. */

import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createRawServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../src/adapters/node/random.ts';
import { totalsOf } from '../../src/harness/measure/totals.ts';
import { LoadRun } from '../../src/harness/run/load-run.ts';
import { readScenario } from '../../src/harness/scenario/shape.ts';

export async function startHttp(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that speaks by hand; `index`: how many connections came before. */
export async function startRaw(
  context: TestContext,
  take: (socket: Socket, index: number) => void,
): Promise<string> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createRawServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    take(socket, count++);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** One group, of one session where nothing else is said; `scenario`: what is said beside it. */
export async function playHttp(target: string, group: object, scenario: object = {}) {
  const whole = { protocol: 'http', target, sessions: 1, patience: '100ms', ...group };
  const plan = readScenario({ ...scenario, groups: [whole] }, { name: 'test', base: '.' });
  const adapters = { clock: nodeClock, random: nodeRandom, epochMs: 0 };
  const report = await new LoadRun(plan, adapters).run();
  return { group: report.groups[0]!, totals: totalsOf(report), report };
}
