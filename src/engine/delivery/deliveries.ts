/**
 * The way out for messages: finds the site of a domain and the source to leave by, and hands the message to that path.
 *
 * Runs in:   engine threads; one per thread.
 * Limits:    `domainsMax` domains remembered, `searchesMax` looked up at a time with `searchWaitingMax` messages each;
 *            a site lives while a domain leads to it or it has work; queues as each site has them.
 * Invariant: `submit` answers "" and calls back exactly once, or the name of a full site and never calls back.
 */

import type { SiteFacts } from '../../actors/asks/explain-asks.ts';
import type { SiteLeases } from '../../actors/site-lease.ts';
import { domainOf } from '../../base/address-parts.ts';
import { pathName } from '../../base/path-names.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { Dialer } from '../../ports/dialer.ts';
import type { Random } from '../../ports/random.ts';
import { type TlsNeed, tlsNeedOf } from './host-tls.ts';
import type { PhaseTimeouts, SiteLimits } from './limits.ts';
import { tickMs } from './limits.ts';
import type { DeliveryDone, ExpectedMessage, OutboundMessage } from './message.ts';
import { ownReply } from './message.ts';
import type { Resolved, Router } from './route.ts';
import type { Shaper } from './shaping/shaper.ts';
import { holdBack } from './shaping/site-shaping.ts';
import { Site } from './site.ts';
import type { OnRoom } from './site-options.ts';
import type { SourceChooser } from './sources/chooser.ts';
import { SitePaths } from './sources/site-paths.ts';
import { defaultSource, type Source } from './sources/source.ts';
import type { TlsSessions } from './tls-sessions.ts';
import { Transaction } from './transaction.ts';

export interface DeliveriesOptions {
  readonly router: Router;
  readonly timeouts: PhaseTimeouts;
  readonly limits: SiteLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly dialer: Dialer;
  readonly leases: SiteLeases;
  readonly shaper: Shaper;
  /** A site that sent messages away has room for `count` now. */
  readonly onRoom: OnRoom;
  /** Absent: all mail leaves as the system chooses. */
  readonly sources?: SourceChooser;
  /** The provider a site's hosts belong to. */
  readonly providerOf: (site: string) => string;
  /** Absent: how TLS goes is not counted. */
  readonly tls?: TlsSessions;
}

/** The site of a domain until its answer grows old. */
interface KnownDomain {
  readonly paths: SitePaths;
  readonly untilMs: number;
}

/** Messages that wait for one domain's route. */
interface Search {
  readonly waiting: Transaction[];
  /** Somebody was sent away: waits for the domain's name. */
  isFull: boolean;
}

