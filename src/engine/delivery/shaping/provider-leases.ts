/**
 * Connections to all hosts of a provider together, beside those to each site: a connection to one of them takes a slot
 * of both.
 *
 * Runs in:   engine threads. The provider's slots have one owner, as a site's have: lent as a site of that name.
 * Invariant: a slot is given back to whom it was asked of, whatever the rules say by then. It is taken for the host
 *            that is dialled, not for the site: one with a host of its own beside the provider's holds nobody's.
 */

import type { SiteLease, SiteLeases, SiteUser } from '../../../actors/site-lease.ts';

interface Shared {
  readonly lease: SiteLease;
  readonly name: string;
  /** Slots of it that this path has. */
  held: number;
}

/** `providerPath`: what the provider of a path's host is lent as; "" where its connections are not limited together. */
export function providerLeases(
  sites: SiteLeases,
  providerPath: (path: string, host: string) => string,
): SiteLeases {
  const waiting = new Waiting();
  return {
    join(path, user, way) {
      const lease = sites.join(path, user, way);
      const joined = new Map<string, Shared>();
      const all: Shared[] = [];
      const shared = (host: string) => {
        const name = providerPath(path, host);
        if (name === '') return undefined;
        let one = joined.get(name);
        if (one === undefined) {
          one = { lease: sites.join(name, silent(user)), name, held: 0 };
          joined.set(name, one);
          all.push(one);
        }
        return one;
      };
      const dialled = new Dialled();
      return {
        request: (granted) => lease.request(granted),
        release: () => lease.release(),
        dial(granted, host) {
          const one = shared(host);
          const take = () => {
            dialled.add(host, one);
            lease.dial(granted, host);
          };
          if (one === undefined) {
            take();
            return;
          }
          waiting.add(one.name, 1);
          one.lease.request(() => {
            waiting.add(one.name, -1);
            take();
          });
        },
        undial(host) {
          lease.undial(host);
          dialled.remove(host)?.lease.release();
        },
        get excess() {
          // What the provider has too much of, its paths give up one by one.
          for (const one of all) {
            if (one.held > 0 && one.lease.excess > 0) return Math.max(lease.excess, 1);
          }
          return lease.excess;
        },
        get awaitedCount() {
          let count = 0;
          for (const one of all) if (one.held > 0) count += waiting.of(one.name);
          return count;
        },
        get gate() {
          return lease.gate;
        },
        reach: lease.reach,
        leave() {
          lease.leave();
          for (const one of all) one.lease.leave();
        },
      };
    },
  };
}

/** By what is lent, of all paths: how many wait for a slot. */
class Waiting {
  readonly #counts = new Map<string, number>();

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  add(name: string, change: 1 | -1): void {
    const count = this.of(name) + change;
    if (count === 0) this.#counts.delete(name);
    else this.#counts.set(name, count);
  }
}

/** By host, of whom the slots of its connections were asked. */
class Dialled {
  readonly #byHost = new Map<string, (Shared | undefined)[]>();

  add(host: string, one: Shared | undefined): void {
    if (one !== undefined) one.held++;
    const known = this.#byHost.get(host);
    if (known === undefined) this.#byHost.set(host, [one]);
    else known.push(one);
  }

  remove(host: string): Shared | undefined {
    const known = this.#byHost.get(host);
    const one = known?.pop();
    if (known?.length === 0) this.#byHost.delete(host);
    if (one !== undefined) one.held--;
    return one;
  }
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
