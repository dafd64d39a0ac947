/**
 * What is wrong with a script, and where.
 *
 * Runs in:   anywhere.
 * Invariant: nothing but a `SieveFault` leaves the parser, the compiler or a run, whatever they are given.
 */

export interface SievePlace {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
}

export class SieveFault extends Error {
  override readonly name = 'SieveFault';
  /** Offset in the script, in UTF-16 units; -1: not of one place. */
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** Where an offset is. Only for faults: it reads the script from its beginning. */
export function placeOf(script: string, at: number): SievePlace {
  const end = Math.max(0, Math.min(at, script.length));
  let line = 1;
  let lineStart = 0;
  for (let i = script.indexOf('\n'); i >= 0 && i < end; i = script.indexOf('\n', i + 1)) {
    line++;
    lineStart = i + 1;
  }
  // Characters, not units: an editor counts a letter outside the first plane as one.
  return { line, column: [...script.slice(lineStart, end)].length + 1 };
}
