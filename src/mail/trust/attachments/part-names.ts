/**
 * What a part of a message is called: every name that a mail program might go by.
 *
 * Runs in:   engine threads and jobs; pure.
 * Specs:     RFC 2183 §2.3 (filename), RFC 2045 §5.1 (name), RFC 2231 (names in pieces).
 * Invariant: a field that is there twice, or is wrong but for its names, gives its names: programs differ in which they
 *            read.
 */

import { fieldName, isField } from '../../formats/headers/fields.ts';
import { parameter, parseParameterised } from '../../formats/headers/parameters.ts';
import { HeaderScan } from '../../formats/headers/scan.ts';
import { unfoldedValue } from '../../formats/headers/unfold.ts';
import { decodeWords } from '../../formats/headers/words.ts';
import type { Part } from '../../formats/mime/structure.ts';

const fields = ['content-disposition', 'content-type'].map(fieldName);

export interface PartNames {
  /** Each once; none: it has no name. */
  readonly names: readonly string[];
  /** Its header is larger than is read: there may be more. */
  readonly isCut: boolean;
}

export function namesOf(message: Uint8Array, { headerStart, bodyEnd }: Part): PartNames {
  const names = new Set<string>();
  const scan = new HeaderScan();
  const isWhole = scan.scan(message, undefined, headerStart, bodyEnd);
  for (const wanted of fields) {
    for (let field = 0; field < scan.count; field++) {
      if (isField(scan, field, wanted)) addNames(names, unfoldedValue(scan, field));
    }
  }
  names.delete('');
  return { names: [...names], isCut: !isWhole };
}

function addNames(names: Set<string>, value: string): void {
  const { parameters } = parseParameterised(value);
  for (const name of ['filename', 'name']) {
    const found = parameter(parameters, name);
    if (found !== undefined) names.add(decodeWords(found));
    // Beside a name in pieces, for programs that know none, or written twice.
    for (const { name: of, value: plain } of parameters) {
      if (of === name) names.add(decodeWords(plain));
    }
  }
}
