/**
 * Numbers on a command line.
 *
 * Runs in: load generator; pure.
 */

/** @throws a sentence that names the option */
export function numberOr(option: string, text: string | undefined, absent: number): number {
  if (text === undefined) return absent;
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value)))
    throw new Error(`--${option} must be a number above 0, not "${text}"`);
  return value;
}
