/**
 * `npm run crash -- [--rounds N] [--scene relay|mixed] [--seed N] [--json]`: the kill proof. Exit
 * code: 0 nothing lost, 1 the verdict.
 *
 * Runs in: a process of its own.
 */

import { parseArgs } from 'node:util';
import { describeCrash, runCrash } from './crash-run.ts';
import { scenes } from './scenes.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    sessions: { type: 'string', default: '10' },
    size: { type: 'string', default: '2000' },
    'round-ms': { type: 'string', default: '1500' },
    scene: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const chosen = scenes.filter((scene) => values.scene === undefined || scene.name === values.scene);
for (const scene of chosen) {
  const report = await runCrash({
    scene,
    rounds: Number(values.rounds),
    seed: Number(values.seed),
    sessions: Number(values.sessions),
    messageBytes: Number(values.size),
    roundMsMax: Number(values['round-ms']),
    say: (line) => process.stderr.write(`${scene.name} ${line}\n`),
  });
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${describeCrash(report)}\n`);
  if (!report.verdict.ok) process.exitCode = 1;
}
