/**
 * The reads of this bench as a scenario that `chaski load` plays: the same commands on the same mailboxes, one session,
 * each so often in a row.
 *
 * Runs in:   bench; the load is in this process, as the bench's own client is.
 * Invariant: servers take turns round by round; a round is a session.
 */

import { nodeClock } from '../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../src/adapters/node/random.ts';
import { readStep, type StepPlan, writeStep } from '../../src/harness/load/imap/steps.ts';
import { spread } from '../../src/harness/measure/spread.ts';
import { turnOrder } from '../../src/harness/run/compare.ts';
import { LoadRun } from '../../src/harness/run/load-run.ts';
import { overridden } from '../../src/harness/run/overridden.ts';
import type { GroupPlan, RunPlan } from '../../src/harness/run/run-plan.ts';
import { loadScenario } from '../../src/harness/scenario/read.ts';
import { SeededRandom } from '../../src/harness/seeded-random.ts';
import { scenarioFile } from '../scenario-file.ts';
import { mailboxOf } from './filling.ts';
import type { MeasureOptions } from './measure.ts';
import { operations } from './operations.ts';
import type { ImapServer } from './servers.ts';

/** Each a session on each server. */
const rounds = 5;

/** By operation, by server: the median of each round, in the order of the rounds. */
export type MeasuredSteps = Record<string, Record<string, number[]>>;

export interface MeasuredByLoad {
  readonly load: MeasuredSteps;
  /** The same commands by the bench's own client, in the same rounds; empty where it did not take part. */
  readonly client: MeasuredSteps;
}

export async function measureByLoad(
  { servers, isWanted, say }: MeasureOptions,
  size: number,
  hasClient: boolean,
): Promise<MeasuredByLoad> {
  const wanted = new Set(
    operations
      .filter((operation) => isWanted(operation) && size <= (operation.sizeMax ?? size))
      .map(({ name }) => name),
  );
  const whole = await loadScenario(scenarioFile('imap-reads.ts'));
  const measured: MeasuredByLoad = { load: {}, client: {} };
  const drivers = hasClient ? (['load', 'client'] as const) : (['load'] as const);
  for (let round = 0; round < rounds; round++) {
    for (const server of turnOrder(servers, round)) {
      const plan = planFor(whole, server, mailboxOf(size), wanted);
      for (const driver of turnOrder(drivers, round)) {
        const found = driver === 'load' ? await play(plan) : await ask(plan, server, size, round);
        for (const [name, ms] of found) enter(measured[driver], name, server.name, ms);
      }
      say(`round ${round + 1} by chaski load: ${server.name}`);
    }
  }
  return measured;
}

function enter(measured: MeasuredSteps, name: string, server: string, ms: number): void {
  measured[name] ??= {};
  measured[name][server] ??= [];
  measured[name][server].push(ms);
}

function planFor(
  plan: RunPlan,
  { port, hasTls }: ImapServer,
  mailbox: string,
  wanted: ReadonlySet<string>,
): RunPlan {
  const target = { host: '127.0.0.1', port };
  const groups = plan.groups.map((group): GroupPlan => {
    if (group.protocol !== 'imap') throw new Error(`${plan.scenario}: ${group.protocol}`);
    const steps = stepsOf(group).filter(({ name = '' }) => wanted.has(name));
    if (steps.length === 0) throw new Error('none of the wanted operations is in the scenario');
    const countMax = steps.reduce((sum, { times = 1 }) => sum + times, 0);
    const tls = hasTls ? 'implicit' : 'none';
    const users = [{ weight: 1, steps }];
    return { ...group, countMax, options: { ...group.options, tls, mailbox, users } };
  });
  return overridden({ ...plan, groups }, { target });
}

function stepsOf(group: GroupPlan): readonly StepPlan[] {
  return group.protocol === 'imap' ? group.options.users.flatMap(({ steps }) => steps) : [];
}

/** The plan's steps by the bench's own client: a session, each so often in a row. */
async function ask(
  plan: RunPlan,
  server: ImapServer,
  size: number,
  round: number,
): Promise<readonly (readonly [string, number])[]> {
  const random = new SeededRandom(size + round);
  const client = await server.connect();
  const name = mailboxOf(size);
  await client.say(`SELECT ${name}`);
  const found: [string, number][] = [];
  for (const step of plan.groups.flatMap((group) => stepsOf(group))) {
    const ms: number[] = [];
    for (let i = 0; i < (step.times ?? 1); i++) {
      const command = writeStep(readStep(step), { name, exists: size }, () => random.fraction());
      ms.push((await client.say(command)).ms);
    }
    found.push([step.name ?? step.command, spread(ms).median]);
  }
  client.close();
  return found;
}

async function play(plan: RunPlan): Promise<readonly (readonly [string, number])[]> {
  const adapters = { clock: nodeClock, random: nodeRandom, epochMs: performance.timeOrigin };
  const report = await new LoadRun(plan, adapters).run();
  const { operations: found, closings } = report.groups[0]!;
  const entries = Object.entries(found).filter(([name]) => name !== 'session');
  const failed = entries.find(
    ([, { ok, refused, unknown, unsent }]) => ok === 0 || refused + unknown + unsent > 0,
  );
  if (failed !== undefined) {
    throw new Error(`${failed[0]}: ${JSON.stringify([failed[1].replies, closings])}`);
  }
  return entries.map(([name, { latency }]) => [name, latency.p50Ms]);
}
