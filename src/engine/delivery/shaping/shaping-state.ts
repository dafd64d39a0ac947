/**
 * The rules and marks that hold, as a thread knows them: told by the main thread, asked by the paths.
 *
 * Runs in:   engine threads; one per thread.
 * Limits:    as many marks as the main thread keeps (`marksMax` of the board).
 * Invariant: a mark whose time is over holds no more, though nobody said so.
 */

import { anyTenant, type Mark, type ShapingSnapshot } from '../../../actors/asks/shaping-asks.ts';
import type { BucketsOfMessage } from '../../../actors/site-lease.ts';
import { siteOfPath } from '../../../base/path-names.ts';
import { RecentMap } from '../../../base/recent-map.ts';
import type { Clock } from '../../../ports/clock.ts';
import { noShaping } from '../../../settings/shaping/rules.ts';
import { bucketName } from './lease-limits.ts';
import { isBelow, isFit, Matcher } from './matcher.ts';

const pathsMax = 20_000;
const providerPrefix = 'provider:';

export class ShapingState {
  readonly #clock: Pick<Clock, 'nowMs'>;
  #matcher = new Matcher(noShaping);
  #tenants: ReadonlyMap<string, number> = new Map();
  #names: ReadonlyMap<number, string> = new Map();
  #marks: readonly Mark[] = [];
  #byPath = new Map<string, Mark[]>();
  /** Those that say by their match of which paths they are. */
  #matched: readonly Mark[] = [];
  /** Of domains: what they stop is mail to these, not a path. */
  #byDomain: readonly Mark[] = [];
  /** Domains that rules speak of, by the paths they lead to. */
  readonly #domains = new RecentMap<string, Set<string>>(pathsMax);
  readonly #buckets = new RecentMap<string, BucketsOfMessage | 'none'>(pathsMax);
  /** Moves with each change. */
  revision = 0;

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  get matcher(): Matcher {
    return this.#matcher;
  }

  setRules({ rules, tenants }: ShapingSnapshot): void {
    this.#matcher = new Matcher(rules);
    this.#buckets.clear();
    this.#tenants = new Map(Object.entries(tenants));
    this.#names = new Map(Object.entries(tenants).map(([name, number]) => [number, name]));
    this.revision++;
  }

  setMarks(marks: readonly Mark[]): void {
    this.#marks = marks;
    this.#byPath = new Map();
    for (const mark of marks) {
      if (mark.path === '') continue;
      const known = this.#byPath.get(mark.path);
      if (known === undefined) this.#byPath.set(mark.path, [mark]);
      else known.push(mark);
    }
    const matched = marks.filter(({ path }) => path === '');
    this.#byDomain = matched.filter(({ match }) => match.domain !== undefined);
    this.#matched = matched.filter(({ match }) => match.domain === undefined);
    this.revision++;
  }

  tenantNumber(name: string): number | undefined {
    return this.#tenants.get(name);
  }

  /** "" for one that no rule names. */
  tenantName(number: number): string {
    return this.#names.get(number) ?? '';
  }

  /** Marks that hold for a path now, tenants' marks included. */
  marksOf(path: string): Mark[] {
    if (this.#marks.length === 0) return [];
    const nowMs = this.#clock.nowMs();
    const providers = this.#matched.length === 0 ? [] : this.#matcher.providersOf(path);
    const place = { path, domains: [], tenant: '', campaign: '' };
    const matched = this.#matched.filter(({ match }) => isFit(match, place, providers));
    return [...(this.#byPath.get(path) ?? []), ...matched].filter(({ untilMs }) => untilMs > nowMs);
  }

  /** The mark that stops mail to a domain now, of this tenant; undefined in all but odd times. */
  domainMark(domain: string, tenant: number): Mark | undefined {
    if (this.#byDomain.length === 0) return undefined;
    const nowMs = this.#clock.nowMs();
    return this.#byDomain.find(
      (mark) =>
        mark.untilMs > nowMs &&
        (mark.tenant === anyTenant || mark.tenant === tenant) &&
        mark.match.domain!.some((name) => isBelow(domain, name)),
    );
  }

  /** A domain that rules speak of leads to a path. */
  lead(path: string, domain: string): void {
    const known = this.#domains.get(path);
    if (known === undefined) this.#domains.set(path, new Set([domain]));
    else known.add(domain);
    this.#buckets.delete(path);
  }

  /** What the provider of a path's host is lent as, where a rule limits its connections together; else "". */
  providerPath(path: string, host: string): string {
    if (!this.#matcher.hasSharedConnections) return '';
    const provider = this.#matcher.providerOfHost(path, host);
    if (provider === '') return '';
    const name = `${providerPrefix}${provider}${path.slice(siteOfPath(path).length)}`;
    return this.#matcher.providerConnections(provider, name) === undefined ? '' : name;
  }

  /** Of what `providerPath` names; undefined for a path. */
  sharedConnections(path: string): number | undefined {
    if (!path.startsWith(providerPrefix)) return undefined;
    const provider = siteOfPath(path).slice(providerPrefix.length);
    return this.#matcher.providerConnections(provider, path) ?? Number.POSITIVE_INFINITY;
  }

  /** Which buckets a message over this path needs a token of, by tenant and campaign; undefined: none does. */
  bucketsOf(path: string): BucketsOfMessage | undefined {
    if (!this.#matcher.hasShares) return undefined;
    const known = this.#buckets.get(path);
    if (known !== undefined) return known === 'none' ? undefined : known;
    const made = this.#makeBuckets(path);
    this.#buckets.set(path, made ?? 'none');
    return made;
  }

  #makeBuckets(path: string): BucketsOfMessage | undefined {
    const domains = [...(this.#domains.get(path) ?? [])];
    const shares = this.#matcher.sharesOf({ path, domains }).flatMap(({ tenant, campaign }) => {
      const number = tenant === '' ? anyTenant : this.#tenants.get(tenant);
      return number === undefined ? [] : [{ number, campaign, name: bucketName(number, campaign) }];
    });
    if (shares.length === 0) return undefined;
    return (tenant, campaign) =>
      shares
        .filter(({ number }) => number === anyTenant || number === tenant)
        .filter((share) => share.campaign === '' || share.campaign === campaign)
        .map(({ name }) => name);
  }

  /** The slowest that a path was told to be. */
  slowOf(path: string): Mark | undefined {
    const slow = this.marksOf(path).filter(({ kind }) => kind === 'slow');
    return slow.sort((a, b) => (a.messagesPerSecond ?? 0) - (b.messagesPerSecond ?? 0))[0];
  }
}
