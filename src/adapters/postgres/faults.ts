/**
 * What can go wrong with the database, in the words of the directory's callers.
 *
 * Runs in:   the main thread; pure.
 */

import { MailError } from '../../base/errors.ts';
import { IndexMoved } from '../../ports/shard-index.ts';

/** The connection failed, not what was asked by it. */
export class DatabaseAway extends Error {
  override readonly name = 'DatabaseAway';
}

const awayCode = /^(08...|57P0[1-4]|53300|CONNECT.*|CONNECTION_.*|E[A-Z]+)$/;

/** Nobody else's question would be answered now, either. */
export function isAwayFault(error: unknown): error is Error {
  if (error instanceof DatabaseAway) return true;
  return error instanceof Error && awayCode.test((error as { code?: string }).code ?? '');
}

/** The database ended the statement because of the time it took. */
export function isSlowFault(error: unknown): boolean {
  return (error as { code?: string }).code === '57014';
}

/**
 * Of a write that failed. Before the commit was asked for nothing was changed; after it nobody knows until the rows are
 * read again.
 */
export function writeFault(error: unknown, isCommitting: boolean): Error {
  if (error instanceof IndexMoved || error instanceof MailError) return error;
  const why = error instanceof Error ? error.message || error.name : String(error);
  const { code = '' } = error as { code?: string };
  if (/^(22|23)...$/.test(code)) return new MailError('argument-invalid', why, { cause: error });
  const words = isCommitting
    ? `the directory's database went away while it wrote, the change may be there or not: ${why}`
    : `the directory's database does not answer, nothing was changed, try again later: ${why}`;
  return new MailError(isCommitting ? 'store-failed' : 'store-busy', words, { cause: error });
}
