/**
 * `npm run bench:backlog`: a million deferred messages, and the provider they wait for is back: how fast they go beside
 * the relay's own rate, how much memory that takes, and how long an operator waits meanwhile.
 *
 * Runs in:   a process of its own; needs Postfix's `smtp-source` and `smtp-sink`.
 * Invariant: the relay's rate is taken in the same run, before and after; exit code 1 when a target is missed.
 */

import { mkdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Child } from '../src/harness/child.ts';
import { drain } from './backlog/drain.ts';
import { type BacklogResult, isReached, renderBacklog } from './backlog/report.ts';
import { describeMachine } from './machine.ts';
import { readLoad } from './relay/drivers.ts';
import { type Measurement, makeWork, Rig } from './relay/rig.ts';
import { keepResult } from './result.ts';

const usage = `usage: npm run bench:backlog -- [options]
  --messages N   deferred messages (default 1000000); each takes 1.7 kB of disk
  --drain N      stop when N of them are delivered (default: all): ten millions take an hour and a half
  --quick        20000 messages and one short relay run: a look whether it works; nothing is kept
  --cpu-prof DIR profiles of the server's threads
  --work DIR     where the server keeps its data (default: the system's temporary folder)
  --json FILE    the figures (default: bench/results/backlog-DATE.json)
`;

const relayScenario = 'relay-1kB-20';
const warmUpMessages = 15_000;
const relayRounds = 3;
const sayMs = 10_000;
const quickMessages = 20_000;
/** Journal and index, as 200,000 took. */
const messageDiskBytes = 1_700;
/** A drain writes, too. */
const spareShare = 1.3;
const fillerFile = fileURLToPath(new URL('./backlog/filling.ts', import.meta.url));

const { values } = parseArgs({
  options: {
    messages: { type: 'string' },
    drain: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'cpu-prof': { type: 'string' },
    work: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) process.stdout.write(usage);
else process.exitCode = await bench();

async function bench(): Promise<number> {
  const machine = describeMachine('no peer');
  const messages = Number(values.messages ?? (values.quick ? quickMessages : 1_000_000));
  if (!Number.isSafeInteger(messages) || messages < 1_000) {
    process.stderr.write(`--messages is a number from 1000 up\n\n${usage}`);
    return 2;
  }
  const drainMax = Number(values.drain ?? messages);
  if (!Number.isSafeInteger(drainMax) || drainMax < 1_000) {
    process.stderr.write(`--drain is a number from 1000 up\n\n${usage}`);
    return 2;
  }
  const work = makeWork(values.work);
  if (!hasRoom(work, messages)) {
    rmSync(work, { recursive: true, force: true });
    process.stderr.write(`${messages} messages want ${bytesOf(messages) / 1e9} GB in --work\n`);
    return 2;
  }
  const folder = join(work, 'backlog');
  const profiles = values['cpu-prof'];
  try {
    mkdirSync(folder);
    const fillSeconds = await fill(join(folder, 'data'), messages);
    say(`filled with ${messages} in ${fillSeconds.toFixed(1)} s`);
    const before = await relayRates(work);
    const environment: Record<string, string> =
      profiles === undefined
        ? {}
        : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles} --cpu-prof-interval=500` };
    const drained = await drain({ folder, messages, drainMax, environment, say });
    say(`drained at ${drained.messagesPerSecond.toFixed(0)}/s`);
    const relay = values.quick ? before : [...before, ...(await relayRates(work))];
    const result: BacklogResult = { messages, fillSeconds, relay, drained };
    const markdown = renderBacklog(machine, result);
    keepResult('backlog', { machine, ...result }, markdown, values);
    return isReached(result) ? 0 : 1;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function bytesOf(messages: number): number {
  return messages * messageDiskBytes;
}

function hasRoom(work: string, messages: number): boolean {
  const { bavail, bsize } = statfsSync(work);
  return bavail * bsize > bytesOf(messages) * spareShare;
}

/** In a process that ends: its memory and its files are not the bench's. */
async function fill(path: string, messages: number): Promise<number> {
  const args = [fillerFile, path, `${messages}`];
  const filler = new Child({ command: process.execPath, args });
  const telling = setInterval(() => say(filler.stderr.trimEnd().split('\n').at(-1) ?? ''), sayMs);
  const { code } = await filler.ended.finally(() => clearInterval(telling));
  if (code !== 0) throw new Error(`filling: ${filler.stderr}`);
  return (JSON.parse(filler.stdout) as { seconds: number }).seconds;
}

async function relayRates(work: string): Promise<Measurement[]> {
  const rig = await Rig.start({ name: 'chaski', kind: 'chaski' }, work);
  try {
    const load = await readLoad(relayScenario);
    await rig.measure({ ...load, messages: values.quick ? quickMessages / 10 : warmUpMessages });
    const rates: Measurement[] = [];
    for (let round = 0; round < (values.quick ? 1 : relayRounds); round++) {
      rates.push(await rig.measure(load));
      say(`relay: ${rates.at(-1)!.messagesPerSecond.toFixed(0)}/s`);
    }
    return rates;
  } finally {
    await rig.stop();
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
