/**
 * `npm run bench:relay`: Chaski, Postfix and Haraka, where installed, relay the same load in turn, round by round.
 *
 * Runs in:   a process of its own, as root where Postfix is to be measured.
 * Invariant: all servers of a round run under the same load one after the other, in an order that
 *            turns from round to round; the others are up but idle.
 */

import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { describeMachine, firstLine, type Machine } from './machine.ts';
import { type Cell, cells, type Row, rows } from './relay/cells.ts';
import { type DriverName, driverNames, type Load, readLoad } from './relay/drivers.ts';
import { type LatencyMeasurement, LatencyRig } from './relay/latency.ts';
import { measuredAs, type Rounds, renderMarkdown } from './relay/report.ts';
import { type Measurement, makeWork, Rig } from './relay/rig.ts';
import { countSyncs, type SyncCount, straceIsInstalled } from './relay/syncs.ts';
import { keepResult } from './result.ts';
import { findHaraka, harakaVersion } from './servers/haraka.ts';
import { opendkimIsInstalled } from './servers/opendkim.ts';
import { postfixIsInstalled } from './servers/postfix.ts';

const usage = `usage: npm run bench:relay -- [options]
  --rounds N     at least 7 for figures to quote (default 7)
  --cells A,B    only these: ${cells.map((cell) => cell.name).join(', ')}, latency
  --rows A,B     only these: ${rows.map((row) => row.name).join(', ')}
  --driver NAME  who sends: smtp-source (default), load ("chaski load"), or both in turn
  --quick        2 rounds with a third of the messages; nothing is kept
  --syncs        count fsync and fdatasync calls too
  --work DIR     where servers keep their data (default: the system's temporary folder)
  --json FILE    the figures (default: bench/results/relay-DATE.json)
`;

const warmUp = 'relay-1kB-20';
/** A server runs for months: what its first seconds cost (V8 compiles hot code as it finds it) is not its price. */
const warmUpMessages = { chaski: 15_000, postfix: 500, haraka: 2_000 } as const;
/** Of a cell's messages, before its first round: its own paths are compiled after some ten thousand. */
const cellWarmUpShare = { chaski: 3, postfix: 1 / 3, haraka: 1 } as const;
const latencyWarmUpSeconds = 2;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    cells: { type: 'string' },
    rows: { type: 'string' },
    driver: { type: 'string', default: 'smtp-source' },
    quick: { type: 'boolean', default: false },
    syncs: { type: 'boolean', default: false },
    work: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (!['both', ...driverNames].includes(values.driver)) throw new Error(usage);
if (values.help) process.stdout.write(usage);
else await bench();

