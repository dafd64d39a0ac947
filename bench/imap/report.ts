/**
 * Turns an IMAP bench's rounds into ratios, verdicts and a page of Markdown.
 *
 * Runs in: bench; pure.
 */

import { ratios, spread } from '../../src/harness/measure/spread.ts';
import { type Machine, machineLine } from '../machine.ts';
import type { MeasuredByLoad } from './by-load.ts';
import type { Figures, Measured } from './measure.ts';
import { type Goal, operations } from './operations.ts';

export interface ImapRun {
  readonly machine: Machine;
  readonly servers: readonly string[];
  /** By mailbox size. */
  readonly sizes: Readonly<Record<string, Measured>>;
  /** By mailbox size, of what `chaski load` asked. */
  readonly byLoad: Readonly<Record<string, MeasuredByLoad>>;
  /** By server, of its processes, after all of it. */
  readonly pssBytes: Readonly<Record<string, number>>;
}

const own = 'chaski';
const goals = new Map(operations.map(({ name, goal }) => [name, goal]));

export function renderImap(run: ImapRun): string {
  const { machine, servers, sizes, byLoad, pssBytes } = run;
  const peers = servers.filter((name) => name !== own);
  const parts = [
    `# IMAP bench, ${machine.date}`,
    machineLine(machine),
    'Milliseconds: the first time, and the median of the rounds after it. Ratios are taken round by round against ' +
      'each of Dovecot’s stores, and count how many times faster Chaski is; a goal is one against the faster store. ' +
      'CPU: of the server’s processes, a round.',
    ...Object.entries(sizes).map(([size, measured]) => renderSize(size, measured, peers)),
    ...Object.entries(byLoad).map(([size, measured]) => renderByLoad(size, measured, servers)),
  ];
  const memory = Object.entries(pssBytes).map(
    ([name, bytes]) => `${name} ${(bytes / 1e6).toFixed(0)} MB`,
  );
  if (memory.length > 0) parts.push(`Memory after it (PSS): ${memory.join(', ')}.`);
  return `${parts.join('\n\n')}\n`;
}

function renderSize(size: string, measured: Measured, peers: readonly string[]): string {
  const head = peers.flatMap((name) => [`${name} first`, `${name} warm`, `× ${name}`, `CPU ms`]);
  const lines = [
    `## ${Number(size).toLocaleString('en')} messages`,
    '',
    `| operation | first | warm | CPU ms | ${head.join(' | ')} | goal | |`,
    `|---|---|---|---|${head.map(() => '---|').join('')}---|---|`,
  ];
  for (const [name, figures] of Object.entries(measured)) {
    const mine = figures[own];
    const theirs = peers.flatMap((peer) => cells(mine, figures[peer]));
    const goal = goals.get(name);
    const verdict =
      mine === undefined
        ? ''
        : verdictOf(
            goal,
            mine,
            peers.map((peer) => figures[peer]),
          );
    lines.push(
      `| ${name} | ${ms(mine?.firstMs)} | ${ms(median(mine))} | ${cpu(mine)} ` +
        `| ${theirs.join(' | ')} | ${goalText(goal)} | ${verdict} |`,
    );
  }
  return lines.join('\n');
}

/** What the scenario found, beside what the bench's own client did where it asked too; ratios round by round. */
function renderByLoad(
  size: string,
  { load, client }: MeasuredByLoad,
  servers: readonly string[],
): string {
  const peers = servers.filter((name) => name !== own);
  const head = servers.flatMap((name) => [`${name} ms`, 'load : client']);
  const ratioHead = peers.flatMap((name) => [`× ${name} by load`, 'by client']);
  const columns = [...head, ...ratioHead];
  const lines = [
    `## ${Number(size).toLocaleString('en')} messages, by chaski load`,
    '',
    `| operation | ${columns.join(' | ')} |`,
    `|---|${columns.map(() => '---|').join('')}`,
  ];
  for (const [name, byLoad] of Object.entries(load)) {
    const byClient = client[name] ?? {};
    const times = servers.flatMap((server) => [
      ms(spread(byLoad[server]!).median),
      part(byLoad[server], byClient[server]),
    ]);
    const ratiosToPeers = peers.flatMap((peer) =>
      [byLoad, byClient].map((driver) => part(driver[peer], driver[own])),
    );
    lines.push(`| ${name} | ${[...times, ...ratiosToPeers].join(' | ')} |`);
  }
  return lines.join('\n');
}

function part(figures: readonly number[] | undefined, of: readonly number[] | undefined): string {
  if (figures === undefined || of === undefined) return '–';
  const { median: middle, min, max } = spread(ratios(figures, of));
  return `${middle.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
}

function cells(mine: Figures | undefined, peer: Figures | undefined): string[] {
  if (peer === undefined) return ['–', '–', '–', '–'];
  const ratio = mine === undefined ? '–' : times(ratioTo(mine, peer));
  return [ms(peer.firstMs), ms(median(peer)), ratio, cpu(peer)];
}

/** How many times faster; the first time by itself. */
function ratioTo(mine: Figures, peer: Figures): number {
  return spread(ratios(peer.warmMs, mine.warmMs)).median;
}

function verdictOf(
  goal: Goal | undefined,
  mine: Figures,
  peers: readonly (Figures | undefined)[],
): string {
  if (goal === undefined) return '';
  const there = peers.filter((peer) => peer !== undefined);
  const missed: string[] = [];
  const { ratio, firstRatio, msMax } = goal;
  if (msMax !== undefined && median(mine)! > msMax) missed.push(`${ms(median(mine))} ms`);
  if (there.length > 0) {
    const warm = Math.min(...there.map((peer) => ratioTo(mine, peer)));
    const first = Math.min(...there.map((peer) => peer.firstMs / mine.firstMs));
    if (ratio !== undefined && warm < ratio) missed.push(`warm ${times(warm)}`);
    if (firstRatio !== undefined && first < firstRatio) missed.push(`first ${times(first)}`);
  }
  return missed.length === 0 ? 'reached' : `**missed**: ${missed.join(', ')}`;
}

function goalText(goal: Goal | undefined): string {
  if (goal === undefined) return '';
  const { ratio, firstRatio, msMax } = goal;
  const words: string[] = [];
  if (msMax !== undefined) words.push(`≤ ${msMax} ms`);
  if (ratio !== undefined) words.push(`≥ ${times(ratio)}`);
  if (firstRatio !== undefined) words.push(`first ≥ ${times(firstRatio)}`);
  return words.join(', ');
}

function median(figures: Figures | undefined): number | undefined {
  return figures === undefined ? undefined : spread(figures.warmMs).median;
}

function ms(value: number | undefined): string {
  if (value === undefined) return '–';
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

function cpu(figures: Figures | undefined): string {
  return figures === undefined ? '–' : (figures.cpuSeconds * 1000).toFixed(0);
}

function times(ratio: number): string {
  return ratio < 0.95 ? `1/${(1 / ratio).toFixed(1)}` : ratio.toFixed(1);
}
