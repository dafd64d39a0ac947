/**
 * Why a scanner gave no verdict, as adapters throw it among themselves; `GuardedScanner` makes a verdict of it.
 *
 * Runs in: engine threads.
 */

import type { ScanFault } from '../../ports/content-scanner.ts';

export class ScanError extends Error {
  override readonly name = 'ScanError';
  readonly fault: ScanFault;

  constructor(fault: ScanFault, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.fault = fault;
  }
}

/** Anything thrown, as a `ScanError`. */
export function scanErrorOf(error: unknown): ScanError {
  if (error instanceof ScanError) return error;
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException;
  const detail = (message || code).slice(0, 200);
  return new ScanError(isNoConnection(code) ? 'unreachable' : 'broken', detail, { cause: error });
}

function isNoConnection(code: string): boolean {
  return (
    ['ECONNREFUSED', 'ENOENT', 'EACCES', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'].includes(code) ||
    ['ENETUNREACH', 'EADDRNOTAVAIL', 'ENOTSOCK'].includes(code)
  );
}
