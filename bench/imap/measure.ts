/**
 * Measures every operation on all servers in turn, round by round.
 *
 * Runs in:   bench.
 * Invariant: in a round each server does the same, one after the other, in an order that turns; the others are up and
 *            idle.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { treeCpuSeconds, treeUsage } from '../../src/harness/observe.ts';
import type { Corpus } from './corpus.ts';
import { mailboxOf, warm, warmMessages } from './filling.ts';
import { type Operation, operations, type Scene } from './operations.ts';
import type { ImapServer } from './servers.ts';

const crowdConnections = 10;
/** What V8 compiles in a server's first seconds is not its price. */
const warmUpRoundsMin = 8;
/** Loops are compiled for good after some hundred thousand turns: a small mailbox has a thousand a round. */
const warmUpRoundsMax = 100;
const warmUpMs = 1_000;
/** No measured round has the number of one of these: each brings its own messages. */
const warmUpRoundFirst = 1_000;
const absoluteRounds = 100;
/** What a server does after it has answered must not be paid by the next one. */
const settleMs = 1_300;
/** An operation gets as many rounds as fit, within bounds. */
const roundsMs = 6_000;
const roundsMin = 3;
const roundsMax = 9;

export interface Figures {
  readonly firstMs: number;
  /** One a round, in the order of the rounds. */
  readonly warmMs: readonly number[];
  /** A round. */
  readonly cpuSeconds: number;
}

/** By operation, by server; a server that does not have it is not there. */
export type Measured = Record<string, Record<string, Figures>>;

export interface MeasureOptions {
  readonly servers: readonly ImapServer[];
  readonly corpus: Corpus;
  readonly isWanted: (operation: Operation) => boolean;
  readonly say: (line: string) => void;
  /** By server: PSS while its sessions stand. */
  readonly memory: Record<string, number>;
  /** Rounds of all but absolute ones are divided by it. */
  readonly isQuick: boolean;
}

export async function measureSize(options: MeasureOptions, size: number): Promise<Measured> {
  const { servers, corpus, isWanted } = options;
  const scenes: Scene[] = [];
  for (const server of servers) scenes.push(await sceneOf(server, corpus, mailboxOf(size), size));
  const measured: Measured = {};
  try {
    for (const operation of operations.filter(isWanted)) {
      const { sizeMax = size, sizeMin = 0, needs } = operation;
      if (size > sizeMax || size < sizeMin) continue;
      const able = scenes.filter(
        ({ capabilities }) => needs === undefined || capabilities.has(needs),
      );
      for (const { server } of scenes.filter((scene) => !able.includes(scene))) {
        options.say(`${operation.name}: skipped on ${server.name}: it has no ${needs}`);
      }
      if (able.length > 0) measured[operation.name] = await measureOne(operation, able, options);
    }
    // With the sessions there are: Dovecot keeps a process for each.
    for (const { name, pid } of servers) options.memory[name] = treeUsage(pid).pssBytes;
  } finally {
    for (const scene of scenes) close(scene);
  }
  return measured;
}

/** Reads and changes the small mailbox again and again until what is hot is compiled. */
export async function warmUp({ servers, corpus, isWanted }: MeasureOptions): Promise<void> {
  for (const server of servers) {
    const scene = await sceneOf(server, corpus, warm, warmMessages);
    for (const operation of operations.filter(isWanted)) {
      if (operation.isAbsolute === true) continue;
      if (operation.needs !== undefined && !scene.capabilities.has(operation.needs)) continue;
      const endMs = performance.now() + warmUpMs;
      for (let round = 0; round < warmUpRoundsMax; round++) {
        if (round >= warmUpRoundsMin && performance.now() >= endMs) break;
        await operation.run(scene, warmUpRoundFirst + round);
      }
    }
    close(scene);
    await sleep(settleMs);
  }
}

async function sceneOf(
  server: ImapServer,
  corpus: Corpus,
  mailbox: string,
  size: number,
): Promise<Scene> {
  const client = await server.connect();
  const { text } = await client.say('CAPABILITY', { keeps: true });
  await client.say(`SELECT ${mailbox}`);
  const other = await server.connect();
  const crowd = [];
  while (crowd.length < crowdConnections) crowd.push(await server.connect());
  const capabilities = new Set(text.split(/\s+/));
  return { server, corpus, mailbox, size, capabilities, client, other, crowd };
}

function close({ client, other, crowd }: Scene): void {
  for (const one of [client, other, ...crowd]) one.close();
}

async function measureOne(
  operation: Operation,
  scenes: readonly Scene[],
  { say, isQuick }: MeasureOptions,
): Promise<Record<string, Figures>> {
  const settle = () => (operation.isChange === true ? sleep(settleMs) : undefined);
  const kept = new Map<Scene, { firstMs: number; warmMs: number[]; cpuSeconds: number }>();
  for (const scene of scenes) {
    kept.set(scene, { firstMs: await operation.run(scene, 0), warmMs: [], cpuSeconds: 0 });
    await settle();
  }
  const slowestMs = Math.max(...[...kept.values()].map(({ firstMs }) => firstMs));
  const most = isQuick ? roundsMin : roundsMax;
  const rounds =
    operation.isAbsolute === true
      ? absoluteRounds
      : Math.min(most, Math.max(roundsMin, Math.floor(roundsMs / slowestMs)));
  for (let round = 1; round <= rounds; round++) {
    for (const scene of turned(scenes, round)) {
      const one = kept.get(scene)!;
      const cpuBefore = treeCpuSeconds(scene.server.pid);
      one.warmMs.push(await operation.run(scene, round));
      await settle();
      one.cpuSeconds += (treeCpuSeconds(scene.server.pid) - cpuBefore) / rounds;
    }
  }
  const words = [...kept].map(([{ server }, { firstMs, warmMs }]) => {
    const sorted = [...warmMs].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)]!;
    return `${server.name} ${firstMs.toFixed(1)} / ${median.toFixed(2)}`;
  });
  say(`${operation.name} (${rounds}): ${words.join(', ')} ms`);
  return Object.fromEntries([...kept].map(([{ server }, figures]) => [server.name, figures]));
}

function turned<T>(things: readonly T[], round: number): readonly T[] {
  const start = round % things.length;
  return [...things.slice(start), ...things.slice(0, start)];
}
