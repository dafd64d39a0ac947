/**
 * One engine thread stands still for two seconds, as when its disk or a page fault holds it: who waits, and how long.
 *
 * Runs in:   bench, as root or with the right to trace: strace stops the one thread in a system call.
 * Invariant: only that thread stops; mail for accounts of the other thread's shards and mail for other servers are
 *            two open loops, with new mail led to the least loaded thread and without.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../../src/harness/child.ts';
import { straceIsInstalled } from '../relay/syncs.ts';
import { SmtpSink } from '../servers/smtp-sink.ts';
import { ShardAccounts, threadOf } from './accounts.ts';
import { Load, runLoad, type SteadyReport, type Window, windowOf } from './load.ts';
import { startRig } from './rig.ts';
import type { Scene, SceneOptions, SceneResult } from './scene.ts';

const shards = 8;
/** Owners are dealt out in turn: the thread that is stopped has the shard new mail goes to at first. */
const stoppedShards = [0];
const otherShards = [1, 3, 5, 7];
const stopMs = 2_000;
const perSecond = 100;
const warmUpSeconds = 3;
/** Of the loads, before the stop; after it they run for the rest of the time. */
const secondsBefore = 3;
/** The first message that waits comes a little after the stop. */
const stoodShare = 0.75;
/** For the tracer to attach, and for the thread to stand still and go on. */
const attachMsMax = stopMs + 20_000;
/** For the tracer to let go. */
const endMsMax = 3_000;
/** One message of a hundred may wait for what was under way on the thread that stopped. */
const othersP99MsMax = 250;
const relayLongestMsMax = stopMs + 500;

interface Figures {
  readonly name: string;
  readonly own: SteadyReport;
  readonly others: SteadyReport;
  readonly relay: SteadyReport;
  /** In the seconds that met the stop. */
  readonly relayDuring: Window | undefined;
  readonly othersDuring: Window | undefined;
}

export const stoppedThreadScene: Scene = {
  name: 'stopped-thread',
  title: `An engine thread is stopped for ${stopMs / 1_000} s`,
  seconds: 30,
  secondsShort: 10,
  async run(options) {
    if (!straceIsInstalled()) throw new Error('the scene stopped-thread needs strace');
    const on = await measure('new mail is spread', 'true', options);
    const off = await measure('one spool shard', 'false', options);
    return describe([on, off]);
  },
};

async function measure(
  name: string,
  spread: string,
  { work, seconds, say }: SceneOptions,
): Promise<Figures> {
  const sink = await SmtpSink.start();
  const rig = await startRig(work, sink.port, {
    CHASKI_WORKERS: '2',
    CHASKI_SHARDS: `${shards}`,
    CHASKI_ROUTER__SPREAD: spread,
  });
  try {
    const accounts = await ShardAccounts.create(rig.folder);
    const own = accounts.file(stoppedShards);
    const others = accounts.file(otherShards);
    const lmtp = { port: rig.lmtpPort, protocol: 'lmtp' } as const;
    const smtp = { port: rig.server.port, to: 'sink@example.com' };
    await runLoad({ ...smtp, sessions: 10, seconds: warmUpSeconds });
    await runLoad({ ...lmtp, to: others, sessions: 10, seconds: warmUpSeconds });
    const thread = await threadOf(rig, own);
    say(`stopped-thread, ${name}: thread ${thread} of process ${rig.server.pid}`);
    const loads = [
      new Load({ ...lmtp, to: own, perSecond, seed: 1 }),
      new Load({ ...lmtp, to: others, perSecond, seed: 2 }),
      new Load({ ...smtp, perSecond, seed: 3 }),
    ];
    await sleep(secondsBefore * 1_000);
    const stoppedMs = await stopThread(thread, rig.folder);
    await sleep(Math.max(secondsBefore, seconds - secondsBefore) * 1_000 - stopMs);
    const reports = await Promise.all(loads.map((load) => load.stop()));
    const [ownReport, othersReport, relayReport] = reports as [
      SteadyReport,
      SteadyReport,
      SteadyReport,
    ];
    return {
      name,
      own: ownReport,
      others: othersReport,
      relay: relayReport,
      relayDuring: during(relayReport, stoppedMs),
      othersDuring: during(othersReport, stoppedMs),
    };
  } finally {
    await rig.stop();
    await sink.stop();
  }
}

