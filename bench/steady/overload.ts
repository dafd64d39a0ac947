/**
 * Overload: three times the peak is offered by an open loop for minutes; then the load ends.
 *
 * Runs in:   bench.
 * Invariant: the peak is measured by a closed loop on the same server just before; goodput counts what the next hop
 *            has, not what was acknowledged.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { treeCpuSeconds } from '../../src/harness/observe.ts';
import type { Environment } from '../servers/chaski.ts';
import { SmtpSink } from '../servers/smtp-sink.ts';
import { Load, refusalsNot4xx, runLoad, type SteadyReport, windowOf } from './load.ts';
import { type SteadyRig, startRig } from './rig.ts';
import type { Check, Scene, SceneOptions, SceneResult } from './scene.ts';
import { growthBytes, type Look, Watch } from './watch.ts';

const overload = 3;
const peakSessions = 50;
/** More than the server takes: the rest is refused at the door. */
const sessions = 2_000;
const sessionsTaken = 1_000;
const warmUpSeconds = 5;
const goodputMin = 0.8;
const recoveryMsMax = 5_000;
/** A probe looks, from a second before the load to a while after it, how long one message takes. */
const probesPerSecond = 20;
const probeSecondsAfter = 8;
/** Memory that grows less than this in the later half of the load is flat. */
const growthBytesMax = 64 * 1024 * 1024;
/** As fast as before: within this factor, or so many milliseconds where both are fast. */
const slowerAtMost = 3;
const slowerMsMax = 20;

interface Variant {
  readonly name: string;
  /** Without bounds memory and queue grow as long as it lasts: a minute shows it. */
  readonly secondsMax?: number;
  readonly environment: Environment;
}

const variants: readonly Variant[] = [
  {
    name: 'bounds on',
    environment: { CHASKI_SMTP__CONNECTIONS_MAX: `${sessionsTaken}` },
  },
  {
    name: 'bounds off',
    secondsMax: 60,
    environment: {
      CHASKI_SMTP__CONNECTIONS_MAX: '1000000',
      CHASKI_ROUTER__UNDELIVERED_MAX: '0',
      CHASKI_MEMORY__RECEIVING_BYTES_MAX: `${64 * 1024 ** 3}`,
    },
  },
];

interface Figures {
  readonly name: string;
  readonly peakPerSecond: number;
  readonly acceptedPerSecond: number;
  readonly goodputPerSecond: number;
  readonly refused: number;
  readonly refusals: Readonly<Record<string, number>>;
  readonly badRefusals: readonly string[];
  readonly cpuSecondsPer1000: { readonly peak: number; readonly overload: number };
  readonly rssBytes: { readonly first: number; readonly max: number; readonly last: number };
  readonly growthBytes: number;
  readonly queuedAtEnd: number;
  /** After the load's end: until the queue was empty, and until a message took as long as before. */
  readonly drainedMs: number | undefined;
  readonly recoveredMs: number | undefined;
  readonly probeP50Ms: { readonly before: number; readonly under: number; readonly after: number };
  readonly looks: readonly Look[];
}

export const overloadScene: Scene = {
  name: 'overload',
  title: 'Three times the peak is offered',
  seconds: 600,
  secondsShort: 20,
  async run(options) {
    const figures: Figures[] = [];
    for (const variant of variants) figures.push(await measure(variant, options));
    return describe(figures, options);
  },
};

async function measure(variant: Variant, options: SceneOptions): Promise<Figures> {
  const { work, say } = options;
  const seconds = Math.min(options.seconds, variant.secondsMax ?? options.seconds);
  const sink = await SmtpSink.start();
  const rig = await startRig(work, sink.port, variant.environment);
  try {
    const closed = { port: rig.server.port, sessions: peakSessions, to: 'sink@example.com' };
    await runLoad({ ...closed, seconds: warmUpSeconds });
    const peakSeconds = Math.min(20, Math.max(5, seconds / 4));
    const [peak] = await counted(rig, sink, () => runLoad({ ...closed, seconds: peakSeconds }));
    say(`overload, ${variant.name}: peak ${peak.perSecond.toFixed(0)}/s`);
    return await overloaded(variant, rig, sink, peak, seconds);
  } finally {
    await rig.stop();
    await sink.stop();
  }
}

