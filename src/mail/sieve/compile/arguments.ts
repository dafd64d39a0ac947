/**
 * The arguments of one command or test, checked against its declaration.
 *
 * Runs in:   anywhere.
 * Invariant: what its spec does not declare is not in it; what it demands is.
 */

import type { Key, Matching } from '../compare/match.ts';
import { SieveFault } from '../fault.ts';
import { isConstant, type Text } from './text.ts';

export type ArgumentValue = number | true | readonly Text[];

export class Arguments {
  readonly at: number;
  /** Tags with a colon before their names. */
  readonly #values: ReadonlyMap<string, ArgumentValue>;
  readonly #places: ReadonlyMap<string, number>;
  /** Undefined: it takes no keys. */
  readonly matching: Matching | undefined;
  /** Undefined: they name variables, and are made when the test is run. */
  readonly keys: readonly Key[] | undefined;
  readonly keyTexts: readonly Text[];

  constructor(parts: {
    at: number;
    values: ReadonlyMap<string, ArgumentValue>;
    places: ReadonlyMap<string, number>;
    matching: Matching | undefined;
    keys: readonly Key[] | undefined;
    keyTexts: readonly Text[];
  }) {
    this.at = parts.at;
    this.#values = parts.values;
    this.#places = parts.places;
    this.matching = parts.matching;
    this.keys = parts.keys;
    this.keyTexts = parts.keyTexts;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  number(name: string): number {
    return this.#values.get(name) as number;
  }

  text(name: string): Text {
    return (this.#values.get(name) as readonly Text[])[0]!;
  }

  optionalText(name: string): Text | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  texts(name: string): readonly Text[] {
    return this.#values.get(name) as readonly Text[];
  }

  /** The text where it is known before the run. */
  constant(name: string): string | undefined {
    const text = this.optionalText(name);
    return text !== undefined && isConstant(text) ? text : undefined;
  }

  /** Those texts that are known before the run. */
  constants(name: string): readonly string[] {
    return this.has(name) ? this.texts(name).filter(isConstant) : [];
  }

  /** A fault at an argument's own place. */
  fault(name: string, message: string): SieveFault {
    return new SieveFault(this.#places.get(name) ?? this.at, message);
  }

  /** As `fault`, for what no variable may be in. */
  demandConstant(name: string): string {
    const text = this.constant(name);
    if (text === undefined) throw this.fault(name, 'no variables may stand here');
    return text;
  }
}
