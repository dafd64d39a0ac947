/**
 * `npm run bench:steady`: what a busy server does when something goes wrong, each scene beside the feature off.
 *
 * Runs in:   a process of its own; as root, or with the right to trace its children, for the scene of a stopped thread.
 * Invariant: exit code 1 when a check of the scenes that were run is missed.
 */

import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { describeMachine, machineLine } from './machine.ts';
import { makeWork } from './relay/rig.ts';
import { keepResult } from './result.ts';
import { deadHopScene } from './steady/dead-hop.ts';
import { hotShardScene } from './steady/hot-shard.ts';
import { overloadScene } from './steady/overload.ts';
import { poisonScene } from './steady/poison.ts';
import { renderScene } from './steady/render.ts';
import type { Scene, SceneResult } from './steady/scene.ts';
import { stoppedThreadScene } from './steady/stopped-thread.ts';

const scenes: readonly Scene[] = [
  hotShardScene,
  stoppedThreadScene,
  poisonScene,
  overloadScene,
  deadHopScene,
];

const usage = `usage: npm run bench:steady -- [options]
  --scene A,B    only these: ${scenes.map(({ name }) => name).join(', ')}
  --seconds N    how long each load runs (default: ${scenes.map((each) => `${each.name} ${each.seconds}`).join(', ')})
  --short        a look whether it works, nothing is kept: ${scenes.map((each) => `${each.name} ${each.secondsShort}`).join(', ')} s
  --work DIR     where servers keep their data (default: the system's temporary folder)
  --json FILE    the figures (default: bench/results/steady-DATE.json)

example: npm run bench:steady -- --scene overload,poison --short
`;

const { values } = parseArgs({
  options: {
    scene: { type: 'string' },
    seconds: { type: 'string' },
    short: { type: 'boolean', default: false },
    work: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) process.stdout.write(usage);
else process.exitCode = await bench();

async function bench(): Promise<number> {
  const names = values.scene?.split(',');
  const unknown = names?.filter((name) => !scenes.some((scene) => scene.name === name)) ?? [];
  if (unknown.length > 0) {
    process.stderr.write(`no such scene: ${unknown.join(', ')}\n\n${usage}`);
    return 2;
  }
  const machine = describeMachine('no peer');
  const results: Record<string, SceneResult> = {};
  let markdown = `# Steady bench, ${machine.date}\n\n${machineLine(machine)}\n`;
  const work = makeWork(values.work);
  try {
    for (const scene of scenes.filter(({ name }) => names?.includes(name) ?? true)) {
      const seconds = Number(values.seconds ?? (values.short ? scene.secondsShort : scene.seconds));
      const say = (line: string) => process.stderr.write(`${line}\n`);
      const result = await scene.run({ seconds, work, say });
      results[scene.name] = result;
      const text = renderScene(scene, seconds, result);
      say(text);
      markdown += `\n${text}`;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  keepResult('steady', { machine, results }, markdown, { quick: values.short, json: values.json });
  const isReached = Object.values(results).every(({ checks }) =>
    checks.every((check) => check.isReached),
  );
  return isReached ? 0 : 1;
}
