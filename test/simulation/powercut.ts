/**
 * Cuts the power of a simulated shard many times and says whether anything accepted was lost: of the
 * plainest table there is, and of mail under IMAP sessions and deliveries.
 *
 * The builds that are wrong on purpose run too, each until it is caught: a test that cannot fail
 * proves nothing. Exit code: 0 when the true build lost nothing and every wrong one was caught, 1
 * otherwise.
 */

import { parseArgs } from 'node:util';
import { indexFirstOnly, indexFirstTrusted, withoutFolderSync, withoutSync } from './builds.ts';
import { itemPlay, type Play, trueBuild } from './life.ts';
import { mailPlay } from './mail-life.ts';
import { type CutReport, cutOften } from './power-cuts.ts';

const help = `Cuts the power of a simulated shard many times and says whether anything accepted was lost.

  node test/simulation/powercut.ts [--cuts COUNT] [--seed NUMBER] [--play NAME] [--json]

  --cuts COUNT    power cuts of the true build in each play (10000)
  --seed NUMBER   the same seed gives the same run (1)
  --play NAME     items (a plain table) or mail (IMAP sessions and deliveries); both if it is not given
  --json          the whole report, and nothing else
  --help          this text

Example:
  node test/simulation/powercut.ts --cuts 700 --seed 2

Exit code: 0 when nothing was lost and every build that is wrong on purpose was caught, else 1.`;

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    play: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(help);
  process.exit(0);
}
const cuts = Number(values.cuts);
const seed = Number(values.seed);
const wrongCutsMax = 2_000;

function say(text: string): void {
  if (!values.json) console.log(text);
}

function describe(report: CutReport): string {
  const rebuilt = Object.entries(report.rebuilt)
    .map(([reason, count]) => `${count} (${reason})`)
    .join(', ');
  return (
    `${report.play}, ${report.build}: ${report.cuts} cuts, ${report.acceptedCount} accepted, ` +
    `${report.replayedCount} records replayed, ${report.comparisons} tables compared, ` +
    `indexes rebuilt: ${rebuilt || 'none'}; ${report.faults.length} faults`
  );
}

interface Proof {
  readonly isGood: boolean;
  readonly truth: CutReport;
  readonly wrong: readonly CutReport[];
  readonly unordered: CutReport;
}

async function prove<W>(play: Play<W>): Promise<Proof> {
  const startMs = performance.now();
  const onProgress = (done: number) =>
    say(`  ${done} cuts, ${Math.round((performance.now() - startMs) / 1_000)} s`);
  const truth = await cutOften({ play, build: trueBuild, cuts, seed, onProgress });
  say(describe(truth));
  for (const fault of truth.faults) say(`  ${fault}`);

  const wrong: CutReport[] = [];
  for (const build of [withoutSync, withoutFolderSync, indexFirstTrusted]) {
    const report = await cutOften({ play, build, cuts: wrongCutsMax, seed, faultsMax: 1 });
    wrong.push(report);
    say(describe(report));
    say(report.faults.length > 0 ? `  caught: ${report.faults[0]}` : '  NOT CAUGHT');
  }
  const orderly = { play, build: indexFirstOnly, cuts: Math.min(cuts, 500), seed };
  const unordered = await cutOften(orderly);
  const pastJournal = unordered.rebuilt['its applied position is past the journal'] ?? 0;
  say(describe(unordered));
  for (const fault of unordered.faults) say(`  ${fault}`);
  say(`  ${pastJournal} indexes were ahead of their journal and made again`);

  const isGood =
    truth.faults.length === 0 &&
    wrong.every((report) => report.faults.length > 0) &&
    unordered.faults.length === 0 &&
    pastJournal > 0;
  return { isGood, truth, wrong, unordered };
}

say(`${cuts} power cuts, seed ${seed}`);
const proofs: Proof[] = [];
if (values.play !== 'mail') proofs.push(await prove(itemPlay));
if (values.play !== 'items') proofs.push(await prove(mailPlay));
const passed = proofs.every(({ isGood }) => isGood);
if (values.json) console.log(JSON.stringify({ passed, proofs }, undefined, 2));
say(passed ? 'PASSED: nothing accepted was lost, and every wrong build was caught' : 'FAILED');
process.exitCode = passed ? 0 : 1;
