/**
 * Builders of plain fields: text, numbers, bytes, durations, flags, choices, lists.
 *
 * Runs in:   anywhere; pure.
 */

import { dayMs, gibibyte, hourMs, kibibyte, mebibyte, minuteMs, secondMs } from '../base/units.ts';
import {
  type Field,
  type FieldWords,
  quote,
  type Raw,
  type Reading,
  read,
  tomlText,
  tomlTexts,
  unreadable,
} from './field.ts';

export interface TextOptions extends FieldWords {
  readonly default: string;
  /** Why the text will not do, or undefined. */
  readonly check?: (text: string) => string | undefined;
  readonly bounds?: string;
  readonly example?: string;
}

export function text(options: TextOptions): Field<string> {
  return {
    kind: 'field',
    type: 'text',
    bounds: options.bounds ?? '',
    unit: '',
    ...wordsOf(options),
    default: options.default,
    jsonSchema: { type: 'string' },
    ...(options.example === undefined ? {} : { example: tomlText(options.example) }),
    read(raw) {
      if (typeof raw !== 'string') return unreadable(`must be text, not ${quote(raw)}`);
      if (raw.includes('\0')) return unreadable('must not hold a NUL character');
      const reason = options.check?.(raw);
      return reason === undefined ? read(raw) : unreadable(reason);
    },
    toToml: tomlText,
  };
}

export interface IntegerOptions extends FieldWords {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit?: string;
}

export function integer(options: IntegerOptions): Field<number> {
  return quantity(options, {
    type: 'integer',
    unit: options.unit ?? '',
    jsonSchema: { type: 'integer', minimum: options.min, maximum: options.max },
    say: (value) => groupDigits(value),
    toToml: (value) => String(value),
    parse(text) {
      const digits = text.replaceAll('_', '');
      return /^[+-]?\d{1,15}$/.test(digits) ? Number(digits) : undefined;
    },
    form: 'a whole number',
  });
}

export interface BoundOptions extends FieldWords {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

const byteUnits: readonly (readonly [string, number])[] = [
  ['GiB', gibibyte],
  ['MiB', mebibyte],
  ['KiB', kibibyte],
];

/** A number of bytes, or text as `64MiB`. */
export function bytes(options: BoundOptions): Field<number> {
  return quantity(options, {
    type: 'bytes',
    unit: 'bytes',
    jsonSchema: {
      anyOf: [
        { type: 'integer', minimum: options.min, maximum: options.max },
        { type: 'string', pattern: '^[0-9]+ ?([KMG]iB|[KMG]B|B)?$' },
      ],
    },
    say: (value) => withUnit(value, byteUnits, ' bytes'),
    toToml: (value) => tomlQuantity(value, byteUnits),
    parse: parseBytes,
    form: 'bytes, as 1000, "64MiB" or "10MB"',
  });
}

const durationUnits: readonly (readonly [string, number])[] = [
  ['d', dayMs],
  ['h', hourMs],
  ['m', minuteMs],
  ['s', secondMs],
];

/** A number of milliseconds, or text as `30s`. */
export function duration(options: BoundOptions): Field<number> {
  return quantity(options, {
    type: 'duration',
    unit: 'ms',
    jsonSchema: {
      anyOf: [
        { type: 'integer', minimum: options.min, maximum: options.max },
        { type: 'string', pattern: '^[0-9]+ ?(ms|s|m|h|d)?$' },
      ],
    },
    say: (value) => withUnit(value, durationUnits, 'ms'),
    toToml: (value) => tomlQuantity(value, durationUnits),
    parse: parseDuration,
    form: 'a duration, as "30s", "5m", "4h", "2d", or a number of milliseconds',
  });
}

export function flag(options: FieldWords & { readonly default: boolean }): Field<boolean> {
  return {
    kind: 'field',
    type: 'flag',
    bounds: 'true or false',
    unit: '',
    ...wordsOf(options),
    default: options.default,
    jsonSchema: { type: 'boolean' },
    read(raw) {
      if (raw === true || raw === 'true') return read(true);
      if (raw === false || raw === 'false') return read(false);
      return unreadable(`must be true or false, not ${quote(raw)}`);
    },
    toToml: (value) => String(value),
  };
}

export function choice<const V extends readonly string[]>(
  options: FieldWords & { readonly values: V; readonly default: V[number] },
): Field<V[number]> {
  const list = options.values.map((value) => `"${value}"`).join(', ');
  return {
    kind: 'field',
    type: 'choice',
    bounds: `one of ${list}`,
    unit: '',
    ...wordsOf(options),
    default: options.default,
    jsonSchema: { enum: options.values },
    read(raw) {
      return typeof raw === 'string' && options.values.includes(raw)
        ? read(raw)
        : unreadable(`must be one of ${list}, not ${quote(raw)}`);
    },
    toToml: tomlText,
  };
}

export interface ListOptions<T> extends FieldWords {
  readonly type: string;
  readonly bounds?: string;
  readonly default: readonly T[];
  readonly example?: string;
  readItem(text: string): Reading<T>;
  write(item: T): string;
}

/** A TOML array of texts, or one text with commas. Every bad item is named. */
export function list<T>(options: ListOptions<T>): Field<readonly T[]> {
  return {
    kind: 'field',
    type: options.type,
    bounds: options.bounds ?? '',
    unit: '',
    ...wordsOf(options),
    default: options.default,
    jsonSchema: {
      anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, uniqueItems: true }],
    },
    ...(options.example === undefined ? {} : { example: options.example }),
    read(raw) {
      const texts = textsOf(raw);
      if (texts === undefined) {
        return unreadable(`must be a list of texts or one text with commas, not ${quote(raw)}`);
      }
      return readEach(texts, options.readItem);
    },
    toToml: (items) => tomlTexts(items.map(options.write)),
  };
}

