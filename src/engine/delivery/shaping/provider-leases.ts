/**
 * Connections to all sites of a provider together, beside those to each site: a slot of both.
 *
 * Runs in:   engine threads. The provider's slots have one owner, as a site's have: it is lent as a site of that name.
 * Invariant: a slot is given back to whom it was asked of, whatever the rules say by then.
 */

import type { SiteLease, SiteLeases, SiteUser } from '../../../actors/site-lease.ts';

/** `providerPath`: what a path's provider is lent as; "" where its connections are not limited together. */
export function providerLeases(
  sites: SiteLeases,
  providerPath: (path: string) => string,
): SiteLeases {
  return {
    join(path, user) {
      const lease = sites.join(path, user);
      const joined = new Map<string, SiteLease>();
      /** One for each slot that is held. */
      const held: (SiteLease | undefined)[] = [];
      const shared = () => {
        const name = providerPath(path);
        if (name === '') return undefined;
        let one = joined.get(name);
        if (one === undefined) {
          one = sites.join(name, silent(user));
          joined.set(name, one);
        }
        return one;
      };
      return {
        request(granted) {
          lease.request(() => {
            const one = shared();
            const take = () => {
              held.push(one);
              granted();
            };
            if (one === undefined) take();
            else one.request(take);
          });
        },
        release() {
          held.pop()?.release();
          lease.release();
        },
        dial: (granted) => lease.dial(granted),
        get excess() {
          // What the provider has too much of, its paths give up one by one.
          const isOver = (held.at(-1)?.excess ?? 0) > 0;
          return isOver ? Math.max(lease.excess, 1) : lease.excess;
        },
        get gate() {
          return lease.gate;
        },
        leave() {
          lease.leave();
          for (const one of joined.values()) one.leave();
        },
      };
    },
  };
}

/** Tenants share a site, not a provider: what was served is told there alone. */
function silent(user: SiteUser): SiteUser {
  return {
    get waitingCount() {
      return user.waitingCount;
    },
    tell: () => {},
    weigh: () => {},
    onTokens: () => {},
  };
}
