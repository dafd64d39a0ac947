/**
 * Finds why a message was not delivered in a bounce that is words only, as qmail, Exim, old Postfix and Exchange write.
 *
 * Runs in:   engine threads; pure.
 * Limits:    `linesMax` lines, `lineLengthMax` of each; what comes after the message's own text begins is not read.
 * Invariant: each line is looked at once, by patterns without repetition inside repetition.
 */

import { classOf } from '../../wire/smtp/response-class.ts';

const linesMax = 2_000;
const lineLengthMax = 1_000;
const wordsLengthMax = 300;

/** From here on the returned message speaks: its words say nothing of the failure. */
const originalMarks = [
  '--- below this line is a copy',
  '------ this is a copy of',
  '--- the header of the original',
  '----- original message',
  '----- message header follows',
  'original message headers',
  'original message follows',
];

const enhancedCode = /(?:^|[^\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])/;
const replyCode = /(?:^|[^\d.-])([45]\d\d)[ -]/;

export interface FailureText {
  /** RFC 3463, "" where none was said. */
  readonly status: string;
  readonly words: string;
}

/** Undefined where the text tells of no failure. */
export function failureIn(text: string): FailureText | undefined {
  let spoken: FailureText | undefined;
  let at = 0;
  for (let count = 0; count < linesMax && at < text.length; count++) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, Math.min(end < 0 ? text.length : end, at + lineLengthMax)).trim();
    at = end < 0 ? text.length : end + 1;
    if (line === '') continue;
    const lower = line.toLowerCase();
    if (originalMarks.some((mark) => lower.includes(mark))) break;
    const words = line.slice(0, wordsLengthMax);
    const enhanced = enhancedCode.exec(line)?.[1];
    if (enhanced !== undefined) return { status: enhanced, words };
    const code = replyCode.exec(line)?.[1];
    // A code alone may be a number like any other; with a reason beside it, or in the words of a server, it is none.
    if (
      code !== undefined &&
      (classOfWords(line) || /said|replied|returned|respon|#/i.test(line))
    ) {
      return { status: `${code[0]}.0.0`, words };
    }
    if (spoken === undefined && classOfWords(line)) spoken = { status: '', words };
  }
  return spoken;
}

/** Whether its words alone name a reason. */
function classOfWords(line: string): boolean {
  return (
    classOf({ code: 500, enhanced: '', text: line }) !==
    classOf({ code: 500, enhanced: '', text: '' })
  );
}
