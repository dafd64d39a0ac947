/**
 * What is wrong with settings, told so that an operator can mend it: where, what, why, and what to do.
 *
 * Runs in:   anywhere; pure.
 */

import { fieldsOf } from './field.ts';
import { schema } from './schema.ts';

export interface SettingsFault {
  /** Dotted name of the setting; "" where the fault is of a whole source. */
  readonly path: string;
  /** Where the value came from: a file's path, `CHASKI_SHARDS`, `--set`, `default`. */
  readonly source: string;
  readonly reason: string;
  /** What to do about it. */
  readonly advice: string;
}

export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly faults: readonly SettingsFault[];

  constructor(faults: readonly SettingsFault[]) {
    super(describeFaults(faults));
    this.faults = faults;
  }
}

export function describeFaults(faults: readonly SettingsFault[]): string {
  const title =
    faults.length === 1 ? '1 setting is wrong:' : `${faults.length} settings are wrong:`;
  return [title, ...faults.map(describeFault)].join('\n');
}

function describeFault({ path, source, reason, advice }: SettingsFault): string {
  const place = path === '' ? source : `${path} (${source})`;
  return `  ${place}: ${reason}\n      ${advice}`;
}

/** Where to read about a setting. */
export function adviceFor(path: string): string {
  const placed = [...fieldsOf(schema)].find((each) => each.path === path);
  if (placed === undefined) return 'See docs/reference/settings.md for all names.';
  const { type, bounds, default: standard, toToml } = placed.field;
  const form = bounds === '' ? type : `${type}, ${bounds}`;
  return `Expected ${form}; the default is ${toToml(standard)}.`;
}

/** The known name nearest to a wrong one, or undefined where none is near. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