async function bench(): Promise<void> {
  const machine = describeMachine(peers());
  const roundCount = Number(values.rounds ?? (values.quick ? 2 : 7));
  const wanted = chosenRows();
  const names = values.cells?.split(',');
  const work = makeWork(values.work);
  try {
    const chosen = cells.filter((cell) => names?.includes(cell.name) ?? true);
    const measured = await benchRates(chosen, wanted, roundCount, work);
    const latency =
      (names?.includes('latency') ?? true) ? await benchLatency(wanted, roundCount, work) : {};
    report(machine, { ...measured, latency });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function peers(): string {
  const postfix = `Postfix ${firstLine('postconf', ['-dh', 'mail_version'])}`;
  const haraka = findHaraka();
  return haraka === undefined ? postfix : `${postfix}, Haraka ${harakaVersion(haraka)}`;
}

function chosenRows(): readonly Row[] {
  const names = values.rows?.split(',');
  const chosen = rows.filter((row) => names?.includes(row.name) ?? true);
  const missing = new Set<Row['kind']>();
  if (findHaraka() === undefined) {
    missing.add('haraka');
    say('haraka: skipped: not on PATH, and HARAKA names no folder that has it');
  }
  if (!postfixIsInstalled()) {
    missing.add('postfix');
    say('postfix: skipped, not installed or not root');
  }
  const here = chosen.filter((row) => !missing.has(row.kind));
  if (opendkimIsInstalled()) return here;
  say('postfix and opendkim: skipped: opendkim is not installed');
  return here.filter((row) => row.signedDomain === undefined);
}

async function benchRates(
  chosen: readonly Cell[],
  wanted: readonly Row[],
  roundCount: number,
  work: string,
): Promise<Pick<Rounds, 'cells' | 'syncs'>> {
  const measured: Record<string, Record<string, Measurement[]>> = {};
  const syncs: Record<string, SyncCount> = {};
  if (chosen.length === 0) return { cells: measured, syncs };
  const rigs: Rig[] = [];
  try {
    for (const row of wanted) {
      const rig = await Rig.start(row, work);
      rigs.push(rig);
      await rig.measure({ ...(await readLoad(warmUp)), messages: warmUpMessages[row.kind] });
    }
    for (const cell of chosen) Object.assign(measured, await benchCell(cell, rigs, roundCount));
    if (values.syncs && straceIsInstalled()) {
      for (const rig of rigs) syncs[rig.row.name] = await countSyncs(rig, work);
    }
  } finally {
    for (const rig of rigs) await rig.stop();
  }
  return { cells: measured, syncs };
}

/** By cell and driver, by row. */
async function benchCell(
  cell: Cell,
  all: readonly Rig[],
  roundCount: number,
): Promise<Record<string, Record<string, Measurement[]>>> {
  const rigs = all.filter((rig) => rig.row.cells?.includes(cell.name) ?? true);
  const load = await readLoad(cell.scenario);
  const whole = values.quick ? Math.ceil(load.messages / 3) : load.messages;
  const loadOf = ({ row }: Rig, share = 1): Load => ({
    ...load,
    messages: Math.ceil(whole * (row.messageShare ?? 1) * share),
  });
  for (const rig of rigs) await rig.measure(loadOf(rig, cellWarmUpShare[rig.row.kind]));
  const measured: Record<string, Record<string, Measurement[]>> = {};
  for (let round = 0; round < roundCount; round++) {
    for (const rig of turned(rigs, round)) {
      for (const driver of turned(driversOf(rig.row), round)) {
        const result = await rig.measure(loadOf(rig), driver);
        const name = measuredAs(cell.name, driver);
        measured[name] ??= {};
        measured[name][rig.row.name] ??= [];
        measured[name][rig.row.name]!.push(result);
        say(
          `${name} round ${round + 1} ${rig.row.name}: ` +
            `${result.messagesPerSecond.toFixed(0)}/s, ` +
            `${result.cpuSecondsPer1000.toFixed(3)} CPU s/1000`,
        );
      }
    }
  }
  return measured;
}

/** Rows that want another sender, or a message of their own, are smtp-source's. */
function driversOf({ sender }: Row): readonly DriverName[] {
  const wanted = driverNames.filter((name) => values.driver === 'both' || values.driver === name);
  return sender === undefined ? wanted : wanted.filter((name) => name === 'smtp-source');
}

async function benchLatency(
  wanted: readonly Row[],
  roundCount: number,
  work: string,
): Promise<Record<string, LatencyMeasurement[]>> {
  const seconds = values.quick ? 4 : 10;
  const measured: Record<string, LatencyMeasurement[]> = {};
  const rigs: LatencyRig[] = [];
  try {
    for (const row of wanted.filter((each) => each.cells === undefined)) {
      rigs.push(await LatencyRig.start(row, work));
      measured[row.name] = [];
    }
    for (const rig of rigs) await rig.measure(latencyWarmUpSeconds);
    for (let round = 0; round < roundCount; round++) {
      for (const rig of turned(rigs, round)) {
        const result = await rig.measure(seconds);
        measured[rig.row.name]!.push(result);
        say(
          `latency round ${round + 1} ${rig.row.name}: p50 ${result.p50Ms.toFixed(2)}, ` +
            `p99 ${result.p99Ms.toFixed(2)} ms`,
        );
      }
    }
  } finally {
    for (const rig of rigs) await rig.stop();
  }
  return measured;
}

/** The same things, beginning with another one each round. */
function turned<T>(things: readonly T[], round: number): readonly T[] {
  const first = things.length === 0 ? 0 : round % things.length;
  return [...things.slice(first), ...things.slice(0, first)];
}

function report(machine: Machine, rounds: Rounds): void {
  const markdown = renderMarkdown(machine, rounds, cells);
  keepResult('relay', { machine, rounds }, markdown, values);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
