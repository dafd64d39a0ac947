/**
 * `chaski load`: sends generated mail to a server and times it.
 *
 * Runs in: a process of its own. Exit code: 0 the run is good (`isGood`), 1 it is not, 2 wrong usage. Thresholds of
 *          `merge` are those of its command line.
 */

import { readFileSync } from 'node:fs';
import { nodeClock } from '../adapters/node/clock.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import { mergeReports } from '../harness/measure/merge.ts';
import { parseReport, type RunReport } from '../harness/measure/run-report.ts';
import type { Threshold } from '../harness/measure/threshold.ts';
import { isGood } from '../harness/measure/totals.ts';
import { LoadRun } from '../harness/run/load-run.ts';
import { overridden } from '../harness/run/overridden.ts';
import type { RunPlan } from '../harness/run/run-plan.ts';
import { judgeThresholds, parseThreshold } from '../harness/run/thresholds.ts';
import { exitCodes } from './command.ts';
import { checkOptions, isProtocolName } from './load/check-options.ts';
import { planOf, withPrometheus, withWatch } from './load/line-scenario.ts';
import { overridesOf } from './load/overrides.ts';
import { describeReport, showProgress } from './load/show.ts';
import { type LoadValues, parseLine, usage } from './load/usage.ts';

export async function run(argv: string[]): Promise<number> {
  try {
    const { values, positionals } = parseLine(argv);
    const [action, ...rest] = positionals;
    if (values.help === true) {
      process.stdout.write(usage);
      return 0;
    }
    if (action !== undefined) checkOptions(action, rest, values);
    const write = await writer(values.report);
    if (action === 'merge') {
      const merged = mergeReports(rest.map(readReport));
      const report = { ...merged, thresholds: judgeThresholds(asked(values), merged) };
      print(report, values, write);
      return report.thresholds.every(({ isMet }) => isMet) ? 0 : 1;
    }
    if (action === 'search' || action === 'compare') return await probe(action, rest, values);
    if (action === undefined)
      throw new Error('which protocol: smtp, lmtp, imap, pop3 or http? or "run", or "merge"');
    const plan = action === 'run' ? await readPlan(rest, values) : planOf(action, values);
    return await play(withPrometheus(withWatch(plan, values), values), values, write);
  } catch (error) {
    process.stderr.write(`chaski load: ${(error as Error).message}\n`);
    process.stderr.write('try "chaski load --help"\n');
    return exitCodes.usage;
  }
}

async function probe(
  action: 'search' | 'compare',
  rest: readonly string[],
  values: LoadValues,
): Promise<number> {
  const [what = ''] = rest;
  const { against = [] } = values;
  const isProtocol = isProtocolName(what);
  const target = values.target ?? against[0]?.replace(/^.*=/, '');
  // A search finds the rate itself.
  const load = action === 'search' ? { rate: '100', duration: '1' } : {};
  const given = { ...load, ...values, ...(target === undefined ? {} : { target }) };
  const plan = isProtocol ? planOf(what, given) : await readPlan(rest, values);
  if (plan.trouble !== undefined || plan.recountMsMax !== undefined) {
    throw new Error(`${what}: "trouble" and "recount" are of one run, not of ${action}`);
  }
  if (action === 'search') {
    const { search } = await import('./load/search.ts');
    return await search(plan, values, createRun);
  }
  const { compareServers } = await import('./load/compare.ts');
  return await compareServers(plan, against, values, createRun);
}

function createRun(plan: RunPlan): LoadRun {
  return new LoadRun(plan, {
    clock: nodeClock,
    random: nodeRandom,
    epochMs: performance.timeOrigin,
  });
}

function asked({ threshold = [] }: LoadValues): readonly Threshold[] {
  return threshold.map(parseThreshold);
}

async function readPlan(files: readonly string[], values: LoadValues): Promise<RunPlan> {
  const [file] = files;
  if (file === undefined) throw new Error('which scenario?');
  // YAML's reader is loaded by those who need it.
  const { loadScenario } = await import('../harness/scenario/read.ts');
  const plan = overridden(await loadScenario(file), overridesOf(values));
  return { ...plan, thresholds: [...plan.thresholds, ...asked(values)] };
}

async function play(plan: RunPlan, values: LoadValues, write: Writer): Promise<number> {
  const load = createRun(plan);
  process.once('SIGTERM', () => load.stop());
  process.once('SIGINT', () => load.stop());
  const stopProgress = showProgress(load);
  const report = await load.run().finally(stopProgress);
  print(report, values, write);
  return isGood(report) ? 0 : 1;
}

function readReport(path: string): RunReport {
  return parseReport(readFileSync(path, 'utf8'), path);
}

type Writer = (report: RunReport) => void;

/** What draws pages is loaded by those who want one; and a name that cannot be is told before a run of an hour. */
async function writer(file: string | undefined): Promise<Writer> {
  if (file === undefined) return () => {};
  const { checkReportName, writeReport } = await import('./report-file.ts');
  checkReportName(file);
  return (report) => writeReport(file, report);
}

function print(report: RunReport, { json }: LoadValues, write: Writer): void {
  process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : describeReport(report));
  // What was found is on the terminal by now, whatever the disk says.
  write(report);
}
