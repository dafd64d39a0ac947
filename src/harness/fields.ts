/**
 * Small readers of values that files of the harness are made of: scenarios, models, maps of events. Each says what it
 * wants where it finds something else, and what it takes as JSON Schema.
 *
 * Runs in:   load generator, sink, ledger; pure.
 * Invariant: of a group or list all faults are told at once, each with its place, what stands there and what to write.
 */

import { parseBytes, parseDuration } from '../settings/fields.ts';

export type Path = readonly (string | number)[];

/** What is wrong, where, and what to do. */
export class FieldFault extends Error {
  readonly path: Path;
  /** Whether the key itself is wrong, not its value. */
  readonly isOfKey: boolean;
  /** What else is wrong with the same values. */
  readonly others: readonly FieldFault[];

  constructor(path: Path, message: string, isOfKey = false, others: readonly FieldFault[] = []) {
    super(message);
    this.path = path;
    this.isOfKey = isOfKey;
    this.others = others;
  }

  /** This and all others. */
  all(): readonly FieldFault[] {
    return [this, ...this.others];
  }
}

export interface Field<T> {
  readonly read: (value: unknown, path: Path) => T;
  /** As a person would ask for it: "a number from 1 to 64". */
  readonly wants: string;
  /** JSON Schema of the value. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** Makes something of nothing. */
  readonly isOptional?: true;
}

export type Read<F> = F extends Field<infer T> ? T : never;

type Shape = Readonly<Record<string, Field<unknown>>>;
type Values<S extends Shape> = { readonly [K in keyof S]: Read<S[K]> };

/** `rules[0].reply`; `whole` where the path leads nowhere. */
export function pathText(path: Path, whole: string): string {
  if (path.length === 0) return whole;
  return path
    .map((step, at) => {
      if (typeof step === 'number') return `[${step}]`;
      if (!/^[\w-]+$/.test(step)) return `["${step}"]`;
      return at === 0 ? step : `.${step}`;
    })
    .join('');
}

const shownChars = 60;

export function refuse(path: Path, value: unknown, wants: string): never {
  const shown = JSON.stringify(value, masked) ?? 'nothing';
  throw new FieldFault(path, `is ${shown.slice(0, shownChars)}; write ${wants}`);
}

/** What is wrong is told in terminals and logs of CI. */
function masked(key: string, value: unknown): unknown {
  return ['password', 'token', 'headers'].includes(key) ? '…' : value;
}

function simple<T>(
  wants: string,
  schema: Field<T>['schema'],
  take: (value: unknown) => T | undefined,
): Field<T> {
  const read = (value: unknown, path: Path) => take(value) ?? refuse(path, value, wants);
  return { read, wants, schema };
}

/** A text that is never shown. */
export function secret(wants: string): Field<string> {
  const read = (value: unknown, path: Path) => {
    if (typeof value === 'string' && value !== '') return value;
    throw new FieldFault(path, `is no text; write ${wants}, in quotes`);
  };
  return { read, wants, schema: { type: 'string' } };
}

const anyText = /./su;

export function text(wants = 'a text', pattern = anyText): Field<string> {
  const schema = { type: 'string', ...(pattern === anyText ? {} : { pattern: pattern.source }) };
  return simple(wants, schema, (value) =>
    typeof value === 'string' && pattern.test(value) ? value : undefined,
  );
}

/** A text that must pass `isGood` as well. */
export function suited(of: Field<string>, isGood: (value: string) => boolean): Field<string> {
  const read = (value: unknown, path: Path) => {
    const given = of.read(value, path);
    return isGood(given) ? given : refuse(path, given, of.wants);
  };
  return { ...of, read };
}

