/**
 * Builders of settings that are tables of rows: `[section.NAME]` for each row, or JSON text of the same.
 *
 * Runs in:   anywhere; pure.
 * Limits:    `rowsMax` rows.
 */

import {
  type Field,
  type FieldWords,
  quote,
  type Reading,
  read,
  tomlText,
  unreadable,
} from './field.ts';
import { wordsOf } from './fields.ts';

export const rowsMax = 256;

/** What rows and pools and sources may be called. */
const namePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const nameRule = 'a name is 1 to 63 of a-z, 0-9, ".", "_", "-", and starts with a letter or digit';

export function nameFault(name: string): string | undefined {
  return namePattern.test(name) ? undefined : `${quote(name)}: ${nameRule}`;
}

/** One row's keys, each with how its value is read; a key that is not there reads `undefined`. */
export type Columns<T> = { readonly [K in keyof T]: (raw: unknown) => Reading<T[K]> };

export function readColumns<T>(raw: unknown, columns: Columns<T>): Reading<T> {
  if (!isTable(raw)) return unreadable(`must be a table, not ${quote(raw)}`);
  const reasons: string[] = [];
  for (const key of Object.keys(raw)) {
    if (!Object.hasOwn(columns, key)) reasons.push(`there is no ${quote(key)} here`);
  }
  const row: Record<string, unknown> = {};
  for (const key of Object.keys(columns) as (keyof T & string)[]) {
    const reading = columns[key](raw[key]);
    if (reading.ok) row[key] = reading.value;
    else reasons.push(...reading.reasons.map((reason) => `${key}: ${reason}`));
  }
  return reasons.length > 0 ? unreadable(...reasons) : read(row as T);
}

export interface RowsOptions<T> extends FieldWords {
  readonly type: string;
  readonly bounds: string;
  readonly example: string;
  readRow(raw: unknown): Reading<T>;
  /** As an inline table of TOML, without what is as it comes. */
  writeRow(row: T): string;
}

export type Named<T> = T & { readonly name: string };

export function namedRows<T>(options: RowsOptions<T>): Field<readonly Named<T>[]> {
  return {
    kind: 'field',
    type: options.type,
    bounds: options.bounds,
    unit: '',
    ...wordsOf(options),
    default: [],
    jsonSchema: {
      anyOf: [{ type: 'string' }, { type: 'object', additionalProperties: { type: 'object' } }],
    },
    example: options.example,
    read(raw) {
      const table = typeof raw === 'string' ? fromText(raw, {}) : raw;
      if (!isTable(table))
        return unreadable(`must be a table of NAME = { ... }, not ${quote(raw)}`);
      const readings = Object.entries(table).map(([name, row]) => readNamed(name, row, options));
      return allOf(readings);
    },
    toToml: (rows) =>
      rows.length === 0
        ? '{}'
        : `{ ${rows.map((row) => `${tomlText(row.name)} = ${options.writeRow(row)}`).join(', ')} }`,
  };
}

function readNamed<T>(name: string, raw: unknown, { readRow }: RowsOptions<T>): Reading<Named<T>> {
  const fault = nameFault(name);
  if (fault !== undefined) return unreadable(fault);
  const reading = readRow(raw);
  return reading.ok
    ? read({ name, ...reading.value })
    : unreadable(...reading.reasons.map((reason) => `${name}: ${reason}`));
}

/** Rows in an order that counts: `[[section.name]]` each, or a JSON array. */
export function rows<T>(options: RowsOptions<T>): Field<readonly T[]> {
  return {
    kind: 'field',
    type: options.type,
    bounds: options.bounds,
    unit: '',
    ...wordsOf(options),
    default: [],
    jsonSchema: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'object' } }] },
    example: options.example,
    read(raw) {
      const list = typeof raw === 'string' ? fromText(raw, []) : raw;
      if (!Array.isArray(list)) return unreadable(`must be a list of tables, not ${quote(raw)}`);
      return allOf(
        list.map((row, at) => {
          const reading = options.readRow(row);
          return reading.ok
            ? reading
            : unreadable(...reading.reasons.map((reason) => `row ${at + 1}: ${reason}`));
        }),
      );
    },
    toToml: (list) => `[${list.map(options.writeRow).join(', ')}]`,
  };
}

function allOf<T>(readings: readonly Reading<T>[]): Reading<readonly T[]> {
  const reasons = readings.flatMap((reading) => (reading.ok ? [] : reading.reasons));
  if (readings.length > rowsMax) reasons.push(`there are at most ${rowsMax} of them`);
  if (reasons.length > 0) return unreadable(...reasons);
  return read(readings.flatMap((reading) => (reading.ok ? [reading.value] : [])));
}

function fromText(text: string, none: unknown): unknown {
  if (text.trim() === '') return none;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isTable(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

/** `{ key = literal, … }`, without those that are undefined. */
export function inlineTable(pairs: Readonly<Record<string, string | undefined>>): string {
  const written = Object.entries(pairs).flatMap(([key, literal]) =>
    literal === undefined ? [] : [`${tomlKey(key)} = ${literal}`],
  );
  return written.length === 0 ? '{}' : `{ ${written.join(', ')} }`;
}

function tomlKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : tomlText(key);
}
