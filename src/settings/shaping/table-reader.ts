/**
 * Reads the values of one TOML table, and gathers what is wrong with them.
 *
 * Runs in:   anywhere; pure.
 * Invariant: every key of the table was asked for, or is told as unknown by `end`.
 */

import { nearest } from '../fault.ts';
import { quote } from '../field.ts';
import { parseDuration } from '../fields.ts';
import { isDomainName } from '../networks.ts';
import type { ShapingFault } from './fault.ts';
import type { Lines } from './lines.ts';
import { parseRate, type Rate, shapingBounds } from './rules.ts';

export interface FileBeingRead {
  readonly file: string;
  readonly lines: Lines;
  readonly faults: ShapingFault[];
}

export class TableReader {
  readonly #from: FileBeingRead;
  readonly #path: string;
  readonly #table: Readonly<Record<string, unknown>>;
  readonly #asked = new Set<string>();
  #isRight = true;

  constructor(from: FileBeingRead, path: string, table: Readonly<Record<string, unknown>>) {
    this.#from = from;
    this.#path = path;
    this.#table = table;
  }

  /** Where the table stands. */
  get place(): string {
    return `${this.#from.file}:${this.#from.lines.of(this.#path)}`;
  }

  /** Nothing is wrong so far: what is missing was not just told as wrong. */
  get isRight(): boolean {
    return this.#isRight;
  }

  fault(key: string, reason: string, advice: string): void {
    this.#isRight = false;
    const { file, lines, faults } = this.#from;
    const line = lines.of(this.#path, key);
    const path = key === '' ? this.#path : `${this.#path}.${key}`;
    faults.push({ file, line, path, reason, advice });
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#table, key);
  }

  #take(key: string): unknown {
    this.#asked.add(key);
    return Object.hasOwn(this.#table, key) ? this.#table[key] : undefined;
  }

  /** One text, or a list of them; undefined where it is absent or wrong. */
  texts(key: string): readonly string[] | undefined {
    const raw = this.#take(key);
    if (raw === undefined) return undefined;
    const items: unknown[] = Array.isArray(raw) ? raw : [raw];
    const isRight =
      items.length > 0 &&
      items.length <= shapingBounds.itemsMax &&
      items.every((item) => typeof item === 'string' && item !== '');
    if (isRight) return items as string[];
    const most = shapingBounds.itemsMax;
    this.fault(key, `must be a text or a list of up to ${most}, not ${quote(raw)}`, `${key} = "…"`);
    return undefined;
  }

  /** Names of hosts or domains, or what lies below one: `.example.org`. */
  names(key: string): readonly string[] | undefined {
    const items = this.texts(key)?.map((item) => item.toLowerCase());
    const wrong = items?.find((item) => !isDomainName(item.replace(/^\./, '')));
    if (wrong === undefined) return items;
    const advice = 'Write "mx.example.org", or ".example.org" for all below it; no other patterns.';
    this.fault(key, `${quote(wrong)} is no name in A-labels`, advice);
    return undefined;
  }

  text(key: string): string | undefined {
    const raw = this.#take(key);
    if (raw === undefined || (typeof raw === 'string' && raw !== '')) return raw;
    this.fault(key, `must be a text, not ${quote(raw)}`, `${key} = "…"`);
    return undefined;
  }

  flag(key: string): boolean {
    const raw = this.#take(key);
    if (raw === undefined || typeof raw === 'boolean') return raw === true;
    this.fault(key, `must be true or false, not ${quote(raw)}`, `${key} = true`);
    return false;
  }

  number(key: string, least: number, most: number): number | undefined {
    const raw = this.#take(key);
    if (raw === undefined) return undefined;
    if (typeof raw === 'number' && Number.isInteger(raw) && raw >= least && raw <= most) return raw;
    const reason = `must be a whole number from ${least} to ${most}, not ${quote(raw)}`;
    this.fault(key, reason, `${key} = ${least}`);
    return undefined;
  }

  numbers(key: string, least: number, most: number): readonly number[] | undefined {
    const raw = this.#take(key);
    if (raw === undefined) return undefined;
    const items: unknown[] = Array.isArray(raw) ? raw : [raw];
    const isRight =
      items.length > 0 &&
      items.length <= shapingBounds.itemsMax &&
      items.every(
        (item) => Number.isInteger(item) && Number(item) >= least && Number(item) <= most,
      );
    if (isRight) return items as number[];
    const reason = `must be numbers from ${least} to ${most}, not ${quote(raw)}`;
    this.fault(key, reason, `${key} = [421, 450]`);
    return undefined;
  }

  /** Milliseconds of "30m", "2h". */
  span(key: string, mostMs: number = shapingBounds.spanMsMax): number | undefined {
    const raw = this.#take(key);
    if (raw === undefined) return undefined;
    const ms = typeof raw === 'string' ? parseDuration(raw) : undefined;
    if (ms !== undefined && ms >= shapingBounds.spanMsMin && ms <= mostMs) return ms;
    const advice = `Write a number and s, m, h or d, from 1s to ${mostMs / 3_600_000}h: ${key} = "30m"`;
    this.fault(key, `is no such time: ${quote(raw)}`, advice);
    return undefined;
  }

  rate(key: string): Rate | undefined {
    const raw = this.#take(key);
    if (raw === undefined) return undefined;
    const rate = typeof raw === 'string' ? parseRate(raw) : undefined;
    if (rate !== undefined) return rate;
    const advice = `Write a count from 1 and s, min, h or d: ${key} = "100/min"`;
    this.fault(key, `is no rate: ${quote(raw)}`, advice);
    return undefined;
  }

  choice<const T extends string>(key: string, values: readonly T[]): T | undefined {
    const raw = this.#take(key);
    if (raw === undefined) return undefined;
    const value = values.find((each) => each === raw);
    if (value === undefined) {
      this.fault(key, `is not known: ${quote(raw)}`, `Write one of: ${values.join(', ')}.`);
    }
    return value;
  }

  /** Keys nobody asked for are faults. */
  end(): void {
    for (const key of Object.keys(this.#table)) {
      if (this.#asked.has(key)) continue;
      const close = nearest(key, this.#asked);
      const known = [...this.#asked].join(', ');
      const advice = close === undefined ? `Known here: ${known}.` : `Did you mean ${close}?`;
      this.fault(key, 'is not known here', advice);
    }
  }
}
