/**
 * The paths of one site: for each source its mail leaves by, a `Site` with the queue and connections of its own.
 *
 * Runs in:   engine threads; one per site and class of TLS.
 * Limits:    as many paths as there are sources; `domainsMax` domains that lead to it, for rules that name them.
 */

import type { Resolved } from '../route.ts';
import type { Site } from '../site.ts';
import type { Source } from './source.ts';

const domainsMax = 1_000;

export class SitePaths {
  /** Its name, and what TLS with its hosts must be. */
  readonly key: string;
  readonly #create: (source: Source) => Site;
  readonly #sites = new Map<string, Site>();
  readonly #domains = new Set<string>();
  #resolved: Resolved;

  constructor(resolved: Resolved, create: (source: Source) => Site) {
    this.key = resolved.key;
    this.#resolved = resolved;
    this.#create = create;
  }

  get name(): string {
    return this.#resolved.site;
  }

  /** What it was found to be last. */
  get resolved(): Resolved {
    return this.#resolved;
  }

  get sites(): Iterable<Site> {
    return this.#sites.values();
  }

  get size(): number {
    return this.#sites.size;
  }

  /** Newer answers of the DNS for the same set of hosts. */
  retarget(resolved: Resolved): void {
    this.#resolved = resolved;
    for (const site of this.#sites.values()) site.retarget(resolved.targets);
  }

  of(source: Source): Site {
    let site = this.#sites.get(source.name);
    if (site === undefined) {
      site = this.#create(source);
      this.#sites.set(source.name, site);
      for (const domain of this.#domains) site.shape.addDomain(domain);
    }
    return site;
  }

  /** A domain leads here. */
  lead(domain: string): void {
    if (this.#domains.has(domain) || this.#domains.size >= domainsMax) return;
    this.#domains.add(domain);
    for (const site of this.#sites.values()) site.shape.addDomain(domain);
  }

  /** Drops paths nothing is left of, and answers which they were. */
  forgetQuiet(): Site[] {
    const quiet: Site[] = [];
    for (const [name, site] of this.#sites) {
      if (!site.isQuiet) continue;
      this.#sites.delete(name);
      site.leave();
      quiet.push(site);
    }
    return quiet;
  }
}
