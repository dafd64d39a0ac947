/**
 * The fields of a header as a script sees and edits them.
 *
 * Runs in:   engine threads and jobs.
 * Specs:     RFC 5228 §5.7 (values are decoded and trimmed), RFC 5293 (edits; fields are counted by name, from 1).
 * Limits:    those of the scan: a header that meets one is seen up to there.
 */

import { Buffer } from 'node:buffer';
import { nameOf } from '../../formats/headers/fields.ts';
import type { HeaderScan } from '../../formats/headers/scan.ts';
import { unfoldedValue } from '../../formats/headers/unfold.ts';
import { decodeWords } from '../../formats/headers/words.ts';

interface Field {
  /** In lower case. */
  readonly name: string;
  /** Unfolded and trimmed; encoded words as they are. */
  readonly raw: string;
  /** Of the whole field with its line break. */
  readonly octets: number;
  text?: string;
}

export class HeaderList {
  readonly #fields: Field[];
  /** Made when first asked for, and again after an edit. */
  #byName: Map<string, Field[]> | undefined;
  /** Octets that edits have added, below 0 where they took away. */
  growth = 0;

  constructor(scan: HeaderScan) {
    this.#fields = [];
    for (let field = 0; field < scan.count; field++) {
      const name = nameOf(scan, field).toLowerCase();
      if (name === '') continue;
      const octets = scan.rawEnd(field) - scan.nameStart(field);
      this.#fields.push({ name, raw: unfoldedValue(scan, field), octets });
    }
  }

  has(name: string): boolean {
    return this.#named(name).length > 0;
  }

  /** Values with encoded words, as addresses, dates and parameters are read from. */
  raw(name: string): readonly string[] {
    return this.#named(name).map(({ raw }) => raw);
  }

  /** Values as text. */
  texts(name: string): readonly string[] {
    return this.#named(name).map((field) => {
      field.text ??= decodeWords(field.raw).trim();
      return field.text;
    });
  }

  add(name: string, value: string, isLast: boolean): void {
    const octets = Buffer.byteLength(`${name}: ${value}\r\n`, 'utf8');
    const field = { name: name.toLowerCase(), raw: value, text: value, octets };
    this.growth += octets;
    this.#byName = undefined;
    if (isLast) this.#fields.push(field);
    else this.#fields.unshift(field);
  }

  /** `index` counts the fields of that name from 1. */
  delete(name: string, index: number): void {
    const field = this.#named(name)[index - 1];
    if (field === undefined) return;
    this.#byName = undefined;
    this.#fields.splice(this.#fields.indexOf(field), 1);
    this.growth -= field.octets;
  }

  #named(name: string): readonly Field[] {
    this.#byName ??= Map.groupBy(this.#fields, (field) => field.name);
    return this.#byName.get(name.toLowerCase()) ?? [];
  }
}
