/**
 * Patterns with `*` for any text, without regard to case.
 *
 * Runs in:   sink; pure.
 * Invariant: the time is linear in the text for each part of the pattern: clients choose the text.
 */

export interface Glob {
  test(text: string): boolean;
}

export function globPattern(glob: string): Glob {
  const [first = '', ...rest] = glob.toLowerCase().split('*');
  const last = rest.pop();
  return { test: (text) => fits(text.toLowerCase(), first, rest, last) };
}

function fits(text: string, first: string, middle: readonly string[], last?: string): boolean {
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  // The earliest place for a part leaves the most room for those behind it.
  for (const part of middle) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
