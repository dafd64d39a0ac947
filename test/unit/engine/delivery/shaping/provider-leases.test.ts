/**
 * Aim:    connections to a provider's hosts are counted together, whichever sites they belong to, and only those.
 * Method: leases that note what was asked of whom, with slots to give by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SiteLeases } from '../../../../../src/actors/site-lease.ts';
import { providerLeases } from '../../../../../src/engine/delivery/shaping/provider-leases.ts';

const user = { waitingCount: 0, tell: () => {}, weigh: () => {}, onTokens: () => {} };

class Slots {
  readonly held = new Map<string, number>();
  readonly waiting: (() => void)[] = [];
  excess = 0;
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get leases(): SiteLeases {
    return {
      join: (site) => ({
        request: (granted) => {
          const take = () => {
            this.held.set(site, this.of(site) + 1);
            granted();
          };
          if (site.startsWith('provider:') && this.of(site) >= this.#max) this.waiting.push(take);
          else take();
        },
        release: () => {
          this.held.set(site, this.of(site) - 1);
          if (site.startsWith('provider:')) this.waiting.shift()?.();
        },
        dial: (granted) => granted(),
        undial: () => {},
        excess: site.startsWith('provider:') ? this.excess : 0,
        gate: undefined,
        leave: () => {},
      }),
    };
  }

  of(site: string): number {
    return this.held.get(site) ?? 0;
  }
}

const bigPath = (_path: string, host: string) => (host.endsWith('.big') ? 'provider:big' : '');

test('a slot of the provider is taken for the host that is dialled, whatever else the site has', () => {
  const slots = new Slots(1);
  const leases = providerLeases(slots.leases, bigPath);
  const mixed = leases.join('mx:a.big,own', user);
  const whole = leases.join('mx:a.big,b.big', user);
  let dials = 0;
  for (let i = 0; i < 3; i++) {
    mixed.request(() => {});
    mixed.dial(() => dials++, 'own');
  }
  assert.deepEqual([dials, slots.of('mx:a.big,own'), slots.of('provider:big')], [3, 3, 0]);
  mixed.request(() => {});
  mixed.dial(() => dials++, 'a.big');
  whole.request(() => {});
  whole.dial(() => dials++, 'b.big');
  assert.deepEqual([dials, slots.of('provider:big')], [4, 1]);
  // Another connection of the same site ends: the provider's slot is still in use.
  mixed.undial('own');
  mixed.release();
  assert.equal(dials, 4);
  mixed.undial('a.big');
  assert.deepEqual([dials, slots.of('provider:big')], [5, 1]);
  whole.undial('b.big');
  assert.equal(slots.of('provider:big'), 0);
});

test('only who holds slots of a provider is asked to give some up', () => {
  const slots = new Slots(5);
  slots.excess = 2;
  const leases = providerLeases(slots.leases, bigPath);
  const mixed = leases.join('mx:a.big,own', user);
  mixed.dial(() => {}, 'own');
  assert.equal(mixed.excess, 0);
  mixed.dial(() => {}, 'a.big');
  assert.equal(mixed.excess, 1);
  mixed.undial('a.big');
  assert.equal(mixed.excess, 0);
});

test('who holds slots of a provider hears how many paths of the thread wait for one', () => {
  const slots = new Slots(1);
  const leases = providerLeases(slots.leases, bigPath);
  const [one, two, other] = ['mx:a.big', 'mx:b.big', 'mx:own'].map((path) =>
    leases.join(path, user),
  );
  one!.dial(() => {}, 'a.big');
  other!.dial(() => {}, 'own');
  const counts = () => [one!, two!, other!].map(({ awaitedCount }) => awaitedCount);
  assert.deepEqual(counts(), [0, 0, 0]);
  two!.dial(() => {}, 'b.big');
  two!.dial(() => {}, 'b.big');
  assert.deepEqual(counts(), [2, 0, 0]);
  one!.undial('a.big');
  assert.deepEqual(counts(), [0, 1, 0]);
});

test('a slot goes back to whom it was asked of, though the rules changed meanwhile', () => {
  const slots = new Slots(5);
  let isLimited = true;
  const path = (of: string, host: string) => (isLimited ? bigPath(of, host) : '');
  const lease = providerLeases(slots.leases, path).join('mx:a.big', user);
  lease.dial(() => {}, 'a.big');
  isLimited = false;
  lease.dial(() => {}, 'a.big');
  lease.undial('a.big');
  lease.undial('a.big');
  assert.equal(slots.of('provider:big'), 0);
});
