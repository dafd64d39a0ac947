/**
 * What the header of one part says about its body.
 *
 * Runs in:   engine threads and jobs; pure.
 * Specs:     RFC 2045 (type, encoding, id, description), RFC 2183 (disposition), RFC 1864 (MD5), RFC 3282 (language),
 *            RFC 2557 (location).
 * Invariant: never throws; a type that cannot be read is text/plain in us-ascii (RFC 2045 §5.2).
 */

import { fieldName, isField } from '../headers/fields.ts';
import { type Parameterised, parameter, parseParameterised } from '../headers/parameters.ts';
import type { HeaderScan } from '../headers/scan.ts';
import { unfoldedValue } from '../headers/unfold.ts';

export interface PartFields {
  /** In lower case. */
  readonly type: string;
  readonly subtype: string;
  readonly contentType: Parameterised;
  /** In lower case; `7bit` where nothing is said. */
  readonly encoding: string;
  /** Its value in lower case. */
  readonly disposition?: Parameterised;
  readonly id?: string;
  readonly description?: string;
  readonly md5?: string;
  readonly language?: string;
  readonly location?: string;
}

const names = {
  contentType: fieldName('content-type'),
  encoding: fieldName('content-transfer-encoding'),
  disposition: fieldName('content-disposition'),
  id: fieldName('content-id'),
  description: fieldName('content-description'),
  md5: fieldName('content-md5'),
  language: fieldName('content-language'),
  location: fieldName('content-location'),
} as const;
type Name = keyof typeof names;
const nameList = Object.entries(names) as (readonly [Name, (typeof names)[Name]])[];

const plainText: Parameterised = {
  value: 'text/plain',
  parameters: [{ name: 'charset', value: 'us-ascii' }],
};
const enclosedMessage: Parameterised = { value: 'message/rfc822', parameters: [] };
const typePattern = /^([!#$%&'*+\-.^_`{|}~\w]{1,127})\/([!#$%&'*+\-.^_`{|}~\w]{1,127})(?=$|\s)/;
const encodingPattern = /^[!#$%&'*+\-.^_`{|}~\w]{1,60}/;

export function readPartFields(scan: HeaderScan, defaultSubtype: 'plain' | 'rfc822'): PartFields {
  const texts = contentTexts(scan);
  const fallback = defaultSubtype === 'plain' ? plainText : enclosedMessage;
  const contentType = readContentType(texts.contentType, fallback);
  const [type = '', subtype = ''] = contentType.value.split('/');
  const disposition =
    texts.disposition === undefined ? undefined : parseParameterised(texts.disposition);
  return {
    type,
    subtype,
    contentType,
    encoding: encodingPattern.exec(texts.encoding ?? '')?.[0].toLowerCase() ?? '7bit',
    ...(disposition === undefined || disposition.value === ''
      ? {}
      : { disposition: { ...disposition, value: disposition.value.toLowerCase() } }),
    ...present('id', texts.id),
    ...present('description', texts.description),
    ...present('md5', texts.md5),
    ...present('language', texts.language),
    ...present('location', texts.location),
  };
}

function readContentType(text: string | undefined, fallback: Parameterised): Parameterised {
  if (text === undefined) return fallback;
  const parsed = parseParameterised(text);
  const match = typePattern.exec(parsed.value);
  if (match === null) return plainText;
  const contentType = { value: match[0].toLowerCase(), parameters: parsed.parameters };
  // A multipart without a boundary has no parts: its text is all there is.
  const isMultipart = contentType.value.startsWith('multipart/');
  return isMultipart && !parameter(contentType.parameters, 'boundary')?.trimEnd()
    ? plainText
    : contentType;
}

/** The first field of each kind, unfolded. */
function contentTexts(scan: HeaderScan): Partial<Record<Name, string>> {
  const texts: Partial<Record<Name, string>> = {};
  for (let field = 0; field < scan.count; field++) {
    // `content-md5`, the shortest, has 11 letters; all start with a c.
    const start = scan.nameStart(field);
    if (scan.nameEnd(field) - start < 10 || (scan.bytes[start]! | 32) !== 0x63) continue;
    for (const [key, name] of nameList) {
      if (texts[key] === undefined && isField(scan, field, name)) {
        texts[key] = unfoldedValue(scan, field);
        break;
      }
    }
  }
  return texts;
}

function present<K extends string>(key: K, text: string | undefined): { [P in K]?: string } {
  return text === undefined || text === '' ? {} : ({ [key]: text } as { [P in K]: string });
}
