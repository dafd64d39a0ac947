/**
 * The right to have connections open to a site, lent by the site's one owner (`actors/site-leases.ts`).
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
  /**
   * How many of the slots granted others wait for and should have. Whoever holds them ends so many connections, idle
   * ones now and busy ones after their message: without that, a thread's idle connections would keep another's mail.
   */
  excess(site: string): number;
}

/** At most `countMax` connections of one thread, to all sites together; who asked first is granted first. */
export function boundedLeases(countMax: number): SiteLeases {
  const waiting: (() => void)[] = [];
  let lent = 0;
  return {
    request(_site, granted) {
      if (lent >= countMax) {
        waiting.push(granted);
      } else {
        lent++;
        granted();
      }
    },
    release() {
      const next = waiting.shift();
      if (next === undefined) lent--;
      else next();
    },
    excess: () => 0,
  };
}

/** A slot of both: the site's first, so that a site without slots holds up no other. */
export function jointLeases(site: SiteLeases, all: SiteLeases): SiteLeases {
  return {
    request(name, granted) {
      site.request(name, () => all.request(name, granted));
    },
    release(name) {
      all.release(name);
      site.release(name);
    },
    excess: (name) => site.excess(name),
  };
}
