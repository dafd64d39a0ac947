/**
 * `npm run crash -- [--rounds N] [--scene relay|mixed|providers|imap] [--seed N] [--json]`: the kill proof, at
 * random moments. `--scene imaptest --imaptest PATH` has Dovecot's imaptest stress the accounts meanwhile. `npm run crash -- --aimed [--every N] [--json]`: at each journal sync that one
 * message causes, or at every Nth. Exit code: 0 nothing lost or skipped, 1 the verdict.
 *
 * Runs in: a process of its own.
 */

import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { describeAimed, runAimed } from './aimed-run.ts';
import type { Beside } from './beside.ts';
import { describeCrash, runCrash } from './crash-run.ts';
import { describeImapCrash, runImapCrash } from './imap-run.ts';
import { ImaptestStress } from './imaptest-stress.ts';
import { providersScene } from './providers-scene.ts';
import { aimedLmtpScene, aimedMixedScene, scenes } from './scenes.ts';
import { straceIsInstalled } from './strace-run.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    'round-ms': { type: 'string', default: '1500' },
    scene: { type: 'string' },
    imaptest: { type: 'string', default: 'imaptest' },
    clients: { type: 'string', default: '10' },
    aimed: { type: 'boolean', default: false },
    every: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});

if (!values.aimed) await killAtRandom();
else if (straceIsInstalled()) await killAtSyncs();
else process.stdout.write('skipped: strace is not installed\n');

async function killAtRandom(): Promise<void> {
  for (const scene of [...scenes, await providersScene()]) {
    if (values.scene !== undefined && scene.name !== values.scene) continue;
    const report = await runCrash({
      scene,
      rounds: Number(values.rounds),
      seed: Number(values.seed),
      roundMsMax: Number(values['round-ms']),
      say: (line) => process.stderr.write(`${scene.name} ${line}\n`),
    });
    print(report, describeCrash(report), report.verdict.ok);
  }
  if (values.scene === undefined || values.scene === 'imap') await killUnderSessions();
  if (values.scene === 'imaptest') await killUnderImaptest();
}

async function killUnderImaptest(): Promise<void> {
  const path = values.imaptest;
  if (spawnSync(path, ['--help']).error !== undefined) {
    process.stdout.write(
      `skipped: there is no ${path}; docs/reference/imaptest.md says how to build it\n`,
    );
    return;
  }
  const seed = Number(values.seed);
  await killUnderSessions(new ImaptestStress({ path, clients: Number(values.clients), seed }));
}

async function killUnderSessions(beside?: Beside): Promise<void> {
  const report = await runImapCrash({
    rounds: Number(values.rounds),
    seed: Number(values.seed),
    accounts: 2,
    sessions: 4,
    roundMsMax: Number(values['round-ms']),
    ...(beside === undefined ? {} : { beside }),
    say: (line) => process.stderr.write(`${beside?.name ?? 'imap'} ${line}\n`),
  });
  print(report, describeImapCrash(report), report.faults.length === 0);
}

async function killAtSyncs(): Promise<void> {
  const aims = [
    { scene: aimedMixedScene, protocol: 'smtp' },
    { scene: aimedLmtpScene, protocol: 'lmtp' },
  ] as const;
  for (const { scene, protocol } of aims) {
    if (values.scene !== undefined && scene.name !== values.scene) continue;
    const every = Number(values.every);
    const say = (line: string) => process.stderr.write(`aimed ${scene.name} ${line}\n`);
    const report = await runAimed({ scene, protocol, every, say });
    print(report, describeAimed(report), report.faults.length === 0);
  }
}

function print(report: unknown, text: string, isGood: boolean): void {
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${text}\n`);
  if (!isGood) process.exitCode = 1;
}