/** The thread's next wait for events begins `stopMs` late. Resolves when it went on, with when it stopped. */
async function stopThread(thread: number, folder: string): Promise<number> {
  const output = join(folder, 'stopped-thread');
  const inject = `inject=epoll_pwait,epoll_wait:delay_enter=${stopMs * 1_000}:when=1`;
  const what = ['-e', 'trace=epoll_pwait,epoll_wait', '-e', inject];
  const args = ['-q', '-ttt', '-p', `${thread}`, ...what, '-o', output];
  const tracer = new Child({ command: 'strace', args });
  const deadlineMs = Date.now() + attachMsMax;
  let stopped: RegExpExecArray | null = null;
  while (stopped === null) {
    if (!tracer.isRunning) throw new Error(`strace: ${tracer.stderr}`);
    if (Date.now() > deadlineMs) throw new Error('strace did not stop the thread');
    await sleep(50);
    const text = existsSync(output) ? readFileSync(output, 'utf8') : '';
    stopped = /^(\d+\.\d+) .*\(DELAYED\)/m.exec(text);
  }
  await tracer.stop('SIGINT', endMsMax);
  return Number(stopped[1]) * 1_000;
}

/** The seconds that messages meant for them met the stop. */
function during({ series }: SteadyReport, stoppedMs: number): Window | undefined {
  const second = Math.floor((stoppedMs - series.beganMs) / 1_000);
  return windowOf(series.seconds, second, second + Math.ceil(stopMs / 1_000) + 1);
}

function describe(figures: readonly [Figures, Figures]): SceneResult {
  const [on, off] = figures;
  const onP99 = on.relayDuring?.p99Ms ?? Number.POSITIVE_INFINITY;
  const offP99 = off.relayDuring?.p99Ms ?? 0;
  return {
    columns: [
      ...['', 'own shard: longest ms', 'other shards: p99 / longest', 'while it stood: p99'],
      ...['relay: p50 / p99 / longest', 'while it stood: p50 / p99', 'not answered 250'],
    ],
    rows: figures.map(({ name, own, others, relay, othersDuring, relayDuring }) => [
      name,
      own.latency.maxMs.toFixed(0),
      `${others.latency.p99Ms.toFixed(1)} / ${others.latency.maxMs.toFixed(0)}`,
      othersDuring?.p99Ms.toFixed(1) ?? 'none came',
      [relay.latency.p50Ms, relay.latency.p99Ms, relay.latency.maxMs]
        .map((ms) => ms.toFixed(1))
        .join(' / '),
      relayDuring === undefined
        ? 'none came'
        : `${relayDuring.p50Ms.toFixed(1)} / ${relayDuring.p99Ms.toFixed(1)}`,
      `${[own, others, relay].reduce((sum, each) => sum + unanswered(each), 0)}`,
    ]),
    checks: [
      {
        what: `the thread stood: mail for its shard waited more than ${stopMs * stoodShare} ms`,
        isReached: [on, off].every(({ own }) => own.latency.maxMs > stopMs * stoodShare),
        measured: `${on.own.latency.maxMs.toFixed(0)} and ${off.own.latency.maxMs.toFixed(0)} ms`,
      },
      {
        what: `p99 of mail whose shard the other thread has, over the run, below ${othersP99MsMax} ms`,
        isReached: on.others.latency.p99Ms < othersP99MsMax,
        measured: `${on.others.latency.p99Ms.toFixed(1)} ms`,
      },
      {
        what: 'relay mail that came while it stood: half of it waits less than with one spool shard',
        isReached: (on.relayDuring?.p50Ms ?? Infinity) < (off.relayDuring?.p50Ms ?? 0) / 2,
        measured:
          `p50 ${on.relayDuring?.p50Ms.toFixed(1)} ms, p99 ${onP99.toFixed(1)} ms; one shard: ` +
          `${off.relayDuring?.p50Ms.toFixed(1)} and ${offP99.toFixed(1)} ms`,
      },
      {
        what: `no relay mail waits longer than the stop and ${relayLongestMsMax - stopMs} ms`,
        isReached: on.relay.latency.maxMs < relayLongestMsMax,
        measured: `${on.relay.latency.maxMs.toFixed(0)} ms`,
      },
      {
        what: 'every message got its 250',
        isReached: [on.own, on.others, on.relay].every((each) => unanswered(each) === 0),
        measured: `${unanswered(on.own) + unanswered(on.others) + unanswered(on.relay)} did not`,
      },
    ],
    notes: [
      `${perSecond} messages a second for other servers, ${perSecond} for the other thread’s shards and for its own; while it stood: the typical of those seconds.`,
    ],
    figures,
  };
}

function unanswered({ refused, unknown, unsent, unstarted }: SteadyReport): number {
  return refused + unknown + unsent + unstarted;
}
