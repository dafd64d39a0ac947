/**
 * `node bench/idle.ts`: what an IMAP session that idles costs the server, and how soon it is told of new mail.
 *
 * Runs in:   a process of its own; wants a file descriptor a session for client and server each (`ulimit -n`).
 * Invariant: a miss of a goal ends it with 1.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { playScene, type Scene, type SceneResult } from './idle/scene.ts';
import { describeMachine, machineLine } from './machine.ts';
import { keepResult } from './result.ts';

const goals = {
  plainBytes: 12_000,
  tlsBytes: 56_000,
  oneP50Ms: 10,
  oneP99Ms: 50,
  allMs: 500,
} as const;

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '10000' },
    'tls-sessions': { type: 'string', default: '4000' },
    accounts: { type: 'string', default: '200' },
    deliveries: { type: 'string', default: '200' },
    /** Only scenes whose name has this in it. */
    only: { type: 'string', default: '' },
    work: { type: 'string', default: tmpdir() },
  },
});

const sessions = Number(values.sessions);
const tlsSessions = Number(values['tls-sessions']);
const accounts = Number(values.accounts);
const deliveries = Number(values.deliveries);
const one = { accounts: 1, deliveries, deliveriesToAll: 10 };
const many = { accounts, deliveries, deliveriesToAll: 0 };
const scenes: readonly Scene[] = [
  { name: 'plain, one mailbox', isTls: false, sessions, ...one },
  { name: 'plain, many accounts', isTls: false, sessions, ...many },
  { name: 'TLS, one mailbox', isTls: true, sessions: tlsSessions, ...one },
  { name: 'TLS, many accounts', isTls: true, sessions: tlsSessions, ...many },
].filter(({ name }) => name.includes(values.only));

const machine = describeMachine('no other server');
const work = mkdtempSync(join(values.work, 'chaski-idle-'));
const results: SceneResult[] = [];
try {
  for (const scene of scenes) {
    results.push(await playScene(scene, mkdtempSync(join(work, 'server-'))));
    process.stderr.write(`${rowOf(results.at(-1)!)}\n`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
report();

function report(): void {
  const misses = results.flatMap(missesOf);
  const lines = [
    `# Idle sessions, ${machine.date}`,
    '',
    machineLine(machine),
    '',
    'LOGIN, SELECT, IDLE. Bytes: growth of the server’s resident memory by session. Times: from the end of a message',
    'sent over LMTP to EXISTS, at one idler and at the last of all idlers of one mailbox.',
    '',
    '| scene | sessions | bytes a session | one: p50 ms | one: p99 ms | all: median ms | all: worst ms |',
    '|---|---|---|---|---|---|---|',
    ...results.map(rowOf),
    '',
    ...(misses.length > 0 ? misses.map((miss) => `- missed: ${miss}`) : ['All goals are reached.']),
  ];
  keepResult('idle', { machine, results }, `${lines.join('\n')}\n`);
  process.exitCode = misses.length > 0 ? 1 : 0;
}

function rowOf({ scene, sessionBytes, oneMs, allMs }: SceneResult): string {
  const figures = [
    sessionBytes.toFixed(0),
    ...[quantile(oneMs, 0.5), quantile(oneMs, 0.99)].map(rounded),
    ...[quantile(allMs, 0.5), quantile(allMs, 1)].map(rounded),
  ];
  return `| ${scene.name} | ${scene.sessions} | ${figures.join(' | ')} |`;
}

function missesOf({ scene, sessionBytes, oneMs, allMs }: SceneResult): string[] {
  const bytesMax = scene.isTls ? goals.tlsBytes : goals.plainBytes;
  const checks = [
    [sessionBytes, bytesMax, 'bytes a session'],
    [quantile(oneMs, 0.5), goals.oneP50Ms, 'ms to one idler, p50'],
    [quantile(oneMs, 0.99), goals.oneP99Ms, 'ms to one idler, p99'],
    [quantile(allMs, 1), goals.allMs, 'ms to all idlers'],
  ] as const;
  return checks
    .filter(([figure, goal]) => figure !== undefined && figure > goal)
    .map(([figure, goal, what]) => `${scene.name}: ${rounded(figure)} ${what}, at most ${goal}`);
}

/** Undefined: nothing was measured. */
function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

function rounded(figure: number | undefined): string {
  return figure === undefined ? '–' : figure.toFixed(1);
}
