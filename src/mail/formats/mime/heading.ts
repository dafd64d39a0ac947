/**
 * Subject and sender out of a stored ENVELOPE, for lists that people read.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 9051 §7.5.2 (envelope: date, subject, from as lists of name, route, mailbox, host).
 */

import { view } from '../../../base/bytes.ts';
import { decodeWords } from '../headers/words.ts';

export interface Heading {
  readonly subject: string;
  /** Its address; "" where there is none. */
  readonly from: string;
}

const textLengthMax = 255;
/** A word of an envelope: a quoted string, a literal's head, or anything else up to a space or parenthesis. */
const word = /"(?:[^"\\]|\\.)*"|\{(\d+)\}\r\n|[()]|[^\s()"]+/gs;

export function headingOf(envelope: Uint8Array | undefined): Heading {
  const words = envelope === undefined ? [] : firstWords(view(envelope).toString('utf8'));
  const [, , subject = '', list, , , , mailbox = '', host = ''] = words;
  const from = list === '(' && host !== '' ? `${mailbox}@${host}` : '';
  return { subject: cut(decodeWords(subject)), from: cut(from) };
}

/** `(`, date, subject, `(`, `(`, name, route, mailbox, host: without quotes, NIL as "". */
function firstWords(text: string): string[] {
  const words: string[] = [];
  const search = new RegExp(word);
  for (
    let found = search.exec(text);
    found !== null && words.length < 9;
    found = search.exec(text)
  ) {
    const [whole, literal] = found;
    if (literal !== undefined) {
      // Its length is in octets; what it says is cut anyway.
      const bytes = Buffer.from(text.slice(search.lastIndex), 'utf8').subarray(0, Number(literal));
      const said = bytes.toString('utf8');
      search.lastIndex += said.length;
      words.push(said);
    } else if (whole.startsWith('"')) words.push(whole.slice(1, -1).replace(/\\(.)/gs, '$1'));
    else words.push(whole.toUpperCase() === 'NIL' ? '' : whole);
  }
  return words;
}

function cut(text: string): string {
  return text.slice(0, textLengthMax);
}
