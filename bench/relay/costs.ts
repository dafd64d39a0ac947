/**
 * What signing costs the relay, beside Postfix with OpenDKIM and beside the same server without keys; what events and
 * shaping cost it.
 *
 * Runs in: bench; pure.
 */

import { ratios, spread } from '../../src/harness/measure/spread.ts';
import type { Measurement } from './rig.ts';

const peer = 'postfix and opendkim';
const plain = 'chaski';
/** Messages a second, at least so many times the peer's. */
const rateMin = 2;
/** CPU per message with Ed25519, at most so many times that without keys. */
const ed25519CpuMax = 1.3;

const shaped = 'chaski shaped';
const bare = 'chaski bare';
/** CPU per message with events and shaping rules, at most so many times that without both. */
const shapedCpuMax = 1.2;

type Rows = Readonly<Record<string, readonly Measurement[]>>;

/** What of it was measured. */
export function renderCosts(rows: Rows): readonly string[] {
  return [...renderSigning(rows), ...renderShaping(rows)];
}

function renderShaping(rows: Rows): readonly string[] {
  const cpu = medianOf(rows, shaped, bare, (one) => one.cpuSecondsPer1000);
  if (cpu === undefined) return [];
  return [
    `## Events and shaping

Median CPU of ${shaped} × ${bare}: ${figure(cpu)}, ${mark(cpu <= shapedCpuMax)} (at most ${shapedCpuMax}).`,
  ];
}

function renderSigning(rows: Rows): readonly string[] {
  const lines = Object.keys(rows)
    .filter((name) => name.startsWith('chaski signing'))
    .map((name) => {
      const rate = medianOf(rows, name, peer, (one) => one.messagesPerSecond);
      const cpu = medianOf(rows, name, plain, (one) => one.cpuSecondsPer1000);
      const isEd25519 = name.endsWith('ed25519');
      const goals = [
        rate === undefined ? '' : mark(rate >= rateMin),
        isEd25519 && cpu !== undefined ? mark(cpu <= ed25519CpuMax) : '',
      ];
      return `| ${name} | ${figure(rate)} | ${goals[0]} | ${figure(cpu)} | ${goals[1]} |`;
    });
  if (lines.length === 0) return [];
  const head = [
    '## Signing',
    '',
    `Medians. Required: ${rateMin} times the messages of ${peer}; with Ed25519 at most ${ed25519CpuMax} times the CPU of ${plain}.`,
    '',
    `| server | messages/s × ${peer} | | CPU × ${plain} | |`,
    '|---|---|---|---|---|',
  ];
  return [[...head, ...lines].join('\n')];
}

function medianOf(
  rows: Rows,
  name: string,
  other: string,
  of: (one: Measurement) => number,
): number | undefined {
  const [own, its] = [rows[name], rows[other]];
  if (own === undefined || its === undefined) return undefined;
  return spread(ratios(own.map(of), its.map(of))).median;
}

function figure(ratio: number | undefined): string {
  return ratio === undefined ? '–' : ratio.toFixed(2);
}

function mark(isReached: boolean): string {
  return isReached ? 'reached' : '**missed**';
}
