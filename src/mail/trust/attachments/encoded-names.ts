/**
 * Names of files that stand in text itself, encoded as mail had it before MIME: programs still take them out.
 *
 * Runs in:   engine threads and jobs; pure, linear.
 * Specs:     POSIX uuencode (`begin mode name`).
 * Limits:    `namesMax` of one text.
 */

import { view } from '../../../base/bytes.ts';

const namesMax = 100;
const lineMax = 300;
const mark = 'begin';
const header = /^begin(?:-base64)? [0-7]{3,4} +(.+)/;
const lineFeed = 10;

export function encodedNames(text: Uint8Array): readonly string[] {
  const all = view(text);
  const names: string[] = [];
  let at = all.indexOf(mark);
  for (; at >= 0 && names.length < namesMax; at = all.indexOf(mark, at + mark.length)) {
    if (at > 0 && all[at - 1] !== lineFeed) continue;
    const name = header.exec(all.toString('utf8', at, at + lineMax))?.[1];
    if (name !== undefined) names.push(name);
  }
  return names;
}