export function whole(min: number, max = Infinity, example?: number): Field<number> {
  const range = max === Infinity ? `of ${min} or more` : `from ${min} to ${max}`;
  const wants = `a whole number ${range}${example === undefined ? '' : `, as ${example}`}`;
  return simple(wants, { type: 'integer', ...bounds(min, max) }, (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? (value as number)
      : undefined,
  );
}

export function number(min: number, max: number, example: number): Field<number> {
  const range = max === Infinity ? `of ${min} or more` : `from ${min} to ${max}`;
  return simple(
    `a number ${range}, as ${example}`,
    { type: 'number', ...bounds(min, max) },
    (value) => (typeof value === 'number' && value >= min && value <= max ? value : undefined),
  );
}

function bounds(minimum: number, maximum: number): object {
  return maximum === Infinity ? { minimum } : { minimum, maximum };
}

export function positive(wants: string): Field<number> {
  return simple(wants, { type: 'number', exclusiveMinimum: 0 }, (value) =>
    typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : undefined,
  );
}

export function notNegative(wants: string): Field<number> {
  return simple(wants, { type: 'number', minimum: 0 }, (value) =>
    typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value : undefined,
  );
}

export function flag(): Field<boolean> {
  return simple('true or false', { type: 'boolean' }, (value) =>
    typeof value === 'boolean' ? value : undefined,
  );
}

const textOrNumber = { type: ['string', 'number'] };

/** In milliseconds; a number alone is seconds. */
export function duration(): Field<number> {
  return simple('a time as 30s, 5m or 500ms', textOrNumber, (value) => {
    const ms = typeof value === 'number' ? value * 1000 : parseDuration(String(value));
    return ms !== undefined && ms > 0 && Number.isFinite(ms) ? ms : undefined;
  });
}

/** A number alone is bytes. */
export function size(): Field<number> {
  return simple('a size as 10kB or 1MiB', textOrNumber, (value) => {
    const bytes =
      typeof value === 'number' ? value : parseBytes(String(value).replace(/k(i?B)$/, 'K$1'));
    return bytes !== undefined && Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
  });
}

export function choice<const T extends string>(names: readonly T[]): Field<T> {
  return simple(`one of ${names.join(', ')}`, { enum: names }, (value) =>
    names.find((name) => name === value),
  );
}

/** Of one item at least, unless `countMin` is 0. */
export function list<T>(of: Field<T>, countMax: number, countMin = 1): Field<readonly T[]> {
  const wants = `a list of ${countMin} to ${countMax}, each ${of.wants}`;
  const read = (value: unknown, path: Path) => {
    if (!Array.isArray(value) || value.length < countMin || value.length > countMax) {
      return refuse(path, value, wants);
    }
    return together(value.map((each, index) => () => of.read(each, [...path, index])));
  };
  return { read, wants, schema: { type: 'array', items: of.schema } };
}

/** A list of texts that are never shown. */
export function secretList(each: string, countMax: number): Field<readonly string[]> {
  const of = list(secret(each), countMax);
  const read = (value: unknown, path: Path) => {
    const isList = Array.isArray(value) && value.length > 0 && value.length <= countMax;
    if (isList) return of.read(value, path);
    throw new FieldFault(path, `is no such list; write ${of.wants}`);
  };
  return { ...of, read };
}

/** Names of one's own choice, each with a value of one kind. */
export function table<T>(of: Field<T>): Field<Readonly<Record<string, T>>> {
  const wants = `names, each with ${of.wants}`;
  const read = (value: unknown, path: Path) => {
    if (!isGroup(value)) return refuse(path, value, wants);
    const names = Object.keys(value);
    const values = together(names.map((name) => () => of.read(value[name], [...path, name])));
    return Object.fromEntries(names.map((name, at) => [name, values[at]!]));
  };
  return { read, wants, schema: { type: 'object', additionalProperties: of.schema } };
}

export function optional<T>(of: Field<T>): Field<T | undefined> {
  const read = (value: unknown, path: Path) =>
    value === undefined ? undefined : of.read(value, path);
  return { ...of, read, isOptional: true };
}

export function withDefault<T>(of: Field<T>, fallback: T): Field<T> {
  const read = (value: unknown, path: Path) =>
    value === undefined ? fallback : of.read(value, path);
  return { ...of, read, isOptional: true };
}

/**
 * Keys and what they hold, those of `others` optional; a key that is not named is refused. What is absent has no key in
 * what is read.
 */
export function record<S extends Shape, O extends Shape = Record<never, never>>(
  shape: S,
  others?: O,
): Field<Values<S> & { readonly [K in keyof O]?: Read<O[K]> }> {
  const extra = Object.entries(others ?? {}).map(([name, of]) => [name, optional(of)] as const);
  const fields: Shape = { ...shape, ...Object.fromEntries(extra) };
  const names = Object.keys(fields);
  const needed = names.filter((name) => fields[name]!.isOptional !== true);
  const wants = `keys of ${names.join(', ')}`;
  const schema = {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(names.map((name) => [name, fields[name]!.schema])),
    ...(needed.length === 0 ? {} : { required: needed }),
  };
  const read = (value: unknown, path: Path) =>
    isGroup(value) ? readKeys(fields, needed, value, path) : refuse(path, value, wants);
  return { read: read as never, wants, schema };
}

function readKeys(fields: Shape, needed: readonly string[], value: Group, path: Path): Group {
  const names = Object.keys(fields);
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(fields, key));
  const missing = needed.filter((name) => value[name] === undefined);
  const entries = together([
    ...unknown.map((key) => () => refuseKey([...path, key], key, names)),
    ...missing.map((name) => () => {
      throw new FieldFault(path, `lacks "${name}": write ${fields[name]!.wants}`);
    }),
    ...names
      .filter((name) => !missing.includes(name))
      .map((name) => () => [name, fields[name]!.read(value[name], [...path, name])] as const),
  ]);
  return Object.fromEntries(entries.filter(([, each]) => each !== undefined));
}

type Group = Readonly<Record<string, unknown>>;

function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads all, and throws what is wrong with any of them as one fault. */
function together<T>(reads: readonly (() => T)[]): T[] {
  const faults: FieldFault[] = [];
  const values: T[] = [];
  for (const read of reads) {
    try {
      values.push(read());
    } catch (error) {
      if (!(error instanceof FieldFault)) throw error;
      faults.push(...error.all());
    }
  }
  const [first, ...others] = faults;
  if (first === undefined) return values;
  throw new FieldFault(first.path, first.message, first.isOfKey, others);
}

function refuseKey(path: Path, key: string, known: readonly string[]): never {
  const near = known.find((each) => isNear(key.toLowerCase(), each.toLowerCase()));
  const advice = near === undefined ? `there are ${known.join(', ')}` : `did you mean "${near}"?`;
  throw new FieldFault(path, `is not a key here; ${advice}`, true);
}

/** At most one letter added, left out, wrong or swapped with its neighbour, or one is the beginning of the other. */
function isNear(one: string, other: string): boolean {
  if (one.length > 2 && (one.startsWith(other) || other.startsWith(one))) return true;
  let start = 0;
  while (start < one.length && one[start] === other[start]) start++;
  let end = 0;
  const endMax = Math.min(one.length, other.length) - start;
  while (end < endMax && one.at(-1 - end) === other.at(-1 - end)) end++;
  const left = one.slice(start, one.length - end);
  const right = other.slice(start, other.length - end);
  if (left.length <= 1 && right.length <= 1) return true;
  return left.length === 2 && left === [...right].reverse().join('');
}
