/**
 * Aim:    behind a proxy, a connection that ends without a word is dialled once more, which tells whose fault it was.
 * Method: a dialer by script; each connection is greeted, lost or refused in its turn.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { phaseTimeouts, siteLimits } from '../../../../src/engine/delivery/limits.ts';
import type { Session } from '../../../../src/engine/delivery/session.ts';
import { PathShape } from '../../../../src/engine/delivery/shaping/path-shape.ts';
import { ShapingState } from '../../../../src/engine/delivery/shaping/shaping-state.ts';
import { SiteShaping } from '../../../../src/engine/delivery/shaping/site-shaping.ts';
import { type DialFailure, SiteDial } from '../../../../src/engine/delivery/site-dial.ts';
import { SiteHosts } from '../../../../src/engine/delivery/site-hosts.ts';
import type { Source } from '../../../../src/engine/delivery/sources/source.ts';
import type { SessionEnd } from '../../../../src/engine/delivery/transfer.ts';
import type { Reply } from '../../../../src/mail/wire/smtp/reply-reader.ts';
import type { DialFault } from '../../../../src/ports/dialer.ts';
import { defaultSettings } from '../../../support/default-settings.ts';
import { FakeDialer, settled } from '../../../support/fake-peer.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

type Step = 'ready' | 'lost' | 'says no' | DialFault;

const proxied: Source = {
  name: 'far',
  proxy: { kind: 'proxy-v2', address: '198.51.100.7', port: 1080 },
};
const straight: Source = { name: 'near' };

interface Told {
  readonly failure: DialFailure | undefined;
  /** Hosts in the order they were dialled. */
  readonly dialled: readonly string[];
  readonly undialled: readonly string[];
  readonly left: readonly Step[];
}

async function dial(
  source: Source,
  steps: readonly Step[],
  hosts = 1,
  closesAt = -1,
): Promise<Told> {
  const clock = new SeededClock();
  const { relay } = defaultSettings;
  const [limits, timeouts] = [siteLimits(relay), phaseTimeouts(relay)];
  const left = [...steps];
  const dialled: string[] = [];
  const undialled: string[] = [];
  const dialer = new FakeDialer();
  dialer.failsBy = ({ address }) => {
    dialled.push(address);
    const [step] = left;
    if (step === 'ready' || step === 'lost' || step === 'says no') return undefined;
    left.shift();
    return step;
  };
  const openings = new Map<Session, (end: SessionEnd | undefined) => void>();
  const refuse = () => assert.fail('nothing is sent');
  const owner = {
    isClosed: false,
    onOpen: (session: Session) => {
      const { promise, resolve } = Promise.withResolvers<SessionEnd | undefined>();
      openings.set(session, resolve);
      const peer = dialer.peers.at(-1)!;
      const step = left.shift();
      if (step === 'lost') {
        owner.isClosed = dialled.length === closesAt;
        peer.hangUp();
      } else if (step === 'says no') peer.say('554 5.7.1 no\r\n');
      else peer.say('220 hop\r\n250 hop\r\n');
      return promise;
    },
    onReady: (session: Session) => openings.get(session)!(undefined),
    onEnd: (session: Session, end: SessionEnd) => openings.get(session)!(end),
    onIdle: () => {},
    onQuit: () => {},
    ...{
      take: () => undefined,
      judge: refuse,
      onTaken: refuse,
      onFinished: refuse,
      onLost: refuse,
    },
  };
  const state = new ShapingState(clock);
  const shape = new PathShape({ path: 'mx:a', state, clock, onHit: () => {} });
  const site = {
    ...{ name: 'mx:a', key: 'mx:a', source, provider: '', limits, timeouts, clock, dialer, shape },
    ...{ random: new SeededRandom(1), coarse: { nowMs: 0 }, onRoom: () => false },
    ...{ onSourceFault: (_: Reply) => {}, onSourceWorked: () => {} },
    handshake: { helloName: 'relay.test', tls: 'off' as const },
    leases: { join: refuse },
  };
  const siteDial = new SiteDial({
    ...{ owner, site, shaping: new SiteShaping(shape, limits, clock) },
    departure: { source: source.name, egress: '', provider: '' },
    lease: {
      dial: (granted: () => void) => granted(),
      undial: (host: string) => undialled.push(host),
      ...{ request: refuse, release: refuse, leave: refuse, excess: 0, gate: undefined },
    },
  });
  const targets = Array.from({ length: hosts }, (_, i) => ({
    ...{ host: `mx${i}.test`, address: `192.0.2.${i + 1}`, port: 25 },
  }));
  const failure = await siteDial.toFirst(new SiteHosts(source, targets));
  await settled();
  return { failure, dialled, undialled, left };
}

describe('behind a proxy', () => {
  it('a connection lost in its handshake is dialled once more, and that one may do', async () => {
    const told = await dial(proxied, ['lost', 'ready']);
    assert.equal(told.failure, undefined);
    assert.deepEqual(told.dialled, ['192.0.2.1', '192.0.2.1']);
  });

  it('lost twice, it is the host’s fault, and another host is next', async () => {
    const one = await dial(proxied, ['lost', 'lost']);
    assert.equal(one.failure?.isSource, false);
    assert.equal(one.failure?.end.isLost, true);
    const two = await dial(proxied, ['lost', 'lost', 'ready'], 2);
    assert.equal(two.failure, undefined);
    assert.deepEqual(two.dialled, ['192.0.2.1', '192.0.2.1', '192.0.2.2']);
  });

  it('where the proxy does not take the second, it was the source’s fault', async () => {
    const told = await dial(proxied, ['lost', 'source', 'ready'], 2);
    assert.equal(told.failure?.isSource, true);
    // A proxy that is down is so for all hosts.
    assert.deepEqual(told.left, ['ready']);
    assert.deepEqual(told.undialled, ['mx0.test']);
  });

  it('a proxy that is found down by the second host has failed, not the hosts', async () => {
    const told = await dial(proxied, ['lost', 'lost', 'source', 'ready'], 3);
    assert.equal(told.failure?.isSource, true);
    assert.deepEqual(told.left, ['ready']);
  });

  it('a host that says no is not asked again, nor is anybody once the path closes', async () => {
    const told = await dial(proxied, ['says no', 'ready']);
    assert.equal(told.failure?.end.reply.code, 554);
    assert.deepEqual(told.left, ['ready']);
    const closed = await dial(proxied, ['lost', 'ready'], 1, 1);
    assert.deepEqual(closed.left, ['ready']);
  });
});

it('without a proxy a connection that is lost is the host’s fault at once', async () => {
  const told = await dial(straight, ['lost', 'ready'], 2);
  assert.equal(told.failure, undefined);
  assert.deepEqual(told.dialled, ['192.0.2.1', '192.0.2.2']);
  const refused = await dial(straight, ['refused', 'timed-out'], 2);
  assert.deepEqual([refused.failure?.isSource, refused.failure?.isForGood], [false, false]);
  assert.deepEqual(refused.undialled, ['mx0.test', 'mx1.test']);
});
