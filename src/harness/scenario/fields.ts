/**
 * Small readers of values that make up a scenario's schema: each says what it wants where it finds something else.
 *
 * Runs in: load generator; pure.
 */

import { parseBytes, parseDuration } from '../../settings/fields.ts';

export type Path = readonly (string | number)[];

/** What is wrong, where, and what to do. */
export class ScenarioFault extends Error {
  readonly path: Path;
  /** Whether the key itself is wrong, not its value. */
  readonly isOfKey: boolean;

  constructor(path: Path, message: string, isOfKey = false) {
    super(message);
    this.path = path;
    this.isOfKey = isOfKey;
  }
}

export interface Field<T> {
  readonly read: (value: unknown, path: Path) => T;
  /** As a person would ask for it: "a number from 1 to 64". */
  readonly wants: string;
  /** Makes something of nothing. */
  readonly isOptional?: true;
}

type Shape = Readonly<Record<string, Field<unknown>>>;
type Values<S extends Shape> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };

function refuse(path: Path, value: unknown, wants: string): never {
  const shown = JSON.stringify(value, masked) ?? 'nothing';
  throw new ScenarioFault(path, `is ${shown.slice(0, 60)}; write ${wants}`);
}

/** What is wrong is told in terminals and logs of CI. */
function masked(key: string, value: unknown): unknown {
  return key === 'password' ? '…' : value;
}

/** A text that is never shown. */
export function secret(wants: string): Field<string> {
  const read = (value: unknown, path: Path) => {
    if (typeof value === 'string' && value !== '') return value;
    throw new ScenarioFault(path, `is no text; write ${wants}, in quotes`);
  };
  return { read, wants };
}

export function text(wants = 'a text'): Field<string> {
  const read = (value: unknown, path: Path) =>
    typeof value === 'string' && value !== '' ? value : refuse(path, value, wants);
  return { read, wants };
}

/** A text that must pass `isGood` as well. */
export function suited({ read, wants }: Field<string>, isGood: (value: string) => boolean) {
  const suitedRead = (value: unknown, path: Path) => {
    const given = read(value, path);
    return isGood(given) ? given : refuse(path, given, wants);
  };
  return { read: suitedRead, wants };
}

export function whole(min: number, max: number): Field<number> {
  const wants = `a whole number from ${min} to ${max}`;
  const read = (value: unknown, path: Path) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? (value as number)
      : refuse(path, value, wants);
  return { read, wants };
}

export function positive(wants: string): Field<number> {
  const read = (value: unknown, path: Path) =>
    typeof value === 'number' && value > 0 && Number.isFinite(value)
      ? value
      : refuse(path, value, wants);
  return { read, wants };
}

export function notNegative(wants: string): Field<number> {
  const read = (value: unknown, path: Path) =>
    typeof value === 'number' && value >= 0 && Number.isFinite(value)
      ? value
      : refuse(path, value, wants);
  return { read, wants };
}

export function flag(): Field<boolean> {
  const wants = 'true or false';
  const read = (value: unknown, path: Path) =>
    typeof value === 'boolean' ? value : refuse(path, value, wants);
  return { read, wants };
}

/** In milliseconds; a number alone is seconds. */
export function duration(): Field<number> {
  const wants = 'a time as 30s, 5m or 500ms';
  const read = (value: unknown, path: Path) => {
    const ms = typeof value === 'number' ? value * 1000 : parseDuration(String(value));
    return ms !== undefined && ms > 0 && Number.isFinite(ms) ? ms : refuse(path, value, wants);
  };
  return { read, wants };
}

/** A number alone is bytes. */
export function size(): Field<number> {
  const wants = 'a size as 10kB or 1MiB';
  const read = (value: unknown, path: Path) => {
    const bytes =
      typeof value === 'number' ? value : parseBytes(String(value).replace(/k(i?B)$/, 'K$1'));
    return bytes !== undefined && Number.isSafeInteger(bytes) && bytes > 0
      ? bytes
      : refuse(path, value, wants);
  };
  return { read, wants };
}

export function choice<const T extends string>(names: readonly T[]): Field<T> {
  const wants = `one of ${names.join(', ')}`;
  const read = (value: unknown, path: Path) =>
    names.find((name) => name === value) ?? refuse(path, value, wants);
  return { read, wants };
}

export function list<T>(of: Field<T>, countMax: number): Field<readonly T[]> {
  const wants = `a list of 1 to ${countMax}, each ${of.wants}`;
  const read = (value: unknown, path: Path) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > countMax) {
      return refuse(path, value, wants);
    }
    return value.map((each, index) => of.read(each, [...path, index]));
  };
  return { read, wants };
}

export function optional<T>(of: Field<T>): Field<T | undefined> {
  const read = (value: unknown, path: Path) =>
    value === undefined ? undefined : of.read(value, path);
  return { read, wants: of.wants, isOptional: true };
}

export function withDefault<T>(of: Field<T>, fallback: T): Field<T> {
  const read = (value: unknown, path: Path) =>
    value === undefined ? fallback : of.read(value, path);
  return { read, wants: of.wants, isOptional: true };
}

/** Keys and what they hold; a key that is not named is refused. */
export function record<S extends Shape>(shape: S): Field<Values<S>> {
  const names = Object.keys(shape);
  const wants = `keys of ${names.join(', ')}`;
  const read = (value: unknown, path: Path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return refuse(path, value, wants);
    }
    for (const key of Object.keys(value)) {
      if (Object.hasOwn(shape, key)) continue;
      const message = `is not a key here; there are ${names.join(', ')}`;
      throw new ScenarioFault([...path, key], message, true);
    }
    const given = value as Record<string, unknown>;
    const entries = names.map((name) => {
      const field = shape[name]!;
      if (given[name] === undefined && field.isOptional !== true) {
        throw new ScenarioFault(path, `lacks "${name}": write ${field.wants}`);
      }
      return [name, field.read(given[name], [...path, name])];
    });
    return Object.fromEntries(entries) as Values<S>;
  };
  return { read, wants };
}