async function overloaded(
  variant: Variant,
  rig: SteadyRig,
  sink: SmtpSink,
  peak: Counted,
  seconds: number,
): Promise<Figures> {
  const { port, pid } = rig.server;
  const probe = new Load({ port, perSecond: probesPerSecond, to: 'probe@example.com', seed: 2 });
  const watch = new Watch(pid, rig.httpPort);
  await sleep(3_000);
  const load = new Load({
    port,
    perSecond: Math.round(overload * peak.perSecond),
    sessions,
    to: 'sink@example.com',
  });
  const beganMs = Date.now();
  const [delivered] = await counted(rig, sink, () => sleep(seconds * 1_000));
  const endMs = Date.now();
  const report = await load.stop();
  const restMs = probeSecondsAfter * 1_000 - (Date.now() - endMs);
  if (restMs > 0) await sleep(restMs);
  const probed = await probe.stop();
  const looks = await watch.stop();
  const under = looks.filter(({ atMs }) => atMs >= beganMs && atMs <= endMs);
  const after = looks.filter(({ atMs }) => atMs > endMs);
  const drained = after.find(({ queued }) => queued !== undefined && queued <= probesPerSecond);
  const sizes = under.map(({ rssBytes }) => rssBytes);
  return {
    name: variant.name,
    peakPerSecond: peak.perSecond,
    acceptedPerSecond: report.messages / seconds,
    goodputPerSecond: delivered.perSecond,
    ...refusalsOf(report),
    cpuSecondsPer1000: { peak: peak.cpuPer1000, overload: delivered.cpuPer1000 },
    rssBytes: { first: sizes[0] ?? 0, max: Math.max(...sizes), last: sizes.at(-1) ?? 0 },
    growthBytes: growthBytes(under),
    queuedAtEnd: under.findLast(({ queued }) => queued !== undefined)?.queued ?? 0,
    drainedMs: drained === undefined ? undefined : drained.atMs - endMs,
    ...recovery(probed, beganMs, endMs),
    looks,
  };
}

interface Counted {
  readonly perSecond: number;
  readonly cpuPer1000: number;
}

/** What the next hop took while `run` ran. */
async function counted<T>(
  rig: SteadyRig,
  sink: SmtpSink,
  run: () => Promise<T>,
): Promise<readonly [Counted, T]> {
  const before = sink.count;
  const cpuBefore = treeCpuSeconds(rig.server.pid);
  const beganMs = performance.now();
  const value = await run();
  const count = sink.count - before;
  const cpu = treeCpuSeconds(rig.server.pid) - cpuBefore;
  const perSecond = (count / (performance.now() - beganMs)) * 1_000;
  return [{ perSecond, cpuPer1000: (cpu / count) * 1_000 }, value];
}

/** Refused messages, and connections refused at the door. */
function refusalsOf(report: SteadyReport): Pick<Figures, 'refused' | 'refusals' | 'badRefusals'> {
  const doors = Object.entries(report.closings).filter(([detail]) => /^\d/.test(detail));
  const refusals = { ...report.refusals, ...Object.fromEntries(doors) };
  const refused = Object.values(refusals).reduce((sum, count) => sum + count, 0);
  const badDoors = doors.map(([detail]) => detail).filter((detail) => !detail.startsWith('4'));
  return { refused, refusals, badRefusals: [...refusalsNot4xx(report), ...badDoors] };
}

