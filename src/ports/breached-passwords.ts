/**
 * Passwords that were found in other people's breaches.
 *
 * Contract: `has` takes SHA-1 in upper-case hex, as the lists that go round do; it changes nothing and asks nobody outside
 * this machine. It rejects where the list cannot be read.
 */

export interface BreachedPasswords {
  has(sha1Hex: string): Promise<boolean>;
}
