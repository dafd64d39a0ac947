/**
 * UIDs as a FETCH names them.
 *
 * Runs in:   the CLI's process; pure.
 * Specs:     RFC 9051 §9 (sequence-set).
 */

/** `1:3,7`. */
export function rangesOf(uids: readonly number[]): string {
  const ranges: string[] = [];
  for (let first = 0; first < uids.length; ) {
    let last = first;
    while (uids[last + 1] === uids[last]! + 1) last++;
    ranges.push(first === last ? `${uids[first]}` : `${uids[first]}:${uids[last]}`);
    first = last + 1;
  }
  return ranges.join(',');
}
