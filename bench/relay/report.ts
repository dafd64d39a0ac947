/**
 * Turns the rounds of a relay bench into ratios, verdicts and a page of Markdown.
 *
 * Runs in: bench; pure.
 */

import { ratios, type Spread, spread } from '../../src/harness/measure/spread.ts';
import { type Machine, machineLine } from '../machine.ts';
import { type Cell, reference } from './cells.ts';
import { renderCosts } from './costs.ts';
import type { DriverName } from './drivers.ts';
import type { LatencyMeasurement } from './latency.ts';
import type { Measurement } from './rig.ts';
import type { SyncCount } from './syncs.ts';

export interface Rounds {
  /** By cell and driver (`measuredAs`), by row: one measurement a round. */
  readonly cells: Readonly<Record<string, Readonly<Record<string, readonly Measurement[]>>>>;
  readonly latency: Readonly<Record<string, readonly LatencyMeasurement[]>>;
  readonly syncs: Readonly<Record<string, SyncCount>>;
}

/** Goals are judged by what `smtp-source` drove: it is of neither party. */
export function measuredAs(cell: string, driver: DriverName): string {
  return driver === 'smtp-source' ? cell : `${cell} by chaski load`;
}

export interface RowSummary {
  readonly messagesPerSecond: Spread;
  readonly cpuSecondsPer1000: Spread;
  readonly rssPeakMb: number;
  readonly pssMb: number;
  /** To Postfix, round by round. */
  readonly rateRatio: Spread | undefined;
  readonly cpuRatio: Spread | undefined;
}

export function summarize(
  measurements: Readonly<Record<string, readonly Measurement[]>>,
): Readonly<Record<string, RowSummary>> {
  const peer = measurements[reference];
  const summaries = Object.entries(measurements).map(([name, own]) => [
    name,
    {
      messagesPerSecond: spread(own.map((each) => each.messagesPerSecond)),
      cpuSecondsPer1000: spread(own.map((each) => each.cpuSecondsPer1000)),
      rssPeakMb: Math.max(...own.map((each) => each.rssPeakBytes)) / 1e6,
      pssMb: Math.max(...own.map((each) => each.pssBytes)) / 1e6,
      rateRatio: ratioTo(peer, own, (each) => each.messagesPerSecond),
      cpuRatio: ratioTo(peer, own, (each) => each.cpuSecondsPer1000),
    },
  ]);
  return Object.fromEntries(summaries) as Record<string, RowSummary>;
}

function ratioTo(
  peer: readonly Measurement[] | undefined,
  own: readonly Measurement[],
  figure: (measurement: Measurement) => number,
): Spread | undefined {
  if (peer === undefined || peer === own) return undefined;
  return spread(ratios(own.map(figure), peer.map(figure)));
}

export function renderMarkdown(machine: Machine, rounds: Rounds, all: readonly Cell[]): string {
  const names = Object.keys(rounds.cells);
  const parts = [
    `# Relay bench, ${machine.date}`,
    machineLine(machine),
    'Generator, server and sink share the cores. Medians over the rounds (least–most); ratios ' +
      'are taken round by round. PSS at the end of a run, RSS as the sum of the processes’ peaks.',
    renderVerdicts(rounds, all),
    ...renderDrivers(rounds, all),
    ...names.flatMap((name) => [
      renderCell(name, summarize(rounds.cells[name]!)),
      ...renderCosts(rounds.cells[name]!),
    ]),
  ];
  if (Object.keys(rounds.latency).length > 0) parts.push(renderLatency(rounds.latency));
  if (Object.keys(rounds.syncs).length > 0) parts.push(renderSyncs(rounds.syncs));
  return `${parts.join('\n\n')}\n`;
}

function renderVerdicts(rounds: Rounds, all: readonly Cell[]): string {
  const lines = [
    '| cell | messages/s × Postfix | required → aim | | CPU of Postfix’s | required → aim | ' +
      '| A/A |',
    '|---|---|---|---|---|---|---|---|',
  ];
  for (const cell of all) {
    const measured = rounds.cells[cell.name];
    const own = measured === undefined ? undefined : summarize(measured).chaski;
    if (own?.rateRatio === undefined || own.cpuRatio === undefined) continue;
    const again = measured!['chaski again'];
    const control =
      again === undefined
        ? '–'
        : range(
            spread(
              ratios(
                again.map((each) => each.messagesPerSecond),
                measured!.chaski!.map((each) => each.messagesPerSecond),
              ),
            ),
          );
    const rate = own.rateRatio;
    const cpu = own.cpuRatio;
    const rateTarget = cell.rate === undefined ? '–' : `${cell.rate.required} → ${cell.rate.aim}`;
    const cpuTarget =
      cell.cpu === undefined ? '–' : `${parts(cell.cpu.required)} → ${parts(cell.cpu.aim)}`;
    const rateVerdict = cell.rate === undefined ? '' : mark(rate.median >= cell.rate.required);
    const cpuVerdict = cell.cpu === undefined ? '' : mark(cpu.median <= cell.cpu.required);
    lines.push(
      `| ${cell.name} | ${range(rate)} | ${rateTarget} | ${rateVerdict} | ${parts(cpu.median)} ` +
        `(${parts(cpu.max)}–${parts(cpu.min)}) | ${cpuTarget} | ${cpuVerdict} | ${control} |`,
    );
  }
  return lines.join('\n');
}

