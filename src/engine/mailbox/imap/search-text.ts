/**
 * Looking for texts in one message's bytes.
 *
 * Runs in:   the engine thread that owns the shard; hot: a search of bodies spends its time here.
 * Specs:     RFC 9051 §6.4.4 (substrings without regard to case, encoded words and transfer encodings undone).
 */

import { view } from '../../../base/bytes.ts';
import { fieldName, isField } from '../../../mail/formats/headers/fields.ts';
import { HeaderScan } from '../../../mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../../mail/formats/headers/unfold.ts';
import { decodeWords } from '../../../mail/formats/headers/words.ts';
import { partText } from '../../../mail/formats/mime/preview.ts';
import { type Part, scanStructure } from '../../../mail/formats/mime/structure.ts';
import { casemap } from '../../../mail/formats/text/casemap.ts';
import type { Needle } from '../../../mail/formats/text/needle.ts';
import type { Criteria } from '../../../mail/wire/imap/search-keys.ts';

/** Keys that only a message's text decides. */
export type TextKey = Extract<Criteria, { op: 'text' | 'header' }>;

/** A message's bytes, or its header's, worked out as far as somebody asks. One object for many messages. */
export class SearchedText {
  #bytes: Uint8Array = new Uint8Array(0);
  readonly #scan = new HeaderScan();
  #isScanned = false;
  #headerText: string | undefined;
  #bodyText: string | undefined;

  open(bytes: Uint8Array): this {
    this.#bytes = bytes;
    this.#isScanned = false;
    this.#headerText = undefined;
    this.#bodyText = undefined;
    return this;
  }

  holds(key: TextKey, needle: Needle): boolean {
    if (key.op === 'header') return this.#hasField(key.field, needle);
    const { place } = key;
    if (place !== 'body' && place !== 'text') return this.#hasField(place, needle);
    if (needle.isEmpty) return true;
    if (place === 'text' && this.#headers().includes(needle.mapped)) return true;
    return this.#body().includes(needle.mapped);
  }

  /** An empty text asks whether the field is there. */
  #hasField(name: string, needle: Needle): boolean {
    const scan = this.#header();
    const field = fieldName(name);
    for (let i = 0; i < scan.count; i++) {
      if (!isField(scan, i, field)) continue;
      if (needle.isEmpty || needle.isIn(decodeWords(unfoldedValue(scan, i)))) return true;
    }
    return false;
  }

  #header(): HeaderScan {
    if (!this.#isScanned) this.#scan.scan(this.#bytes);
    this.#isScanned = true;
    return this.#scan;
  }

  #headers(): string {
    if (this.#headerText === undefined) {
      const scan = this.#header();
      const fields: string[] = [];
      for (let i = 0; i < scan.count; i++) {
        const name = view(scan.bytes).toString('latin1', scan.nameStart(i), scan.nameEnd(i));
        fields.push(`${name}: ${decodeWords(unfoldedValue(scan, i))}`);
      }
      this.#headerText = casemap(fields.join('\n'));
    }
    return this.#headerText;
  }

  #body(): string {
    if (this.#bodyText === undefined) {
      const texts: string[] = [];
      addTexts(this.#bytes, scanStructure(this.#bytes).root, texts);
      this.#bodyText = texts.join('\n');
    }
    return this.#bodyText;
  }
}

function addTexts(bytes: Uint8Array, part: Part, texts: string[]): void {
  if (part.type === 'text') texts.push(casemap(partText(bytes, part, bytes.length)));
  for (const child of part.children) addTexts(bytes, child, texts);
  if (part.message !== undefined) addTexts(bytes, part.message.root, texts);
}
