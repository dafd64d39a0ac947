/**
 * What keeps normalising in linear time, whatever somebody wrote: the marks of one letter are sorted by comparing each
 * with each, and hundreds of thousands of them take minutes.
 *
 * Runs in:   anywhere; pure; linear.
 * Specs:     UAX #15 §13 (stream-safe text: a joiner behind each 30 characters that combine).
 * Limits:    names of `nameLengthMax`.
 */

const runMax = 30;
/** Marks but the joiner, and the two letters that are turned into marks. */
const combining = '[[\\p{M}\\uff9e\\uff9f]--\\u034f]';
const longRuns = new RegExp(`(${combining}{${runMax}})(?=${combining})`, 'gv');
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

/** Longer than anything that is named: of mailboxes, scripts, accounts. */
const nameLengthMax = 2_048;

/** A name in NFC. One that is too long in any form stays as it is. */
export function composed(name: string): string {
  return name.length > nameLengthMax ? name : name.normalize('NFC');
}
