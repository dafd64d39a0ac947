/**
 * The right to have connections open to a site, lent by the site's one owner (design §2).
 *
 * Runs in:   engine threads.
 * Invariant: a slot that was granted is given back exactly once.
 */

export interface SiteLeases {
  /**
   * Asks for one connection slot. `granted` is called at once, later, or never; a call after the request was
   * withdrawn is the caller's to give back.
   */
  request(site: string, granted: () => void): void;
  release(site: string): void;
}

/** For one thread on its own: the site's own limit is the only one. */
export const unlimitedLeases: SiteLeases = {
  request: (_site, granted) => granted(),
  release() {},
};
