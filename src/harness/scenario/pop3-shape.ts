/**
 * What a group of POP3 sessions may say in a scenario, and the plan made of it.
 *
 * Runs in:   load generator.
 */

import { flag, type Path, type Read, whole, withDefault } from '../fields.ts';
import type { Pop3Plan } from '../load/pop3/pop3-plan.ts';
import { clientShape, readClient } from './client-shape.ts';

const retrieveCountMax = 100_000;
const retrieveDefault = 5;

export const pop3Shape = {
  ...clientShape,
  retrieve: withDefault(whole(0, retrieveCountMax), retrieveDefault),
  delete: withDefault(flag(), false),
};

type Pop3Values = { readonly [K in keyof typeof pop3Shape]: Read<(typeof pop3Shape)[K]> };

/** `base`: the folder that names of files are relative to. */
export function pop3Plan(values: Pop3Values, base: string, path: Path): Pop3Plan {
  const { retrieve } = values;
  return { ...readClient(values, base, path), retrieve, isDeleting: values.delete };
}
