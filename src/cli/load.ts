/**
 * `chaski load`: sends generated mail to a server and times it.
 *
 * Runs in: a process of its own. Exit code: 0 all acknowledged, 1 some was not, 2 wrong usage.
 */

import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { nodeClock } from '../adapters/node/clock.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import { parseHostPort } from '../harness/addresses.ts';
import { LedgerWriter } from '../harness/ledger/ledger-writer.ts';
import { describeLatency } from '../harness/ledger/verdict.ts';
import { type ArrivalKind, Arrivals, arrivalKinds } from '../harness/load/arrivals.ts';
import { LoadRun, type LoadRunOptions } from '../harness/load/load-run.ts';
import { MessageSource } from '../harness/load/message-source.ts';
import { expandTemplate, parseRecipients, RecipientDealer } from '../harness/load/recipients.ts';
import { SmtpClient } from '../harness/load/smtp-client.ts';
import { type LoadReport, Tally } from '../harness/load/tally.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { exitCodes } from './command.ts';

const usage = `usage: chaski load smtp|lmtp --target HOST:PORT
         (--sessions N | --rate R [--arrival constant|poisson] [--sessions MAX])
         (--duration S | --count N) [options]

  --sessions N        closed loop: N sessions, each sends when it is free
  --rate R            open loop: R messages a second, whatever the server does; latency counts
                      from the intended start
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
  --series            with --json: acknowledgements, refusals and latency second by second
  --json              the report as JSON

example: chaski load smtp --target 127.0.0.1:2525 --rate 200 --arrival poisson --duration 30
`;

const openLoopSessionsMax = 1_000;
const replyMsMax = 60_000;

const optionTypes = {
  target: { type: 'string' },
  sessions: { type: 'string' },
  rate: { type: 'string' },
  arrival: { type: 'string', default: 'poisson' },
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
  series: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

type Values = ReturnType<typeof parse>['values'];

function parse(argv: string[]) {
  return parseArgs({ args: argv, allowPositionals: true, options: optionTypes });
}

export async function run(argv: string[]): Promise<number> {
  let options: LoadRunOptions;
  let isJson: boolean;
  try {
    const { values, positionals } = parse(argv);
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    isJson = values.json;
    options = buildOptions(positionals[0], values);
  } catch (error) {
    process.stderr.write(`chaski load: ${(error as Error).message}\n\n${usage}`);
    return exitCodes.usage;
  }
  const load = new LoadRun(options);
  process.once('SIGTERM', () => load.stop());
  process.once('SIGINT', () => load.stop());
  const stopProgress = showProgress(options.tally);
  await load.run();
  stopProgress();
  options.ledger?.close();
  const report = options.tally.report(load.seconds, load.unstarted);
  process.stdout.write(isJson ? `${JSON.stringify(report)}\n` : describeReport(report));
  const { acknowledged, refused, unknown, unsent, unstarted } = report;
  return acknowledged > 0 && refused + unknown + unsent + unstarted === 0 ? 0 : 1;
}

function buildOptions(protocol: string | undefined, values: Values): LoadRunOptions {
  if (protocol !== 'smtp' && protocol !== 'lmtp') throw new Error('which protocol: smtp or lmtp?');
  if (values.target === undefined) throw new Error('--target is missing');
  const durationMs = number('duration', values.duration) * 1000;
  const countMax = number('count', values.count);
  if (durationMs === Infinity && countMax === Infinity && values.sessions === undefined) {
    throw new Error('--duration or --count is missing');
  }
  const sessions = values.sessions === undefined ? undefined : number('sessions', values.sessions);
  if (values.rate === undefined && sessions === undefined) {
    throw new Error('--sessions or --rate is missing');
  }
  const random = new SeededRandom(number('seed', values.seed));
  const to = existsSync(values.to)
    ? parseRecipients(readFileSync(values.to, 'utf8'))
    : expandTemplate(values.to);
  const source = new MessageSource({
    messageBytes: number('size', values.size),
    from: values.from,
    recipients: new RecipientDealer(to, number('recipients', values.recipients)),
    random,
    run: Buffer.from(nodeRandom.bytes(6)).toString('hex'),
    date: new Date(nodeClock.nowMs()),
  });
  const client = {
    ...parseHostPort(values.target),
    lmtp: protocol === 'lmtp',
    pipeline: values.pipeline,
    helloName: hostname(),
    timeoutMs: replyMsMax,
    clock: nodeClock,
  };
  return {
    connect: (events) => new SmtpClient(client, events),
    source,
    tally: new Tally({ series: values.series }),
    ledger: values.ledger === undefined ? undefined : new LedgerWriter(values.ledger),
    clock: nodeClock,
    epochMs: performance.timeOrigin,
    sessionsMax: sessions ?? openLoopSessionsMax,
    arrivals:
      values.rate === undefined
        ? undefined
        : new Arrivals(arrivalKind(values.arrival), number('rate', values.rate), random),
    durationMs,
    countMax,
    perConnection: number('per-connection', values['per-connection']),
    patienceMs: number('patience', values.patience) * 1000,
  };
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
function showProgress(tally: Tally): () => void {
  const beganMs = nodeClock.monotonicMs();
  let last = 0;
  const timer = setInterval(() => {
    const seconds = Math.round((nodeClock.monotonicMs() - beganMs) / 1000);
    const rate = tally.messages - last;
    last = tally.messages;
    const p99 = tally.latency.percentileMs(99).toFixed(1);
    const line =
      `${seconds} s  ${tally.messages} acknowledged (${rate}/s)  ${tally.refused} refused  ` +
      `${tally.unknown} unknown  p99 ${p99} ms`;
    process.stderr.write(process.stderr.isTTY ? `\r${line}\x1b[K` : `${line}\n`);
  }, 1000);
  return () => {
    clearInterval(timer);
    if (process.stderr.isTTY) process.stderr.write('\n');
  };
}

function describeReport(report: LoadReport): string {
  const lines = [
    `${report.messages} messages in ${report.seconds.toFixed(2)} s: ${report.messagesPerSecond}/s`,
    `copies: ${report.acknowledged} acknowledged, ${report.refused} refused, ` +
      `${report.unknown} unknown, ${report.unsent} unsent; ${report.unstarted} messages unstarted`,
    `latency      ${describeLatency(report.latency)}`,
  ];
  for (const [phase, summary] of Object.entries(report.phases)) {
    if (summary.count > 0) lines.push(`  ${phase.padEnd(15)} ${describeLatency(summary)}`);
  }
  for (const [reply, count] of Object.entries(report.refusals)) lines.push(`  ${count} × ${reply}`);
  return `${lines.join('\n')}\n`;
}
