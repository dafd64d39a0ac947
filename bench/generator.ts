/**
 * `node bench/generator.ts`: what the load generator itself costs, beside Postfix's `smtp-source`: messages per second
 * of its own CPU, both against `smtp-sink`.
 *
 * Runs in:   a process of its own; wants Postfix's `smtp-source` and `smtp-sink`.
 * Invariant: CPU is user and system time of the generator's whole process by rusage, its start included; the two take
 *            turns, and ratios are taken round by round.
 */

import { parseArgs } from 'node:util';
import { Child } from '../src/harness/child.ts';
import { ratios, type Spread, spread } from '../src/harness/measure/spread.ts';
import { describeMachine, firstLine, machineLine } from './machine.ts';
import { keepResult } from './result.ts';
import { launcher } from './servers/chaski.ts';
import { SmtpSink } from './servers/smtp-sink.ts';

const required = 0.75;
const warmUpMessages = 1_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    messages: { type: 'string', default: '100000' },
    sessions: { type: 'string', default: '20' },
    size: { type: 'string', default: '1024' },
    /** A look: nothing is kept. */
    quick: { type: 'boolean', default: false },
  },
});

interface Generator {
  readonly name: string;
  command(port: number, messages: number): readonly string[];
}

const source: Generator = {
  name: 'smtp-source',
  command: (port, messages) => [
    ...['smtp-source', '-d', '-s', values.sessions, '-l', values.size, '-m', `${messages}`],
    ...['-f', 'load@example.net', '-t', 'sink@example.com', `127.0.0.1:${port}`],
  ],
};

function ours(name: string, further: readonly string[]): Generator {
  return {
    name,
    command: (port, messages) => [
      ...[launcher, 'load', 'smtp', '--target', `127.0.0.1:${port}`, '--count', `${messages}`],
      ...['--sessions', values.sessions, '--size', values.size, '--json', ...further],
    ],
  };
}

/** The first is what the others are compared with; the second has the same conversation with the server. */
const generators = [
  source,
  ours('chaski load', []),
  ours('chaski load --pipeline', ['--pipeline']),
];

const sink = await SmtpSink.start();
try {
  process.exitCode = await bench();
} finally {
  await sink.stop();
}

async function bench(): Promise<number> {
  const machine = describeMachine(`Postfix ${firstLine('postconf', ['-dh', 'mail_version'])}`);
  const all = generators.map(() => [] as number[]);
  for (const each of generators) await perCpuSecond(each, warmUpMessages);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (let turn = 0; turn < generators.length; turn++) {
      const at = (turn + round) % generators.length;
      all[at]!.push(await perCpuSecond(generators[at]!, Number(values.messages)));
    }
  }
  const load = `${values.messages} messages of ${values.size} bytes, ${values.sessions} sessions`;
  const lines = [
    ...[`# Generators, ${machine.date}`, '', machineLine(machine), '', `${load}, each round.`, ''],
    '| generator | messages per CPU second | µs a message | to smtp-source |',
    '|---|---|---|---|',
  ];
  const found = generators.map(({ name }, at) => {
    const rate = spread(all[at]!);
    const ratio = spread(ratios(all[at]!, all[0]!));
    lines.push(
      `| ${name} | ${shown(rate, 0)} | ${(1e6 / rate.median).toFixed(1)} | ${shown(ratio, 2)} |`,
    );
    return ratio.median;
  });
  const isReached = found[1]! >= required;
  const verdict = isReached ? 'reached' : '**missed**';
  lines.push('', `${verdict}: at least ${required} with the same conversation.`);
  const rounds = Object.fromEntries(generators.map(({ name }, at) => [name, all[at]!]));
  keepResult('generator', { machine, load, rounds }, `${lines.join('\n')}\n`, values);
  return isReached ? 0 : 1;
}

async function perCpuSecond(generator: Generator, messages: number): Promise<number> {
  const before = sink.count;
  const command = generator.command(sink.port, messages);
  // The shell's own `time` is wait4's rusage of the one child.
  const args = ['-c', 'TIMEFORMAT="cpu %U %S"; time "$@"', 'bash', ...command];
  const child = new Child({ command: 'bash', args });
  const { code } = await child.ended;
  if (code !== 0) throw new Error(`${generator.name} ended with ${code}: ${child.stderr}`);
  await sink.until(before + messages, 20_000);
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)\s*$/.exec(child.stderr) ?? [];
  return messages / (Number(user) + Number(system));
}

function shown({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
}
