/**
 * Aim:    each session counts once for each domain it was for, under the policy it was held to, with why it failed.
 * Method: deliveries over fake connections and a DNS with a policy given by the test; then the counters alone.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TlsSessionCounts } from '../../../../src/actors/asks/tls-session-asks.ts';
import type { HostRefusal, HostTls } from '../../../../src/engine/delivery/host-tls.ts';
import {
  sessionDomainsMax,
  TlsSessions,
  talliesMax,
  tellMs,
} from '../../../../src/engine/delivery/tls-sessions.ts';
import type { PolicyOutcomes } from '../../../../src/mail/formats/tls-report/write.ts';
import type { StsPolicy } from '../../../../src/mail/trust/mta-sts.ts';
import { FakeDialer } from '../../../support/fake-peer.ts';
import { deliveriesFor, outboundMessage, Sender } from '../../../support/outbound.ts';
import { SeededClock, SeededRandom, turns } from '../../../support/seeded-clock.ts';
import { ZoneDns } from '../../../support/zone-dns.ts';

const host = 'mx.far.test';
const sts = (mode: StsPolicy['mode'], mx = host): StsPolicy => ({
  ...{ mode, mx: [mx], maxAgeSeconds: 86_400 },
});
const dane: HostTls = {
  mode: 'required',
  dane: {
    records: [{ usage: 3, selector: 1, matching: 1, data: Buffer.of(1, 2) }],
    ...{ serverName: 'tlsa.far.test', names: ['far.test'] },
  },
};

function counters() {
  const clock = new SeededClock();
  const told: TlsSessionCounts[] = [];
  const sessions = new TlsSessions({ clock, tell: (counts) => told.push(counts) });
  return { clock, told, sessions };
}

/** As `sts far.test 1 ok, 2 certificate-expired`. */
function words({ policy, successes, failures }: PolicyOutcomes): string {
  const parts = failures.map(({ resultType, count }) => `${count} ${resultType}`);
  return [`${policy.type} ${policy.domain} ${successes} ok`, ...parts].join(', ');
}

/** What one session for `far.test` counts as. */
function counted(
  known: { sts?: StsPolicy; tls?: HostTls | HostRefusal },
  verdict: 'expired' | 'refused' | { unverified: string },
): string[] {
  const { told, sessions } = counters();
  sessions.learn('far.test', { sts: known.sts, hosts: new Map([[host, known.tls]]) });
  const session = sessions.path().session(host, '192.0.2.9');
  if (verdict === 'expired') session.failed('192.0.2.1', 'certificate has expired');
  else if (verdict === 'refused') session.failed('192.0.2.1', '', 'starttls-not-supported');
  else session.secured('192.0.2.1', verdict.unverified);
  session.carries('far.test');
  session.carries('far.test');
  session.carries('unknown.test');
  sessions.flush();
  return told[0]!.domains.flatMap(({ policies }) => policies.map(words));
}

test('RFC 8460 §4.4: a session counts under DANE, else MTA-STS, else no policy', () => {
  const good = { unverified: '' };
  assert.deepEqual(counted({}, good), ['no-policy-found far.test 1 ok']);
  assert.deepEqual(counted({ sts: sts('none') }, good), ['no-policy-found far.test 1 ok']);
  assert.deepEqual(counted({ sts: sts('enforce') }, good), ['sts far.test 1 ok']);
  assert.deepEqual(counted({ sts: sts('enforce'), tls: dane }, good), ['tlsa tlsa.far.test 1 ok']);
  assert.deepEqual(counted({ sts: sts('enforce') }, 'expired'), [
    'sts far.test 0 ok, 1 certificate-expired',
  ]);
  assert.deepEqual(counted({}, 'refused'), [
    'no-policy-found far.test 0 ok, 1 starttls-not-supported',
  ]);
  // Nobody asked for a name there.
  assert.deepEqual(counted({}, { unverified: 'self-signed certificate' }), [
    'no-policy-found far.test 1 ok',
  ]);
});

test('RFC 8460 §4.3.2.1: records that cannot be checked, and hosts nothing proves, count as failed', () => {
  const { records, serverName } = dane.dane!;
  const unusable: HostTls = { mode: 'required', unusable: { records, serverName } };
  const good = { unverified: '' };
  assert.deepEqual(counted({ tls: unusable }, good), ['tlsa tlsa.far.test 0 ok, 1 tlsa-invalid']);
  assert.deepEqual(counted({ tls: unusable }, 'refused'), [
    'tlsa tlsa.far.test 0 ok, 1 starttls-not-supported',
  ]);
  const { told, sessions } = counters();
  const hosts = new Map<string, HostTls | HostRefusal>([
    ['a.test', 'tlsa-failed'],
    [host, dane],
  ]);
  sessions.learn('far.test', { sts: undefined, hosts });
  sessions.flush();
  assert.deepEqual(told[0]!.domains[0]!.policies.map(words), [
    'tlsa a.test 0 ok, 1 dnssec-invalid',
  ]);
});

