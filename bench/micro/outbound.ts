/**
 * What one relayed message costs on the way out: `Deliveries` against Debian's smtp-sink over loopback.
 *
 * Runs in:   a process of its own; `node bench/micro/outbound.ts [messages] [bytes] [connections] [window]`.
 *            Prints µs of CPU of this process per message, and messages per second.
 */

import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { createDialer } from '../../src/adapters/node/dialer.ts';
import { nodeRandom } from '../../src/adapters/node/random.ts';
import type { MessageId } from '../../src/base/ids.ts';
import { defaultTenant } from '../../src/base/ids.ts';
import { Deliveries } from '../../src/engine/delivery/deliveries.ts';
import { boundedLeases } from '../../src/engine/delivery/leases.ts';
import { phaseTimeouts, siteLimits } from '../../src/engine/delivery/limits.ts';
import type { OutboundMessage } from '../../src/engine/delivery/message.ts';
import { Router } from '../../src/engine/delivery/route.ts';
import { Shaper } from '../../src/engine/delivery/shaping/shaper.ts';
import { ShapingState } from '../../src/engine/delivery/shaping/shaping-state.ts';
import { loadOrThrow } from '../../src/settings/load.ts';

const [messages = 20_000, bytes = 1_000, connections = 20, window = 200] = process.argv
  .slice(2)
  .map(Number);
const port = 20_000 + (process.pid % 10_000);

// smtp-sink refuses to run as root without a user to become.
const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
const sink = spawn('smtp-sink', [...user, '-c', `127.0.0.1:${port}`, '1000'], { stdio: 'ignore' });
while (!(await answers(port))) await sleep(20);

const assignments = [`relay.route=smtp://127.0.0.1:${port}`];
const { relay } = loadOrThrow({ environment: {}, assignments });
const router = new Router({
  relay,
  hostname: 'bench.test',
  dns: undefined as never,
  random: nodeRandom,
});
const deliveries = new Deliveries({
  router,
  timeouts: phaseTimeouts(relay),
  limits: { ...siteLimits(relay), connectionsMax: connections },
  clock: nodeClock,
  random: nodeRandom,
  dialer: createDialer(),
  leases: boundedLeases(1_000),
  onRoom: () => false,
  providerOf: (site) => site,
  shaper: new Shaper({
    clock: nodeClock,
    state: new ShapingState(nodeClock),
    ...{ thread: 'bench', shards: 1 },
    ask: async () => ({ ok: true, value: [] }),
  }),
});

const line = `${'x'.repeat(68)}\r\n`;
const header = 'Received: from a by b; now\r\nFrom: a@example.org\r\nSubject: bench\r\n\r\n';
const body = header + line.repeat(Math.max(1, Math.ceil((bytes - header.length) / line.length)));
const trace = Buffer.from(
  'Received: from x by y with ESMTP id z; Sun, 22 Nov 2026 02:00:00 +0000\r\n',
);
const text = Buffer.from(body);
const message: OutboundMessage = {
  id: '0000000000000000' as MessageId,
  tenant: defaultTenant,
  sender: 'sender@example.org',
  recipients: [{ address: 'recipient@example.com' }],
  parts: [trace, text],
  bytes: trace.length + text.length,
  body: '7bit',
  smtputf8: false,
};

async function run(count: number): Promise<void> {
  let submitted = 0;
  let finished = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const done = (result: { outcomes: readonly { status: string; reply: { text: string } }[] }) => {
    finished++;
    const outcome = result.outcomes[0]!;
    if (outcome.status !== 'delivered') return reject(new Error(outcome.reply.text));
    if (finished === count) resolve();
    else if (submitted < count) submit();
  };
  const submit = () => {
    submitted++;
    if (deliveries.submit(message, 'example.com', done) !== '') reject(new Error('full'));
  };
  for (let i = 0; i < Math.min(window, count); i++) submit();
  return promise;
}

await run(Math.min(5_000, messages));
const cpu = process.cpuUsage();
const startMs = performance.now();
await run(messages);
const tookMs = performance.now() - startMs;
const used = process.cpuUsage(cpu);
const load = deliveries.load();
console.log(
  `${messages} x ${message.bytes} bytes: ${Math.round((messages / tookMs) * 1000)}/s, ` +
    `${((used.user + used.system) / messages).toFixed(1)} µs CPU each ` +
    `(user ${(used.user / messages).toFixed(1)}), ${load.connections} connections`,
);
deliveries.close();
sink.kill();

async function answers(atPort: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(atPort, '127.0.0.1', () => resolve(true));
  socket.on('error', () => resolve(false));
  const isUp = await promise;
  socket.destroy();
  return isUp;
}
