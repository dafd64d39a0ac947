/**
 * Adds up counts that strangers name.
 *
 * Runs in:   anywhere; pure.
 * Invariant: a sum is a whole number that JSON keeps, however large what is added.
 */

/** Of each count, its own and the other's; what the other does not have is 0. */
export function cappedSum<K extends string>(
  counts: Readonly<Record<K, number>>,
  other: Readonly<Record<NoInfer<K>, number>> | undefined,
): Record<K, number> {
  const sum: Record<K, number> = { ...counts };
  for (const name of Object.keys(counts) as K[]) {
    sum[name] = Math.min(counts[name] + (other?.[name] ?? 0), Number.MAX_SAFE_INTEGER);
  }
  return sum;
}
