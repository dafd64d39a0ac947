/**
 * Text that is normalised in linear time, whatever somebody wrote: the marks of one letter are sorted, and hundreds of
 * thousands of them take minutes.
 *
 * Runs in:   anywhere; pure; linear.
 * Specs:     UAX #15 §13 (stream-safe text: a joiner behind each 30 characters that combine).
 */

const runMax = 30;
/** Marks, and the two letters that are turned into marks. */
const combining = '[\\p{M}\\uff9e\\uff9f]';
const longRuns = new RegExp(`(${combining}{${runMax}})(?=${combining})`, 'gu');
/** One unit of what is longer than a run may be; halves of characters are taken for such. */
const ofLongRun = /[\p{M}\uff9e\uff9f\ud800-\udfff]/u;
const marksFrom = 0x300;
const joiner = '\u034f';

/** The text itself where no letter has more than `runMax` marks. */
export function streamSafe(text: string): string {
  return mayHaveLongRuns(text) ? text.replace(longRuns, `$1${joiner}`) : text;
}

/** One in so many units is in each long run: the others need no look. */
function mayHaveLongRuns(text: string): boolean {
  for (let at = runMax; at < text.length; at += runMax + 1) {
    if (text.charCodeAt(at) >= marksFrom && ofLongRun.test(text[at]!)) return true;
  }
  return false;
}
