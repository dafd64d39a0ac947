/**
 * Everything at once that an outside can do: next hops that refuse or stay silent, 5,000 sessions that stop in
 * mid-DATA, and a message of 50 MB each second, while small mail for other sites goes on.
 *
 * Runs in:   bench.
 * Limits:    needs some 12,000 file descriptors; says so where the system's limit is lower.
 * Invariant: the same small mail with and without the trouble, at one rate, into one sink.
 */

import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child } from '../../src/harness/child.ts';
import { freePort } from '../servers/free-port.ts';
import { SmtpSink } from '../servers/smtp-sink.ts';
import { Load, runLoad, type SteadyReport } from './load.ts';
import { startRig } from './rig.ts';
import type { Scene, SceneOptions, SceneResult } from './scene.ts';
import { Watch } from './watch.ts';

const stoppedSessions = 5_000;
const smallPerSecond = 100;
const deadPerSecond = 50;
const largeBytes = 50_000_000;
const largePerSecond = 1;
/** What the settings below add up to, with 25 kB a session and 300 MB for code, heap and index maps. */
const memoryBytesMax = 1_000_000_000;
const smallP99MsMax = 500;
const filesMin = 12_000;
const stopReadyMsMax = 60_000;
const node = process.execPath;
const stopperFile = fileURLToPath(new URL('./stopped-sessions.ts', import.meta.url));

interface Figures {
  readonly name: string;
  readonly small: SteadyReport;
  readonly smallDelivered: number;
  readonly large: SteadyReport | undefined;
  readonly dead: SteadyReport | undefined;
  readonly stopped: number;
  readonly rssBytesMax: number;
  readonly queued: number;
}

export const deadHopScene: Scene = {
  name: 'dead-hop',
  title: 'Dead next hops, 5,000 sessions stopped in mid-DATA, 50 MB a second',
  seconds: 60,
  secondsShort: 12,
  async run(options) {
    const files = filesMax();
    if (files < filesMin) throw new Error(`ulimit -n is ${files}; dead-hop needs ${filesMin}`);
    const without = await measure('without', false, options);
    const troubled = await measure('all at once', true, options);
    return describe(troubled, without);
  },
};

async function measure(
  name: string,
  isTroubled: boolean,
  { work, seconds, say }: SceneOptions,
): Promise<Figures> {
  const sink = await SmtpSink.start();
  const silent = await listenSilently();
  const silentPort = (silent.address() as AddressInfo).port;
  const rig = await startRig(work, sink.port, {
    CHASKI_RELAY__ROUTES:
      `refused.test=smtp://127.0.0.1:${await freePort()}, ` +
      `silent.test=smtp://127.0.0.1:${silentPort}`,
    CHASKI_SMTP__CONNECTIONS_MAX: '10000',
  });
  let stopper: Child | undefined;
  try {
    const { port } = rig.server;
    const small = { port, perSecond: smallPerSecond, to: 'sink@example.com' };
    await runLoad({ ...small, seconds: 3 });
    const watch = new Watch(rig.server.pid, rig.httpPort);
    if (isTroubled) {
      stopper = new Child({ command: node, args: [stopperFile, `${port}`, `${stoppedSessions}`] });
      await stopper.until(/^stopped \d+/m, stopReadyMsMax);
    }
    const before = sink.count;
    const large = isTroubled
      ? new Load({
          port,
          perSecond: largePerSecond,
          messageBytes: largeBytes,
          to: 'large@silent.test',
        })
      : undefined;
    const dead = isTroubled
      ? [0, 1].map(
          (i) =>
            new Load({
              ...{ port, perSecond: deadPerSecond / 2, seed: 10 + i },
              to: i === 0 ? 'a@refused.test' : 'b@silent.test',
            }),
        )
      : [];
    if (isTroubled) await sleep(1_000);
    const report = await runLoad({ ...small, seconds, seed: 2 });
    await sleep(1_000);
    const smallDelivered = sink.count - before;
    const largeReport = await large?.stop();
    const [deadReport] = await Promise.all(dead.map((load) => load.stop()));
    const looks = await watch.stop();
    const [, stopped = '0'] = /^stopped (\d+)/m.exec(stopper?.stdout ?? '') ?? [];
    say(`dead-hop, ${name}: ${smallDelivered} of ${report.messages} delivered`);
    return {
      name,
      small: report,
      smallDelivered,
      large: largeReport,
      dead: deadReport,
      stopped: Number(stopped),
      rssBytesMax: watch.rssBytesMax,
      queued: looks.findLast(({ queued }) => queued !== undefined)?.queued ?? 0,
    };
  } finally {
    await stopper?.stop('SIGKILL');
    await rig.stop();
    silent.close();
    await sink.stop();
  }
}

