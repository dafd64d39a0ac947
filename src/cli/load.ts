/**
 * `chaski load`: sends generated mail to a server and times it.
 *
 * Runs in: a process of its own. Exit code: 0 all acknowledged, 1 some was not, 2 wrong usage.
 */

import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { nodeClock } from '../adapters/node/clock.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import { parseHostPort } from '../harness/addresses.ts';
import { expandTemplate, parseRecipients } from '../harness/corpus/recipients.ts';
import { describeLatency } from '../harness/ledger/verdict.ts';
import { mergeReports } from '../harness/measure/merge.ts';
import { parseReport, type RunReport } from '../harness/measure/run-report.ts';
import { totalsOf } from '../harness/measure/totals.ts';
import { LoadRun } from '../harness/run/load-run.ts';
import type { RunPlan } from '../harness/run/run-plan.ts';
import {
  type ArrivalKind,
  type ArrivalPlan,
  arrivalKinds,
  parseTrace,
  steadyPlan,
} from '../harness/schedule/arrivals.ts';
import { exitCodes } from './command.ts';
import { checkReportName, writeReport } from './report-file.ts';

const usage = `usage: chaski load smtp|lmtp --target HOST:PORT
         (--sessions N | --rate R [--arrival constant|poisson] [--sessions MAX] | --trace FILE)
         (--duration S | --count N) [options]
       chaski load merge FILE... [--json] [--report FILE]

merge adds up reports (--json) of one load played from several machines, histograms exactly.

  --sessions N        closed loop: N sessions, each sends when it is free
  --rate R            open loop: R messages a second, whatever the server does; latency counts
                      from the intended start
  --trace FILE        open loop: a message at each instant of FILE (seconds or dates, one a line)
  --size BYTES        of a message (default 1024)
  --from A            envelope sender (default load@example.net)
  --to A|FILE         recipient, template as user{1-100}@example.com, or a file of them
                      (default sink@example.com)
  --recipients N      recipients of each message, dealt out in turn (default 1)
  --per-connection N  messages on one connection (default: no bound)
  --pipeline          send MAIL, RCPT and DATA in one go
  --patience S        how long the server may refuse connections (default 30)
  --seed N            the same seed makes the same messages and arrivals (default 1)
  --ledger DIR        write what is injected and acknowledged to a ledger
  --json              the report as JSON
  --report FILE       write it to a file too: .html (charts), .md or .json

example: chaski load smtp --target 127.0.0.1:2525 --rate 200 --arrival poisson --duration 30
`;

const openLoopSessionsMax = 1_000;

