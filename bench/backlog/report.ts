/**
 * What the backlog bench found, beside what it must reach, as Markdown.
 *
 * Runs in: bench; pure.
 */

import { type Machine, machineLine } from '../machine.ts';
import type { Measurement } from '../relay/rig.ts';
import { operations } from './admin.ts';
import type { Drain } from './drain.ts';

const rateShareMin = 0.5;
const memoryBytesMax = 600e6;
/** For so many messages; ten times as many may take `furtherBytesMax` more. */
const memoryMessages = 1_000_000;
const furtherBytesMax = 100e6;
const adminP99MsMax = 200;

export interface BacklogResult {
  readonly messages: number;
  readonly fillSeconds: number;
  readonly relay: readonly Measurement[];
  readonly drained: Drain;
}

interface Target {
  readonly what: string;
  readonly isReached: boolean;
  readonly measured: string;
}

function targetsOf({ messages, relay, drained }: BacklogResult): readonly Target[] {
  const relayRate = median(relay.map(({ messagesPerSecond }) => messagesPerSecond));
  const share = drained.messagesPerSecond / relayRate;
  const bytesMax = memoryBytesMax + (messages > memoryMessages ? furtherBytesMax : 0);
  return [
    {
      what: `drains at ${rateShareMin * 100} % of the relay's rate or more`,
      isReached: share >= rateShareMin,
      measured:
        `${(share * 100).toFixed(0)} %: ${drained.messagesPerSecond.toFixed(0)}/s ` +
        `beside ${relayRate.toFixed(0)}/s`,
    },
    {
      what: `memory of its own at most ${bytesMax / 1e6} MB`,
      isReached: drained.ownBytesMax <= bytesMax,
      measured:
        `${(drained.ownBytesMax / 1e6).toFixed(0)} MB; ` +
        `resident with pages of the index's files ${(drained.residentBytesMax / 1e6).toFixed(0)} MB`,
    },
    ...operations.map((operation) => {
      const { calls, p50Ms, p99Ms, maxMs } = drained.admin[operation];
      return {
        what: `p99 of ${operation} at most ${adminP99MsMax} ms`,
        isReached: calls > 0 && p99Ms <= adminP99MsMax,
        measured: `${p99Ms.toFixed(1)} ms; p50 ${p50Ms.toFixed(1)}, longest ${maxMs.toFixed(1)}, ${calls} calls`,
      };
    }),
  ];
}

export function isReached(result: BacklogResult): boolean {
  return targetsOf(result).every((target) => target.isReached);
}

export function renderBacklog(machine: Machine, result: BacklogResult): string {
  const { messages, fillSeconds, drained, relay } = result;
  const cpuOf = (seconds: number) => `${seconds.toFixed(3)} CPU s/1000`;
  const lines = [
    `# Backlog bench, ${machine.date}`,
    '',
    machineLine(machine),
    '',
    `${messages} deferred messages of 1 kB, made in ${fillSeconds.toFixed(0)} s; ` +
      `the server was up with them after ${(drained.openMs / 1_000).toFixed(1)} s. ` +
      `${drained.deliveredCount} were delivered. ` +
      `Draining took ${cpuOf(drained.cpuSecondsPer1000)}; ` +
      `relaying ${cpuOf(median(relay.map(({ cpuSecondsPer1000 }) => cpuSecondsPer1000)))}.`,
    '',
    ...targetsOf(result).map(
      ({ what, isReached, measured }) =>
        `- ${isReached ? 'reached' : '**missed**'}: ${what}: ${measured}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