/** Recovered: from the first second on that, with all after it, is nearly as fast as those before the load. */
function recovery(
  { series }: SteadyReport,
  beganMs: number,
  endMs: number,
): Pick<Figures, 'recoveredMs' | 'probeP50Ms'> {
  const secondOf = (ms: number) => Math.ceil((ms - series.beganMs) / 1_000);
  const { seconds } = series;
  const before = windowOf(seconds, 0, secondOf(beganMs) - 1)?.p50Ms ?? 0;
  const end = secondOf(endMs);
  const limitMs = Math.max(before * slowerAtMost, before + slowerMsMax);
  const isSlow = ({ p50Ms }: (typeof seconds)[number]) => p50Ms !== null && p50Ms > limitMs;
  const afterEnd = seconds.slice(end);
  const lastSlow = afterEnd.findLastIndex(isSlow);
  const isRecovered = afterEnd.length > 0 && lastSlow < afterEnd.length - 1;
  return {
    recoveredMs: isRecovered ? (lastSlow + 1) * 1_000 : undefined,
    probeP50Ms: {
      before,
      under: windowOf(seconds, secondOf(beganMs), end)?.p50Ms ?? Number.POSITIVE_INFINITY,
      after: windowOf(seconds, end + lastSlow + 1, seconds.length)?.p50Ms ?? 0,
    },
  };
}

function describe(figures: readonly Figures[], { seconds }: SceneOptions): SceneResult {
  const on = figures[0]!;
  const share = on.goodputPerSecond / on.peakPerSecond;
  const checks: Check[] = [
    {
      what: `goodput at least ${goodputMin * 100} % of the peak`,
      isReached: share >= goodputMin,
      measured: `${(share * 100).toFixed(0)} %`,
    },
    {
      what: 'refusals are 4xx, and there were some',
      isReached: on.badRefusals.length === 0 && on.refused > 0,
      measured: `${on.refused} refused; not 4xx: ${on.badRefusals.join(', ') || 'none'}`,
    },
    {
      what: `memory flat: at most ${growthBytesMax / 1024 ** 2} MiB more in the later half of the load`,
      isReached: on.growthBytes <= growthBytesMax,
      measured: `${(on.growthBytes / 1024 ** 2).toFixed(0)} MiB in ${seconds / 2} s`,
    },
    {
      what: `a message takes as long as before within ${recoveryMsMax / 1_000} s of the load's end`,
      isReached: on.recoveredMs !== undefined && on.recoveredMs < recoveryMsMax,
      measured: milliseconds(on.recoveredMs),
    },
    {
      what: `the queue is empty within ${recoveryMsMax / 1_000} s of the load's end`,
      isReached: on.drainedMs !== undefined && on.drainedMs < recoveryMsMax,
      measured: milliseconds(on.drainedMs),
    },
  ];
  return {
    columns: [
      ...['', 'peak/s', 'offered/s', 'accepted/s', 'delivered/s', 'refused', 'queue at end'],
      ...['RSS MB first–max', 'CPU s/1000 peak → under', 'p50 ms before → under → after'],
      ...['drained', 'recovered'],
    ],
    rows: figures.map((each) => [
      each.name,
      each.peakPerSecond.toFixed(0),
      (each.peakPerSecond * overload).toFixed(0),
      each.acceptedPerSecond.toFixed(0),
      each.goodputPerSecond.toFixed(0),
      `${each.refused}`,
      `${each.queuedAtEnd}`,
      `${(each.rssBytes.first / 1e6).toFixed(0)}–${(each.rssBytes.max / 1e6).toFixed(0)}`,
      `${each.cpuSecondsPer1000.peak.toFixed(2)} → ${each.cpuSecondsPer1000.overload.toFixed(2)}`,
      [each.probeP50Ms.before, each.probeP50Ms.under, each.probeP50Ms.after]
        .map((ms) => ms.toFixed(1))
        .join(' → '),
      milliseconds(each.drainedMs),
      milliseconds(each.recoveredMs),
    ]),
    checks,
    notes: [
      `${sessions} sessions offer, ${sessionsTaken} are taken; bounds off: all are, and nothing waits for deliveries.`,
      'Memory grows in a server’s first 30,000 messages or so (heaps find their size): a short run says little of it.',
    ],
    figures,
  };
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined ? 'never' : `${(ms / 1_000).toFixed(1)} s`;
}
