/**
 * What one setting is: its type, default, bounds, unit, words, and how text and TOML become its value.
 *
 * Runs in:   anywhere; pure.
 * Invariant: a field's `default` passes its own `read`.
 */

export type Reload = 'live' | 'restart';

/** What a source gave for a setting: TOML's own types, or text from the environment and `--set`. */
export type Raw = unknown;

export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reasons: readonly string[] };

export interface FieldWords {
  /** Sentences for operators; they stand in the example file and the reference page. */
  readonly doc: string;
  /** Section of an RFC the setting acts for. */
  readonly spec?: string;
  /** Whether SIGHUP applies a new value, or only a restart. */
  readonly reload: Reload;
}

export interface Field<T> extends FieldWords {
  readonly kind: 'field';
  /** The type in an operator's words: `bytes`, `list of networks`. */
  readonly type: string;
  /** Bounds and allowed values in words; "" where there are none. */
  readonly bounds: string;
  readonly unit: string;
  readonly default: T;
  /** JSON Schema of what the TOML file may say. */
  readonly jsonSchema: Readonly<Record<string, unknown>>;
  read(raw: Raw): Reading<T>;
  /** The value as a TOML literal that `read` gives back. */
  toToml(value: T): string;
  /** A TOML literal worth showing where the default says nothing (an empty list). */
  readonly example?: string;
}

export type Entry = Field<unknown> | Section<Entries>;
export interface Entries {
  readonly [name: string]: Entry;
}

export interface Section<E extends Entries> {
  readonly kind: 'section';
  readonly doc: string;
  readonly entries: E;
}

/** The settings a section leads to. */
export type ValueOf<E> = E extends { readonly kind: 'field'; readonly default: infer T }
  ? T
  : E extends { readonly kind: 'section'; readonly entries: infer S }
    ? { readonly [K in keyof S]: ValueOf<S[K]> }
    : never;

export function section<const E extends Entries>(doc: string, entries: E): Section<E> {
  return { kind: 'section', doc, entries };
}

export interface PlacedField {
  readonly path: string;
  readonly field: Field<unknown>;
}

/** All fields below a section with their dotted paths, in the order they are written. */
export function* fieldsOf(from: Section<Entries>, prefix = ''): IterableIterator<PlacedField> {
  for (const [name, entry] of Object.entries(from.entries)) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (entry.kind === 'field') yield { path, field: entry };
    else yield* fieldsOf(entry, path);
  }
}

export const read = <T>(value: T): Reading<T> => ({ ok: true, value });
export const unreadable = (...reasons: string[]): Reading<never> => ({ ok: false, reasons });

/** A raw value as a fault quotes it. */
export function quote(raw: Raw): string {
  const text = typeof raw === 'string' ? `"${raw}"` : (JSON.stringify(raw) ?? String(raw));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

export const tomlText = (text: string): string => JSON.stringify(text);
export const tomlTexts = (texts: readonly string[]): string =>
  `[${texts.map(tomlText).join(', ')}]`;
