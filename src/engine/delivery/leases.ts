/**
 * Connections of one thread to all sites together, beside what each site's owner lends (`actors/site-borrower.ts`).
 *
 * Runs in:   engine threads.
 * Limits:    `countMax` connections at a time; who asked first is granted first.
 */

import type { SiteLeases } from '../../actors/site-lease.ts';

/** A slot of the site's first, then one of the thread's: a site without slots holds up no other. */
export function boundedLeases(countMax: number, sites: SiteLeases = unbound): SiteLeases {
  const waiting: (() => void)[] = [];
  let lent = 0;
  const request = (granted: () => void) => {
    if (lent >= countMax) {
      waiting.push(granted);
    } else {
      lent++;
      granted();
    }
  };
  const release = () => {
    const next = waiting.shift();
    if (next === undefined) lent--;
    else next();
  };
  return {
    join(site, user, way) {
      const lease = sites.join(site, user, way);
      return {
        request: (granted) => lease.request(() => request(granted)),
        release: () => {
          release();
          lease.release();
        },
        dial: (granted, host) => lease.dial(granted, host),
        undial: (host) => lease.undial(host),
        get excess() {
          return lease.excess;
        },
        get awaitedCount() {
          return lease.awaitedCount ?? 0;
        },
        get gate() {
          return lease.gate;
        },
        reach: lease.reach,
        leave: () => lease.leave(),
      };
    },
  };
}

/** Sites nobody lends. */
const unbound: SiteLeases = {
  join: () => ({
    request: (granted) => granted(),
    release: () => {},
    dial: (granted) => granted(),
    undial: () => {},
    excess: 0,
    gate: undefined,
    leave: () => {},
  }),
};
