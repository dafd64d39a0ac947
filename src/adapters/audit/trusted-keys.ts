/**
 * Which keys may sign heads: the first that is told, and those that one of them has signed.
 *
 * Runs in:   anywhere; pure.
 * Limits:    `keysMax` keys; further ones are not trusted.
 */

import { type AuditHead, type AuditKey, isHeadSigned, isKeyNext, isKeyWhole } from './head.ts';

const keysMax = 1_000;

export class TrustedKeys {
  /** Fingerprint → public key, the oldest first. */
  readonly #keys = new Map<string, string>();
  /** What the oldest trusted one came after. */
  #after: string | undefined;

  get fingerprints(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** False: it is not to be trusted. */
  take(line: AuditKey): boolean {
    const known = this.#keys.get(line.key);
    if (known !== undefined) return known === line.public;
    if (this.#keys.size >= keysMax) return false;
    const isFirst = this.#keys.size === 0;
    const before = line.after === undefined ? undefined : this.#keys.get(line.after);
    // A file of heads may begin with any key: whoever keeps it trusts the first in it.
    if (!(isFirst ? isKeyWhole(line) : isKeyNext(line, before))) return false;
    if (isFirst) this.#after = line.after;
    this.#keys.set(line.key, line.public);
    return true;
  }

  /**
   * Who trusts a key trusts the one it says it came after: it has signed the other's fingerprint. For lines from the
   * newest to the oldest.
   */
  takeBack(line: AuditKey): void {
    if (line.key !== this.#after || !isKeyWhole(line)) return;
    this.#keys.set(line.key, line.public);
    this.#after = line.after;
  }

  hasSigned(head: AuditHead): boolean {
    const key = this.#keys.get(head.key);
    return key !== undefined && isHeadSigned(head, key);
  }
}
