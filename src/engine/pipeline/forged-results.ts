/**
 * Tells Authentication-Results fields that claim to be ours from those of others.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 8601 §2.2 (syntax) and §5 (removing existing fields).
 */

import type { HeaderScan } from '../../mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../mail/formats/headers/unfold.ts';

/** `authservIds` in lower case. What cannot be read as a name is compared as it stands. */
export function isForgedResult(
  scan: HeaderScan,
  field: number,
  authservIds: ReadonlySet<string>,
): boolean {
  return authservIds.has(authservIdOf(unfoldedValue(scan, field)).toLowerCase());
}

const blank = /[\s\u0000-\u0020]/;

/** RFC 8601 §2.2: [CFWS] value [CFWS version], where value is a token or a quoted string. */
function authservIdOf(value: string): string {
  let at = afterComments(value);
  if (value[at] === '"') {
    let text = '';
    for (at++; at < value.length && value[at] !== '"'; at++) {
      if (value[at] === '\\') at++;
      text += value[at] ?? '';
    }
    return text;
  }
  const start = at;
  while (at < value.length && !blank.test(value[at]!) && !'(;'.includes(value[at]!)) at++;
  // A trailing dot names the same host.
  return value.slice(start, at).replace(/\.$/, '');
}

function afterComments(value: string): number {
  let at = 0;
  let depth = 0;
  for (; at < value.length; at++) {
    const char = value[at]!;
    if (char === '\\' && depth > 0) at++;
    else if (char === '(') depth++;
    else if (char === ')' && depth > 0) depth--;
    else if (depth === 0 && !blank.test(char)) break;
  }
  return at;
}
