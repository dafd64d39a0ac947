/**
 * `npm run crash -- [--rounds N] [--seed N] [--json]`: the kill proof. Exit code: 0 nothing lost, 1 the verdict.
 *
 * Runs in: a process of its own.
 */

import { parseArgs } from 'node:util';
import { describeCrash, runCrash } from './crash-run.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    sessions: { type: 'string', default: '10' },
    size: { type: 'string', default: '2000' },
    'round-ms': { type: 'string', default: '1500' },
    json: { type: 'boolean', default: false },
  },
});

const report = await runCrash({
  rounds: Number(values.rounds),
  seed: Number(values.seed),
  sessions: Number(values.sessions),
  messageBytes: Number(values.size),
  roundMsMax: Number(values['round-ms']),
  say: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${describeCrash(report)}\n`);
process.exitCode = report.verdict.ok ? 0 : 1;