/** Items of a list in either of its two forms; undefined where it is neither. */
export function textsOf(raw: Raw): readonly string[] | undefined {
  if (Array.isArray(raw)) {
    return raw.every((item) => typeof item === 'string')
      ? raw.map((item) => item.trim())
      : undefined;
  }
  if (typeof raw !== 'string') return undefined;
  return raw.trim() === '' ? [] : raw.split(',').map((item) => item.trim());
}

function readEach<T>(
  texts: readonly string[],
  readItem: (text: string) => Reading<T>,
): Reading<readonly T[]> {
  const values: T[] = [];
  const reasons: string[] = [];
  for (const item of texts) {
    const reading = readItem(item);
    if (reading.ok) values.push(reading.value);
    else reasons.push(...reading.reasons);
  }
  return reasons.length > 0 ? unreadable(...reasons) : read(values);
}

export function wordsOf(options: FieldWords): FieldWords {
  const { doc, spec, reload } = options;
  return spec === undefined ? { doc, reload } : { doc, spec, reload };
}

export function parseBytes(text: string): number | undefined {
  const match = /^(\d[\d_]{0,17}) ?(?:([KMG])(i?)B|B)?$/.exec(text.trim());
  if (match === null) return undefined;
  const power = match[2] === undefined ? 0 : 'KMG'.indexOf(match[2]) + 1;
  return Number(match[1]!.replaceAll('_', '')) * (match[3] === 'i' ? 1024 : 1000) ** power;
}

export function parseDuration(text: string): number | undefined {
  const match = /^(\d[\d_]{0,17}) ?(ms|s|m|h|d)?$/.exec(text.trim());
  if (match === null) return undefined;
  const unit = durationUnits.find(([name]) => name === match[2]);
  return Number(match[1]!.replaceAll('_', '')) * (unit?.[1] ?? 1);
}

interface QuantityForm {
  readonly type: string;
  readonly unit: string;
  readonly form: string;
  readonly jsonSchema: Readonly<Record<string, unknown>>;
  say(value: number): string;
  toToml(value: number): string;
  parse(text: string): number | undefined;
}

function quantity(options: BoundOptions, form: QuantityForm): Field<number> {
  return {
    kind: 'field',
    type: form.type,
    bounds: `${form.say(options.min)} to ${form.say(options.max)}`,
    unit: form.unit,
    ...wordsOf(options),
    default: options.default,
    jsonSchema: form.jsonSchema,
    read(raw) {
      const value = typeof raw === 'string' ? form.parse(raw) : raw;
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
        return unreadable(`must be ${form.form}, not ${quote(raw)}`);
      }
      if (value < options.min) return unreadable(`must be at least ${form.say(options.min)}`);
      if (value > options.max) return unreadable(`must be at most ${form.say(options.max)}`);
      return read(value);
    },
    toToml: form.toToml,
  };
}

function groupDigits(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

function withUnit(
  value: number,
  units: readonly (readonly [string, number])[],
  smallest: string,
): string {
  for (const [name, size] of units) {
    if (value !== 0 && value % size === 0) return `${groupDigits(value / size)}${name}`;
  }
  return value === 0 ? '0' : `${groupDigits(value)}${smallest}`;
}

function tomlQuantity(value: number, units: readonly (readonly [string, number])[]): string {
  for (const [name, size] of units) {
    if (value !== 0 && value % size === 0) return `"${value / size}${name}"`;
  }
  return String(value);
}
