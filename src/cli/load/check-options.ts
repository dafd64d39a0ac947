/**
 * Refuses what would do nothing: an option that is not heard misleads whoever wrote it.
 *
 * Runs in: load generator; pure.
 */

import { protocols } from '../../harness/scenario/shape.ts';
import type { LoadValues } from './usage.ts';

const ofSearch = ['probe', 'rate-first', 'rate-max'];
const ofCompare = ['against', 'rounds'];
const ofWatch = ['watch', 'metrics', 'metric', 'prometheus'];
const ofRun = [...ofWatch, 'recount'];
/** Of what is done with a load, not of the load: a scenario leaves them open. */
const besideScenario = ['json', 'report', 'threshold', ...ofSearch, ...ofCompare, ...ofWatch];
/** What a line may say in place of the scenario: where, how much, which seed. */
const overScenario: Readonly<Record<string, readonly string[]>> = {
  run: ['target', 'count', 'duration', 'seed', 'ledger', 'recount'],
  compare: ['count', 'duration', 'seed'],
  search: ['target', 'seed'],
};

export function isProtocolName(word: string): boolean {
  return protocols.some((name) => name === word);
}

/** @throws a sentence that names the option */
export function checkOptions(action: string, rest: readonly string[], values: LoadValues): void {
  const isProbe = action === 'search' || action === 'compare';
  const isScenario = action === 'run' || (isProbe && !isProtocolName(rest[0] ?? ''));
  const wordsMax = action === 'merge' ? Infinity : action === 'run' || isProbe ? 1 : 0;
  if (rest.length > wordsMax) throw new Error(`"${rest[wordsMax]}" is one word too many`);
  for (const option of Object.keys(values)) {
    if (ofSearch.includes(option) && action !== 'search') {
      throw new Error(`--${option} is for "chaski load search"`);
    }
    if (ofCompare.includes(option) && action !== 'compare') {
      throw new Error(`--${option} is for "chaski load compare"`);
    }
    if (ofRun.includes(option) && (isProbe || action === 'merge')) {
      throw new Error(`--${option} is of one run, not of ${action}`);
    }
    if (option === 'report' && isProbe) {
      throw new Error(`--report is of one run: write what ${action} finds by --json > FILE`);
    }
    if (option === 'threshold' && action === 'compare') {
      throw new Error('--threshold judges one run: compare tells what servers did');
    }
    const isFree = besideScenario.includes(option);
    const isOver = overScenario[action]?.includes(option) === true;
    if (isScenario && !isFree && !isOver) throw new Error(`--${option}: say that in the scenario`);
    if (action === 'merge' && !isFree) throw new Error(`--${option} is of a load, not of a merge`);
  }
}
