/**
 * The parts of an address in its text form.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5321 §4.1.2: a local part may hold an `@` in quotes, a domain may not.
 */

/** What follows the last `@`, as written; the whole where there is none. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