/** Both drivers side by side: what they say of the same server in the same round. */
function renderDrivers(rounds: Rounds, all: readonly Cell[]): readonly string[] {
  const lines: string[] = [];
  for (const { name } of all) {
    const bySource = rounds.cells[measuredAs(name, 'smtp-source')] ?? {};
    const byLoad = rounds.cells[measuredAs(name, 'load')] ?? {};
    for (const [row, load] of Object.entries(byLoad)) {
      const source = bySource[row];
      if (source === undefined) continue;
      const of = (figure: (one: Measurement) => number) => ratioTo(source, load, figure)!;
      const rate = range(of((one) => one.messagesPerSecond));
      const cpu = range(of((one) => one.cpuSecondsPer1000));
      const toPeer = [bySource, byLoad].map((rows) => {
        const ratio = ratioTo(rows[reference], rows[row]!, (one) => one.messagesPerSecond);
        return ratio === undefined ? '1' : range(ratio);
      });
      lines.push(`| ${name} | ${row} | ${rate} | ${cpu} | ${toPeer.join(' | ')} |`);
    }
  }
  if (lines.length === 0) return [];
  const head = [
    '## The same scenario by chaski load and by smtp-source',
    '',
    '| cell | server | messages/s, load : source | CPU of the server, load : source ' +
      '| × Postfix by source | × Postfix by load |',
    '|---|---|---|---|---|---|',
  ];
  return [[...head, ...lines].join('\n')];
}

function renderCell(name: string, rows: Readonly<Record<string, RowSummary>>): string {
  const lines = [
    `## ${name}`,
    '',
    '| server | messages/s | × Postfix | CPU s/1000 | of Postfix’s | PSS MB | peak RSS MB |',
    '|---|---|---|---|---|---|---|',
  ];
  for (const [row, each] of Object.entries(rows)) {
    const none = row === reference ? '1' : '–';
    const rate = each.rateRatio === undefined ? none : range(each.rateRatio);
    const cpu = each.cpuRatio === undefined ? none : parts(each.cpuRatio.median);
    lines.push(
      `| ${row} | ${range(each.messagesPerSecond, 0)} | ${rate} ` +
        `| ${range(each.cpuSecondsPer1000, 3)} | ${cpu} ` +
        `| ${each.pssMb.toFixed(0)} | ${each.rssPeakMb.toFixed(0)} |`,
    );
  }
  return lines.join('\n');
}

function renderLatency(latency: Rounds['latency']): string {
  const lines = [
    '## Delivery latency at 40 messages/s, one connection a message',
    '',
    'From the end of DATA to the arrival at the sink, in milliseconds.',
    '',
    '| server | p50 | p99 | p50 of Postfix’s | p99 of Postfix’s |',
    '|---|---|---|---|---|',
  ];
  const peer = latency[reference];
  for (const [row, own] of Object.entries(latency)) {
    const ratio = (figure: 'p50Ms' | 'p99Ms') =>
      peer === undefined || peer === own
        ? '1'
        : range(
            spread(
              ratios(
                own.map((each) => each[figure]),
                peer.map((each) => each[figure]),
              ),
            ),
          );
    const p50 = range(spread(own.map((each) => each.p50Ms)));
    const p99 = range(spread(own.map((each) => each.p99Ms)));
    lines.push(`| ${row} | ${p50} | ${p99} | ${ratio('p50Ms')} | ${ratio('p99Ms')} |`);
  }
  return lines.join('\n');
}

function renderSyncs(syncs: Rounds['syncs']): string {
  const lines = [
    '## Syncs (strace -c, 1 kB, 20 sessions)',
    '',
    '| server | messages | fsync + fdatasync |',
    '|---|---|---|',
  ];
  for (const [row, each] of Object.entries(syncs)) {
    lines.push(`| ${row} | ${each.messages} | ${each.syncs} |`);
  }
  return lines.join('\n');
}

function range(figures: Spread, digits = 2): string {
  const { median, min, max } = figures;
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

/** 0.125 as `1/8.0`. */
function parts(ratio: number): string {
  return ratio > 0.9 ? ratio.toFixed(2) : `1/${(1 / ratio).toFixed(1)}`;
}

function mark(isReached: boolean): string {
  return isReached ? 'reached' : '**missed**';
}
