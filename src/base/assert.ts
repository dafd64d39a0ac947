/**
 * States what must be true. A false statement is a bug, never bad input: the thread that meets it stops.
 *
 * Runs in:   every thread.
 * Invariant: an `AssertionError` is never caught to go on; only the supervisor handles it.
 */

export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

export function assert(condition: unknown, statement: string): asserts condition {
  if (!condition) throw new AssertionError(statement);
}
