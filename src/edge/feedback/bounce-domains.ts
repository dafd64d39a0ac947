/**
 * At which domains bounces come back: one for all mail, and tenants' own.
 *
 * Runs in:   edge (main thread); pure, immutable.
 * Invariant: a tenant's address is one at its own domain and at that for all, where mail from before has it, and nowhere
 *            else.
 */

import type { TenantId } from '../../base/ids.ts';

export class BounceDomains {
  readonly #forAll: string;
  readonly #ofTenants: ReadonlyMap<TenantId, string>;
  readonly #names: ReadonlySet<string>;

  /** In lower case; "": none. */
  constructor(forAll: string, ofTenants: ReadonlyMap<TenantId, string> = new Map()) {
    this.#forAll = forAll;
    this.#ofTenants = ofTenants;
    this.#names = new Set([forAll, ...ofTenants.values()].filter((name) => name !== ''));
  }

  /** Whether all of it is ours, and nobody's mail. */
  has(domain: string): boolean {
    return this.#names.size > 0 && this.#names.has(domain.toLowerCase());
  }

  /** Where the tenant's bounces come back to; "": its mail has no return path of ours. */
  of(tenant: TenantId): string {
    return this.#ofTenants.get(tenant) ?? this.#forAll;
  }

  isFor(domain: string, tenant: TenantId): boolean {
    const name = domain.toLowerCase();
    return name === this.#forAll || name === this.#ofTenants.get(tenant);
  }
}
