/**
 * What a line says in place of a scenario's own words: where it is played, how much of it, from which seed.
 *
 * Runs in: load generator; pure.
 */

import { resolve } from 'node:path';
import { parseHostPort } from '../../harness/addresses.ts';
import { duration, type Field, whole } from '../../harness/fields.ts';
import type { Overrides } from '../../harness/run/overridden.ts';
import type { LoadValues } from './usage.ts';

const countMax = Number.MAX_SAFE_INTEGER;

/** Throws a sentence that names the option. */
export function overridesOf({
  target,
  count,
  duration: time,
  seed,
  ledger,
  recount,
}: LoadValues): Overrides {
  const read = (option: string, value: string | undefined, field: Field<number>, as: string) =>
    value === undefined ? {} : { [as]: readNumber(option, value, field) };
  return {
    ...(target === undefined ? {} : { target: parseHostPort(target) }),
    ...read('count', count, whole(1, countMax), 'countMax'),
    ...read('duration', time, duration(), 'durationMs'),
    ...read('recount', recount, duration(), 'recountMsMax'),
    ...read('seed', seed, whole(0, countMax), 'seed'),
    ...(ledger === undefined ? {} : { ledger: resolve(ledger) }),
  };
}

function readNumber(option: string, value: string, field: Field<number>): number {
  const given = Number.isFinite(Number(value)) ? Number(value) : value;
  try {
    return field.read(given, [option]);
  } catch (error) {
    throw new Error(`--${option} ${(error as Error).message}`);
  }
}