const optionTypes = {
  target: { type: 'string' },
  sessions: { type: 'string' },
  rate: { type: 'string' },
  arrival: { type: 'string', default: 'poisson' },
  trace: { type: 'string' },
  duration: { type: 'string', default: 'Infinity' },
  count: { type: 'string', default: 'Infinity' },
  size: { type: 'string', default: '1024' },
  from: { type: 'string', default: 'load@example.net' },
  to: { type: 'string', default: 'sink@example.com' },
  recipients: { type: 'string', default: '1' },
  'per-connection': { type: 'string', default: 'Infinity' },
  pipeline: { type: 'boolean', default: false },
  patience: { type: 'string', default: '30' },
  seed: { type: 'string', default: '1' },
  ledger: { type: 'string' },
  json: { type: 'boolean', default: false },
  report: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

type Values = ReturnType<typeof parse>['values'];

function parse(argv: string[]) {
  return parseArgs({ args: argv, allowPositionals: true, options: optionTypes });
}

export async function run(argv: string[]): Promise<number> {
  let plan: RunPlan;
  let isJson: boolean;
  let file: string | undefined;
  try {
    const { values, positionals } = parse(argv);
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    isJson = values.json;
    file = values.report;
    if (file !== undefined) checkReportName(file);
    if (positionals[0] === 'merge') {
      print(mergeReports(positionals.slice(1).map(readReport)), isJson, file);
      return 0;
    }
    plan = buildPlan(positionals[0], values);
  } catch (error) {
    process.stderr.write(`chaski load: ${(error as Error).message}\n\n${usage}`);
    return exitCodes.usage;
  }
  const epochMs = performance.timeOrigin;
  const load = new LoadRun(plan, { clock: nodeClock, random: nodeRandom, epochMs });
  process.once('SIGTERM', () => load.stop());
  process.once('SIGINT', () => load.stop());
  const stopProgress = showProgress(load);
  const report = await load.run();
  stopProgress();
  print(report, isJson, file);
  const { ok, copies, unstarted } = totalsOf(report);
  const { refused, unknown, unsent } = copies;
  return ok > 0 && refused + unknown + unsent + unstarted === 0 ? 0 : 1;
}

function print(report: RunReport, isJson: boolean, file: string | undefined): void {
  process.stdout.write(isJson ? `${JSON.stringify(report)}\n` : describeReport(report));
  // What was found is on the terminal by now, whatever the disk says.
  if (file !== undefined) writeReport(file, report);
}

function readReport(path: string): RunReport {
  return parseReport(readFileSync(path, 'utf8'), path);
}

function buildPlan(protocol: string | undefined, values: Values): RunPlan {
  if (protocol !== 'smtp' && protocol !== 'lmtp') throw new Error('which protocol: smtp or lmtp?');
  if (values.target === undefined) throw new Error('--target is missing');
  const durationMs = number('duration', values.duration) * 1000;
  const countMax = number('count', values.count);
  const hasEnd = durationMs < Infinity || countMax < Infinity || values.trace !== undefined;
  if (!hasEnd && values.sessions === undefined) {
    throw new Error('--duration or --count is missing');
  }
  const sessions = values.sessions === undefined ? undefined : number('sessions', values.sessions);
  const isOpen = values.rate !== undefined || values.trace !== undefined;
  if (!isOpen && sessions === undefined) throw new Error('--sessions or --rate is missing');
  const addresses = existsSync(values.to)
    ? parseRecipients(readFileSync(values.to, 'utf8'))
    : expandTemplate(values.to);
  const arrivals = isOpen ? { arrivals: arrivalPlan(values) } : {};
  return {
    scenario: protocol,
    seed: number('seed', values.seed),
    threads: 1,
    ...(values.ledger === undefined ? {} : { ledger: values.ledger }),
    groups: [
      {
        ...{ name: protocol, protocol, target: parseHostPort(values.target), ...arrivals },
        sessionsMax: sessions ?? openLoopSessionsMax,
        ...{ durationMs, countMax },
        perConnection: number('per-connection', values['per-connection']),
        patienceMs: number('patience', values.patience) * 1000,
        options: {
          lmtp: protocol === 'lmtp',
          pipeline: values.pipeline,
          chunking: false,
          tls: 'none',
          isVerified: false,
          tenants: [{ weight: 1, from: values.from }],
          destinations: [{ weight: 1, addresses }],
          recipients: number('recipients', values.recipients),
          messages: [{ kind: 'sized', weight: 1, bytes: number('size', values.size) }],
        },
      },
    ],
  };
}

function arrivalPlan({ trace, arrival, rate }: Values): ArrivalPlan {
  if (trace !== undefined) {
    return { kind: 'trace', atMs: parseTrace(readFileSync(trace, 'utf8'), trace) };
  }
  return steadyPlan(arrivalKind(arrival), number('rate', rate ?? ''));
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not "${text}"`);
  return value;
}

function arrivalKind(text: string): ArrivalKind {
  const kind = arrivalKinds.find((each) => each === text);
  if (kind === undefined) throw new Error(`--arrival must be one of ${arrivalKinds.join(', ')}`);
  return kind;
}

/** A line a second on standard error; it also keeps the process alive while the server is away. */
function showProgress(load: LoadRun): () => void {
  const beganMs = nodeClock.monotonicMs();
  const timer = setInterval(() => {
    const seconds = Math.round((nodeClock.monotonicMs() - beganMs) / 1000);
    const shares = load.live();
    const sum = (of: (share: (typeof shares)[number]) => number) =>
      shares.reduce((all, share) => all + of(share), 0);
    const p99 = Math.max(0, ...shares.map(({ latest }) => latest?.p99Ms ?? 0)).toFixed(1);
    const trouble = shares.map((share) => share.trouble).find((each) => each !== undefined);
    const line =
      `${seconds} s  ${sum(({ ok }) => ok)} ok (${sum(({ latest }) => latest?.ok ?? 0)}/s)  ` +
      `${sum(({ refused }) => refused)} refused  ${sum(({ unknown }) => unknown)} unknown  ` +
      `p99 ${p99} ms${trouble === undefined ? '' : `  last closing: ${trouble}`}`;
    process.stderr.write(process.stderr.isTTY ? `\r${line}\x1b[K` : `${line}\n`);
  }, 1000);
  return () => {
    clearInterval(timer);
    if (process.stderr.isTTY) process.stderr.write('\n');
  };
}

function describeReport(report: RunReport): string {
  const { ok, okPerSecond, seconds, unstarted, copies, latency, replies } = totalsOf(report);
  const lines = [
    `${ok} messages in ${seconds.toFixed(2)} s: ${okPerSecond}/s`,
    `copies: ${copies.ok} acknowledged, ${copies.refused} refused, ` +
      `${copies.unknown} unknown, ${copies.unsent} unsent; ${unstarted} messages unstarted`,
    `latency      ${describeLatency(latency)}`,
  ];
  for (const { operations } of report.groups) {
    for (const { phases } of Object.values(operations)) {
      for (const [phase, summary] of Object.entries(phases)) {
        lines.push(`  ${phase.padEnd(15)} ${describeLatency(summary)}`);
      }
    }
  }
  for (const [reply, count] of Object.entries(replies)) lines.push(`  ${count} × ${reply}`);
  return `${lines.join('\n')}\n`;
}
