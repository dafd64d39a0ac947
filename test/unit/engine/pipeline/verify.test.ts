/**
 * Aim:    untrusted mail is verified, and refused only where its author's domain and our operator both want that
 *         (RFC 9989 §5.4).
 * Method: one message against zones that pass, fail or do not answer.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy } from '../../../../src/actors/asks/policy-snapshot.ts';
import type { Arrival, Envelope } from '../../../../src/actors/asks/reception.ts';
import type { MessageId, TenantId } from '../../../../src/base/ids.ts';
import type { Network } from '../../../../src/base/networks.ts';
import { compilePolicy } from '../../../../src/engine/pipeline/policy.ts';
import type { MessageToPrepare } from '../../../../src/engine/pipeline/prepare.ts';
import { needsVerification, verify } from '../../../../src/engine/pipeline/verify.ts';
import { ArcSealer } from '../../../../src/mail/trust/arc.ts';
import { generateDkimKey } from '../../../../src/mail/trust/dkim/keys.ts';
import { signaturesMax } from '../../../../src/mail/trust/verify.ts';
import type { Dns } from '../../../../src/ports/dns.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';
import { type Zone, ZoneDns } from '../../../support/zone-dns.ts';

const arrival: Arrival = {
  id: '0123456789ABCDEF' as MessageId,
  receivedMs: 0,
  listener: 'smtp',
  protocol: 'ESMTP',
  peerAddress: '192.0.2.1',
  peerPort: 4711,
  helo: 'client.example.org',
  trusted: false,
  tenant: 0 as TenantId,
};
const envelope: Envelope = {
  sender: 'a@example.org',
  recipients: [],
  body: '7bit',
  smtputf8: false,
};
const message: MessageToPrepare = {
  body: Buffer.from('From: a@example.org\r\n\r\nbody\r\n'),
  envelope,
  arrival,
};
const clock = new SeededClock();
const within = (dns: Dns) => ({ dns, clock, verdictMsMax: 10_000 });
const marking = compilePolicy({ ...defaultPolicy, authservId: 'mx.example.net' });
const enforcing = compilePolicy({ ...defaultPolicy, dmarc: 'enforce' });
const zone = (address: string, policy: string): Zone => ({
  'example.org': [{ TXT: `v=spf1 ip4:${address} -all` }],
  '_dmarc.example.org': [{ TXT: `v=DMARC1; p=${policy}` }],
});

test('trusted mail and switched-off verification need none', () => {
  assert.ok(needsVerification(message, marking));
  assert.ok(!needsVerification({ ...message, arrival: { ...arrival, trusted: true } }, marking));
  const off = compilePolicy({ ...defaultPolicy, verifyInbound: false });
  assert.ok(!needsVerification(message, off));
});

test('a pass is marked with our name', async () => {
  const result = await verify(message, marking, within(new ZoneDns(zone('192.0.2.1', 'reject'))));
  assert.ok(result.ok);
  assert.equal(result.verdicts?.dmarc, 'pass');
  assert.match(
    Buffer.from(result.field).toString(),
    /^Authentication-Results: mx\.example\.net;(?:.|\r\n )*\r\n$/,
  );
});

test('a DMARC failure is refused only where the operator enforces', async () => {
  const dns = new ZoneDns(zone('198.51.100.1', 'reject'));
  const marked = await verify(message, marking, within(dns));
  assert.ok(marked.ok);
  assert.equal(marked.verdicts?.dmarc, 'fail');
  const refused = await verify(message, enforcing, within(dns));
  assert.ok(!refused.ok);
  assert.equal(refused.code, 'policy-refused');
});

test('RFC 9989 §5.4: what comes from excepted networks, or of excepted authors, is taken and marked', async () => {
  const dns = new ZoneDns(zone('198.51.100.1', 'reject'));
  const network = (address: string): Network => ({ family: 4, address, prefixBits: 24 });
  const isTaken = async (networks: readonly Network[], domains: readonly string[], from = '') => {
    const dmarcExceptions = { networks, domains };
    const policy = compilePolicy({ ...defaultPolicy, dmarc: 'enforce', dmarcExceptions });
    const body = from === '' ? message.body : Buffer.from(`${from}\r\n\r\nbody\r\n`);
    const found = await verify({ ...message, body }, policy, within(dns));
    if (found.ok) assert.equal(found.verdicts?.dmarc, 'fail');
    return found.ok;
  };
  assert.equal(await isTaken([], []), false);
  assert.equal(await isTaken([network('192.0.2.0')], []), true);
  assert.equal(await isTaken([network('203.0.113.0')], ['example.net', 'a.example.org']), false);
  assert.equal(await isTaken([], ['example.org']), true);
  assert.equal(await isTaken([], ['org']), true);
  assert.equal(await isTaken([], ['net'], 'From: a@example.org\r\nFrom: b@x.net'), false);
});

test('RFC 9989 §5.4: what trusted forwarders alone sealed, and found to pass, is not refused', async () => {
  const key = generateDkimKey('rsa-sha256', 's');
  const sealer = new ArcSealer({ domain: 'lists.test', selector: 's', privatePem: key.privatePem });
  const dns = new ZoneDns({
    ...zone('198.51.100.1', 'reject'),
    's._domainkey.lists.test': [{ TXT: key.recordText }],
  });
  const sealed = (found: string): MessageToPrepare => {
    const results = Buffer.from(`Authentication-Results: lists.test; ${found}\r\n`);
    const nowSeconds = Math.floor(clock.nowMs() / 1_000);
    const set = sealer.seal({ message: message.body, results, verdict: 'none', nowSeconds });
    return { ...message, body: Buffer.concat([set!, message.body]) };
  };
  const trusting = (...trustedSealers: string[]) =>
    compilePolicy({ ...defaultPolicy, dmarc: 'enforce', trustedSealers });
  const isTaken = async (given: MessageToPrepare, policy = trusting('lists.test')) =>
    (await verify(given, policy, within(dns))).ok;
  assert.equal(await isTaken(sealed('dmarc=pass header.from=example.org')), true);
  assert.equal(
    await isTaken(sealed('spf=none (x) ; dmarc = pass (p=reject; "a") header.from=x')),
    true,
  );
  assert.equal(await isTaken(sealed('dmarc=pass'), trusting('other.test')), false);
  assert.equal(await isTaken(sealed('dmarc=pass'), trusting()), false);
  for (const found of [
    'dmarc=fail',
    'spf=pass (; dmarc=pass)',
    'spf=pass smtp.helo="; dmarc=pass"',
    'spf=pass (\\); dmarc=pass)',
    'dmarc=fail; dmarc=pass',
    'xdmarc=pass',
  ]) {
    assert.equal(await isTaken(sealed(found)), false, found);
  }
  const changed = sealed('dmarc=pass');
  const body = Buffer.from(Buffer.from(changed.body).toString().replace('\r\nbody', '\r\nspam'));
  assert.equal(await isTaken({ ...changed, body }), false);
});

test('quarantine and none never refuse', async () => {
  for (const policy of ['quarantine', 'none']) {
    const result = await verify(
      message,
      enforcing,
      within(new ZoneDns(zone('198.51.100.1', policy))),
    );
    assert.ok(result.ok);
  }
});

test('RFC 9989 §5.4: what fails a policy of quarantine is marked in our name, where it is enforced', async () => {
  const named = (dmarc: 'mark' | 'enforce') =>
    compilePolicy({ ...defaultPolicy, dmarc, authservId: 'mx.example.net' });
  const fieldOf = async (dmarc: 'mark' | 'enforce', address: string, policy: string) => {
    const dns = new ZoneDns(zone(address, policy));
    const result = await verify(message, named(dmarc), within(dns));
    return result.ok ? Buffer.from(result.field).toString() : 'refused';
  };
  const mark = /\r\nX-DMARC-Outcome: mx\.example\.net; quarantine\r\n$/;
  assert.match(await fieldOf('enforce', '198.51.100.1', 'quarantine'), mark);
  assert.doesNotMatch(await fieldOf('mark', '198.51.100.1', 'quarantine'), mark);
  assert.doesNotMatch(await fieldOf('enforce', '192.0.2.1', 'quarantine'), mark);
  assert.doesNotMatch(await fieldOf('enforce', '198.51.100.1', 'none'), mark);
});

test('a DNS that does not answer refuses nothing', async () => {
  const dns = new ZoneDns({ 'example.org': ['TIMEOUT'], '_dmarc.example.org': ['TIMEOUT'] });
  assert.ok((await verify(message, enforcing, within(dns))).ok);
});

test('a DNS that breaks gives a temporary refusal, not a rejection', async () => {
  const broken = new Proxy({} as ZoneDns, {
    get() {
      throw new Error('broken');
    },
  });
  const result = await verify(message, enforcing, within(broken));
  assert.ok(!result.ok || result.verdicts?.dmarc !== 'pass');
});

const silent = (known: Readonly<Record<string, string>> = {}) =>
  ({
    ...Object.fromEntries(
      ['a', 'aaaa', 'mx', 'ptr', 'srv', 'tlsa', 'cname'].map((type) => [
        type,
        () => new Promise(() => {}),
      ]),
    ),
    txt: (name: string) => {
      const text = known[name];
      if (text === undefined) return new Promise(() => {});
      const records = text === '' ? [] : [text];
      return Promise.resolve({ ok: true, records, ttlSeconds: 60, secure: false });
    },
  }) as unknown as Dns;

async function late(policy: typeof marking, dns: Dns) {
  const answer = verify(message, policy, within(dns));
  await turns(20);
  clock.advance(10_000);
  await turns(20);
  clock.advance(5_000);
  return await answer;
}

test('verdicts that do not come in time are temporary errors, and the mail flows once', async () => {
  const result = await late(marking, silent());
  assert.ok(result.ok);
  assert.match(
    Buffer.from(result.field).toString(),
    /spf=temperror; dkim=temperror; dmarc=temperror/,
  );
});

test('where DMARC is enforced, slow names of the sender get nothing past an author who asks', async () => {
  const codeOf = async (known?: Readonly<Record<string, string>>) => {
    const result = await late(enforcing, silent(known));
    return result.ok ? 'taken' : result.code;
  };
  const asks = (policy: string) => ({
    '_dmarc.example.org': `v=DMARC1; p=${policy}`,
    '_dmarc.org': '',
  });
  assert.equal(await codeOf(asks('reject')), 'verdict-missing');
  assert.equal(await codeOf(asks('quarantine')), 'verdict-missing');
  assert.equal(await codeOf(asks('none')), 'taken');
  assert.equal(await codeOf({ '_dmarc.example.org': '', '_dmarc.org': '' }), 'taken');
  assert.equal(await codeOf(), 'verdict-missing');
});

test('RFC 9989 §5.3.1: several From fields get nothing past DMARC where it is enforced', async () => {
  const body = Buffer.concat([Buffer.from('From: b@other.test\r\n'), message.body]);
  const dns = new ZoneDns(zone('198.51.100.1', 'reject'));
  const refused = await verify({ ...message, body }, enforcing, within(dns));
  assert.equal(refused.ok ? 'taken' : refused.code, 'policy-refused');
  assert.ok((await verify({ ...message, body }, marking, within(dns))).ok);
});

test('a header that is refused anyway costs no look-up', async () => {
  const dns = new ZoneDns({});
  const body = Buffer.from('Received: x\r\n'.repeat(60) + message.body);
  const result = await verify({ ...message, body }, marking, within(dns));
  assert.ok(!result.ok);
  assert.equal(result.code, 'message-loops');
  assert.deepEqual(dns.asked, []);
});

test('of many signatures only the topmost are looked at', async () => {
  const signature = (i: number) =>
    `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=d${i}.example; s=s; h=from; l=${i};\r\n` +
    ' bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n';
  const header = Array.from({ length: 500 }, (_, i) => signature(i)).join('');
  const dns = new ZoneDns({});
  const result = await verify(
    { ...message, body: Buffer.from(header + message.body) },
    marking,
    within(dns),
  );
  assert.ok(result.ok);
  const field = Buffer.from(result.field).toString();
  assert.equal(field.match(/dkim=/g)?.length, signaturesMax);
  assert.ok(field.includes('header.d=d0.example'));
});
