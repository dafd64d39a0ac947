/** Faults and warnings of a script as lines, as compilers write them. */

import type { SieveFault } from '../../actors/asks/sieve-asks.ts';

export function faultLines(file: string, faults: readonly SieveFault[]): readonly string[] {
  return faults.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`);
}

export function warningLines(file: string, warnings: readonly SieveFault[]): readonly string[] {
  return warnings.map(
    ({ line, column, message }) => `${file}:${line}:${column}: warning: ${message}`,
  );
}