test('RFC 8461 §5: in testing, what enforcing would have stopped counts as failed', () => {
  assert.deepEqual(counted({ sts: sts('testing') }, { unverified: '' }), ['sts far.test 1 ok']);
  assert.deepEqual(counted({ sts: sts('testing') }, { unverified: 'CERT_HAS_EXPIRED' }), [
    'sts far.test 0 ok, 1 certificate-expired',
  ]);
  assert.deepEqual(counted({ sts: sts('testing', 'other.test') }, { unverified: '' }), [
    'sts far.test 0 ok, 1 validation-failure',
  ]);
});

test('hosts that may not be used at all count, too', () => {
  const { told, sessions } = counters();
  const hosts = new Map<string, HostRefusal>([
    ['a.test', 'tlsa-failed'],
    ['b.test', 'not-in-policy'],
    ['c.test', 'not-proven'],
  ]);
  sessions.held('far.test', { sts: sts('enforce'), hosts });
  sessions.flush();
  assert.deepEqual(told[0]!.domains[0]!.policies.map(words), [
    'tlsa a.test 0 ok, 1 dnssec-invalid',
    'sts far.test 0 ok, 1 validation-failure',
  ]);
});

test('counts wait for a moment, and so many domains at most', () => {
  const { clock, told, sessions } = counters();
  const session = () => {
    const made = sessions.path().session(host, '192.0.2.9');
    made.secured('192.0.2.1', '');
    return made;
  };
  for (let i = 0; i <= talliesMax; i++) {
    sessions.learn(`d${i}.test`, { sts: undefined, hosts: new Map() });
    session().carries(`d${i}.test`);
  }
  assert.deepEqual(
    told.map(({ domains }) => domains.length),
    [talliesMax],
  );
  const sinceMs = clock.nowMs();
  clock.advance(tellMs);
  assert.deepEqual([told.length, told[1]!.sinceMs], [2, sinceMs]);
  const long = session();
  for (let i = 0; i < 2 * sessionDomainsMax; i++) long.carries(`d${i}.test`);
  sessions.flush();
  assert.equal(told[2]!.domains.length, sessionDomainsMax);
});

async function delivered(plays: { tlsFault?: string; offersTls: boolean }, isOptional = false) {
  const { clock, told, sessions } = counters();
  const dialer = new FakeDialer();
  const dns = new ZoneDns({ 'far.test': [{ MX: [10, host] }], [host]: [{ A: '8.8.8.8' }] });
  const deliveries = deliveriesFor({
    ...{ clock, random: new SeededRandom(1), dialer, dns, tls: sessions },
    relay: { route: { kind: 'mx' }, tls: 'opportunistic' },
  });
  const sender = new Sender(deliveries);
  const message = outboundMessage({
    ...{ to: ['a@far.test'], terms: isOptional ? { isTlsOptional: true } : undefined },
  });
  sender.send(message, 'far.test');
  await turns(20);
  for (let at = 0; at < dialer.peers.length; at++) {
    const peer = dialer.peers[at]!;
    if (plays.tlsFault !== undefined) peer.tlsFault = plays.tlsFault;
    peer.say('220 hello\r\n');
    peer.say(plays.offersTls ? '250-far\r\n250 STARTTLS\r\n' : '250 far\r\n');
    if (plays.offersTls && at === 0) peer.say('220 go\r\n');
    await turns(20);
    if (plays.offersTls && at === 0 && plays.tlsFault === undefined) peer.say('250 far\r\n');
    await turns(20);
  }
  sessions.flush();
  deliveries.close();
  return told.flatMap(({ domains }) => domains.flatMap(({ policies }) => policies.map(words)));
}

test('a session that mail leaves by counts once, and one that fails before counts for who waited', async () => {
  assert.deepEqual(await delivered({ offersTls: true }), ['no-policy-found far.test 1 ok']);
  assert.deepEqual(await delivered({ offersTls: false }), [
    'no-policy-found far.test 0 ok, 1 starttls-not-supported',
  ]);
  // What is then sent in clear is no session of TLS.
  assert.deepEqual(await delivered({ offersTls: true, tlsFault: 'self-signed certificate' }), [
    'no-policy-found far.test 0 ok, 1 certificate-not-trusted',
  ]);
});

test('RFC 8460 §5.3: a session that carries what can do without TLS, as reports can, is not counted', async () => {
  assert.deepEqual(await delivered({ offersTls: true }, true), []);
});