const drainingReply = ownReply(451, '4.3.2', 'Going down: this message waits in the queue');
const siteFullReply = ownReply(451, '4.3.2', 'Too much mail waits for this next hop');
const domainsMax = 20_000;
const searchesMax = 10_000;
const searchWaitingMax = 1_000;
/** Every minute is often enough for a walk over all domains. */
const ticksPerForgetting = 60;

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #domains = new Map<string, KnownDomain>();
  readonly #searches = new Map<string, Search>();
  /** By key: sites asked for the same TLS. */
  readonly #paths = new Map<string, SitePaths>();
  readonly #coarse = { nowMs: 0 };
  #timer: Timer | undefined;
  #ticks = 0;
  #isClosed = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.#coarse.nowMs = options.clock.monotonicMs();
    if (options.sources !== undefined) {
      options.sources.states.onSuspended = () => this.#leaveHindered();
    }
  }

  /** Messages that wait before all sites, and connections that are open. */
  load(): { readonly waiting: number; readonly connections: number; readonly sites: number } {
    let waiting = 0;
    let connections = 0;
    let sites = 0;
    for (const site of this.#sites()) {
      waiting += site.waitingCount;
      connections += site.connectionCount;
      sites++;
    }
    for (const search of this.#searches.values()) waiting += search.waiting.length;
    return { waiting, connections, sites };
  }

  *#sites(): Iterable<Site> {
    for (const paths of this.#paths.values()) yield* paths.sites;
  }

  /** Paths of the site that a domain leads to, or that have this name, or whose site has it. */
  facts(name: string): SiteFacts[] {
    const known = this.#domains.get(name)?.paths;
    const named = known === undefined ? this.#named(name) : [...known.sites];
    return named.map((site) => site.facts());
  }

  /** The site that mail to a domain goes to, found anew where it is not known; "" and why, where there is none. */
  async siteOf(domain: string): Promise<{ readonly site: string; readonly trouble: string }> {
    const { router } = this.#options;
    const known = this.#domains.get(domain)?.paths.name ?? router.fixed(domain)?.site;
    if (known !== undefined) return { site: known, trouble: '' };
    const found = await router.resolve(domain);
    return found.ok ? { site: found.site, trouble: '' } : { site: '', trouble: found.reply.text };
  }

  #named(name: string): Site[] {
    const all = [...this.#paths.values()].flatMap((paths) =>
      paths.name === name
        ? [...paths.sites]
        : [...paths.sites].filter((site) => site.name === name),
    );
    return all;
  }

  /**
   * A key that is equal for domains whose mail may go in one transaction, as far as is known without a look-up.
   * Recipients grouped by it are submitted in the same turn, under any of their domains.
   */
  groupOf(domain: string, need: TlsNeed = 'usual'): string {
    const known = this.#domains.get(wayKey(domain, need));
    const isFresh = known !== undefined && known.untilMs > this.#coarse.nowMs;
    const key = isFresh ? known.paths.key : this.#options.router.fixed(domain, need)?.key;
    const pools = this.#options.sources?.groupOf(domain) ?? '';
    return pools === '' ? (key ?? domain) : `${key ?? domain} ${pools}`;
  }

  /**
   * Takes a message for recipients of one domain, given in lower case A-labels: "". Else the name of the site whose
   * queue is full: the caller keeps the message until `onRoom` says that name. `done` may be called before this
   * returns.
   */
  submit(message: OutboundMessage, domain: string, done: DeliveryDone): string {
    if (this.#isClosed) return domain;
    if (this.#timer === undefined) this.#setTimer();
    const need = tlsNeedOf(message.sender, message.terms);
    const known = this.#domains.get(wayKey(domain, need));
    const transaction = new Transaction(message, done);
    // RFC 8460 §5.3: a report goes by "TLS-Required: No", and its session is not reported on.
    if (need === 'usual') transaction.domain = domain;
    const { shaper, clock } = this.#options;
    const mark = shaper.state.domainMark(domain, message.tenant);
    if (mark !== undefined) {
      holdBack(transaction, mark.untilMs, clock.nowMs());
      return '';
    }
    if (known !== undefined && known.untilMs > this.#coarse.nowMs)
      return this.#enter(known.paths, transaction);
    return this.#search(domain, need, transaction);
  }

  /**
   * Whether `submit` would take a message, before its bytes are read: "", and its place is kept a moment. Else the name
   * of the full site, as from `submit`.
   */
  expect(message: ExpectedMessage, domain: string): string {
    if (this.#isClosed) return '';
    const known = this.#domains.get(wayKey(domain, tlsNeedOf(message.sender, message.terms)));
    if (known === undefined || known.untilMs <= this.#coarse.nowMs) return '';
    const { sources } = this.#options;
    const { paths } = known;
    const source =
      sources === undefined ? defaultSource : sources.expect(message, domain, paths.resolved);
    if (source === undefined) return '';
    const site = paths.of(source);
    return site.expect(message.tenant, message.bytes) ? '' : site.key;
  }

  /** Ends what is idle, lets what is in transfer finish, refuses the rest. */
  drain(): void {
    this.#isClosed = true;
    this.#options.tls?.flush();
    for (const site of this.#sites()) site.drain();
  }

  /** Ends everything now. */
  close(): void {
    this.drain();
    for (const site of this.#sites()) site.abort();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #search(domain: string, need: TlsNeed, transaction: Transaction): string {
    const way = wayKey(domain, need);
    const resolved = this.#options.router.fixed(domain, need);
    if (resolved !== undefined) return this.#enter(this.#learn(way, resolved), transaction);
    const search = this.#searches.get(way);
    if (search !== undefined) {
      search.isFull = search.waiting.length >= searchWaitingMax;
      if (search.isFull) return way;
      search.waiting.push(transaction);
      return '';
    }
    if (this.#searches.size >= searchesMax) return way;
    this.#searches.set(way, { waiting: [transaction], isFull: false });
    void this.#resolve(domain, need);
    return '';
  }

  async #resolve(domain: string, need: TlsNeed): Promise<void> {
    const way = wayKey(domain, need);
    const resolution = await this.#options.router.resolve(domain, need);
    const { waiting, isFull } = this.#searches.get(way)!;
    this.#searches.delete(way);
    if (!resolution.ok) {
      for (const transaction of waiting)
        transaction.settleRest(resolution.status, resolution.reply);
      // Those who were sent away are looked up again, and hear the same or better.
      if (isFull) this.#tellOfRoom(way, () => searchWaitingMax);
      return;
    }
    const paths = this.#learn(way, resolution);
    for (const transaction of waiting) {
      // The caller was told "taken" already: a full site is a deferral by now.
      if (this.#enter(paths, transaction) !== '') transaction.settleRest('deferred', siteFullReply);
    }
    if (isFull) this.#tellOfRoom(way, () => roomIn(paths));
  }

  /** Those who were sent away before the site was known wait under the way's name: nobody else tells them of room. */
  #tellOfRoom(way: string, roomCount: () => number): void {
    if (this.#isClosed) return;
    const count = roomCount();
    if (count > 0 && !this.#options.onRoom(way, count)) return;
    this.#options.clock.setTimer(tickMs, () => this.#tellOfRoom(way, roomCount));
  }

  /** As `submit` answers. */
  #enter(paths: SitePaths, transaction: Transaction): string {
    const { sources } = this.#options;
    if (sources === undefined) return roomOf(paths.of(defaultSource), transaction);
    const { message } = transaction;
    const domain = domainOf(message.recipients[0]!.address).toLowerCase();
    const choice = sources.choose(message, domain, paths.resolved);
    if (choice.do === 'defer') {
      transaction.holdBack(choice.reply, choice.notBeforeMs);
      return '';
    }
    const { allowance } = choice;
    if (choice.do === 'ask') {
      const isWaiting = choice.allowance.wait(() => this.#enterAgain(paths, transaction));
      return isWaiting ? '' : choice.allowance.name;
    }
    transaction.counted = allowance?.counted;
    const crowded = roomOf(paths.of(choice.source), transaction);
    if (crowded !== '') {
      transaction.counted?.giveBack();
      transaction.counted = undefined;
    }
    return crowded;
  }

  /** One that was taken before: nobody else holds it. */
  #enterAgain(paths: SitePaths, transaction: Transaction): void {
    if (this.#isClosed) transaction.settleRest('deferred', drainingReply);
    else if (this.#enter(paths, transaction) !== '')
      transaction.settleRest('deferred', siteFullReply);
  }

  /** What waits leaves by other sources: at once, and what came back to its path since, too. */
  #leaveHindered(): void {
    for (const paths of this.#paths.values()) {
      for (const site of [...paths.sites]) {
        const isWaiting = site.waitingCount > 0;
        if (isWaiting && this.#options.sources!.isHindered(site.source.name, paths.name)) {
          this.#leave(paths, site);
        }
      }
    }
  }

  /** What waits for this path leaves by other sources. */
  #leave(paths: SitePaths, site: Site): void {
    for (const transaction of site.takeAll()) {
      transaction.counted?.giveBack();
      transaction.counted = undefined;
      this.#enterAgain(paths, transaction);
    }
  }

  #learn(way: string, resolved: Resolved): SitePaths {
    const { key } = resolved;
    let paths = this.#paths.get(key);
    if (paths === undefined) {
      const created = new SitePaths(resolved, (source) => this.#site(created, source));
      paths = created;
      this.#paths.set(key, paths);
    } else {
      paths.retarget(resolved);
    }
    const [domain] = way.split(' ', 1);
    paths.lead(domain!);
    if (this.#domains.size >= domainsMax) this.#domains.delete(this.#domains.keys().next().value!);
    this.#domains.set(way, { paths, untilMs: this.#coarse.nowMs + resolved.validMs });
    return paths;
  }

  #site(paths: SitePaths, source: Source): Site {
    const { timeouts, limits, clock, random, dialer, leases, shaper, onRoom } = this.#options;
    const { sources, providerOf } = this.#options;
    const { site: siteName, key, handshake, targets } = paths.resolved;
    const isOnly = source === defaultSource;
    const name = isOnly ? siteName : pathName(siteName, source.name);
    const site = new Site(
      {
        name,
        shape: shaper.shapeOf(name),
        key: isOnly ? key : pathName(key, source.name),
        ...{ source, provider: providerOf(siteName), handshake, timeouts, limits, clock, random },
        ...{ dialer, leases, coarse: this.#coarse, onRoom, tls: this.#options.tls?.path() },
        onSourceFault: (reply) => {
          sources?.states.failed(source.name, reply);
          this.#leave(paths, site);
        },
        onSourceWorked: () => sources?.states.worked(source.name),
      },
      targets,
    );
    shaper.add(site.shape);
    if (this.#isClosed) site.drain();
    return site;
  }

  #setTimer(): void {
    this.#coarse.nowMs = this.#options.clock.monotonicMs();
    this.#timer = this.#options.clock.setTimer(tickMs, () => this.#tick());
  }

  #tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#coarse.nowMs = nowMs;
    for (const paths of this.#paths.values()) {
      for (const site of paths.sites) site.onTick(nowMs);
    }
    this.#options.shaper.onTick();
    if (this.#options.sources !== undefined) {
      this.#options.sources.onTick();
      this.#leaveHindered();
    }
    if (++this.#ticks % ticksPerForgetting === 0) this.#forget(nowMs);
    this.#timer = undefined;
    if (this.#paths.size > 0 || this.#searches.size > 0) this.#setTimer();
  }

  /** Drops answers that grew old, then sites no domain leads to and nothing is left of. */
  #forget(nowMs: number): void {
    const used = new Set<SitePaths>();
    for (const [domain, known] of this.#domains) {
      if (known.untilMs <= nowMs) this.#domains.delete(domain);
      else used.add(known.paths);
    }
    for (const [key, paths] of this.#paths) {
      if (used.has(paths)) continue;
      for (const site of paths.forgetQuiet()) this.#options.shaper.remove(site.shape);
      if (paths.size === 0) this.#paths.delete(key);
    }
  }
}

/** What a site is sure to take over all of its paths. */
function roomIn(paths: SitePaths): number {
  let room = 0;
  for (const site of paths.sites) room += site.roomCount;
  return room;
}

function roomOf(site: Site, transaction: Transaction): string {
  return site.submit(transaction) ? '' : site.key;
}

/** A domain may be gone to by two ways: as usual, and as a message asks. */
function wayKey(domain: string, need: TlsNeed): string {
  return need === 'usual' ? domain : `${domain} ${need}`;
}
