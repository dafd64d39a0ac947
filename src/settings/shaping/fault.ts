/**
 * What is wrong with a file of shaping rules: where, what, why, and what to do.
 *
 * Runs in: anywhere; pure.
 */

export interface ShapingFault {
  readonly file: string;
  /** 0: of the whole file. */
  readonly line: number;
  /** As `limits[2].messageRate`; "" where the fault is of the file. */
  readonly path: string;
  readonly reason: string;
  readonly advice: string;
}

export class ShapingError extends Error {
  override readonly name = 'ShapingError';
  readonly faults: readonly ShapingFault[];

  constructor(faults: readonly ShapingFault[]) {
    super(describeShapingFaults(faults));
    this.faults = faults;
  }
}

export function describeShapingFaults(faults: readonly ShapingFault[]): string {
  return faults
    .map(({ file, line, path, reason, advice }) => {
      const place = line > 0 ? `${file}:${line}` : file;
      return `${place}: ${path === '' ? '' : `${path} `}${reason}\n    ${advice}`;
    })
    .join('\n');
}