/** A next hop that takes connections and never says a word. */
function listenSilently(): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
  });
  server.unref();
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function filesMax(): number {
  const match = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return Number(match?.[1] ?? 0);
}

function describe(troubled: Figures, without: Figures): SceneResult {
  const { small } = troubled;
  const share = troubled.smallDelivered / Math.max(1, small.messages);
  return {
    columns: [
      ...['', 'small mail/s', 'its 250: p50 / p99 / longest ms', 'not accepted', 'delivered'],
      ...[
        '50 MB accepted',
        'refused',
        'its 250: p50 s',
        'sessions stopped',
        'queue',
        'peak RSS MB',
      ],
    ],
    rows: [without, troubled].map((each) => [
      each.name,
      each.small.messagesPerSecond.toFixed(0),
      [each.small.latency.p50Ms, each.small.latency.p99Ms, each.small.latency.maxMs]
        .map((ms) => ms.toFixed(1))
        .join(' / '),
      `${unaccepted(each.small)}`,
      `${each.smallDelivered}`,
      `${each.large?.messages ?? 0}`,
      `${each.large?.refused ?? 0}`,
      ((each.large?.latency.p50Ms ?? 0) / 1_000).toFixed(1),
      `${each.stopped}`,
      `${each.queued}`,
      (each.rssBytesMax / 1e6).toFixed(0),
    ]),
    checks: [
      {
        what: `${stoppedSessions} sessions stand in mid-DATA`,
        isReached: troubled.stopped === stoppedSessions,
        measured: `${troubled.stopped}`,
      },
      {
        what: 'mail for other sites flows: all of it is accepted, 99 % delivered a second after the load',
        isReached: unaccepted(small) === 0 && share >= 0.99,
        measured: `${unaccepted(small)} not accepted, ${(share * 100).toFixed(1)} % delivered`,
      },
      {
        what: `p99 of a small message's 250 below ${smallP99MsMax} ms`,
        isReached: small.latency.p99Ms < smallP99MsMax,
        measured: `${small.latency.p99Ms.toFixed(1)} ms; without: ${without.small.latency.p99Ms.toFixed(1)}`,
      },
      {
        what: `resident memory below ${memoryBytesMax / 1e6} MB`,
        isReached: troubled.rssBytesMax < memoryBytesMax,
        measured: `${(troubled.rssBytesMax / 1e6).toFixed(0)} MB`,
      },
      {
        what: 'messages of 50 MB are taken meanwhile',
        isReached: (troubled.large?.messages ?? 0) > 0,
        measured: `${troubled.large?.messages ?? 0}, ${troubled.large?.refused ?? 0} refused`,
      },
    ],
    notes: [
      `${smallPerSecond} small messages a second; ${deadPerSecond} more for two dead hops: one refuses, one stays silent; the large ones are for the silent one.`,
    ],
    figures: { troubled, without },
  };
}

function unaccepted({ refused, unknown, unsent, unstarted }: SteadyReport): number {
  return refused + unknown + unsent + unstarted;
}
