/**
 * Aim:    what we seal, others find sealed, over several hops; and no chain is sealed that must not be (RFC 8617).
 * Method: mailauth, in its strict mode, judges what is made here of each message of `test/fixtures/mime`.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scanHeaders } from '../../../../src/mail/formats/headers/scan.ts';
import { ArcSealer, instancesMax } from '../../../../src/mail/trust/arc.ts';
import { generateDkimKey } from '../../../../src/mail/trust/dkim/keys.ts';
import { verifyByReference } from '../../../../src/mail/trust/verify.ts';
import { mimeMessages } from '../../../support/mail-fixtures.ts';
import { ZoneDns } from '../../../support/zone-dns.ts';

const hops = ['one.example', 'two.example', 'three.example'].map((domain) => {
  const { selector, privatePem, recordText } = generateDkimKey('rsa-sha256', 'arc');
  return { domain, recordText, sealer: new ArcSealer({ domain, selector, privatePem }) };
});
const dns = new ZoneDns(
  Object.fromEntries(
    hops.map(({ domain, recordText }) => [`arc._domainkey.${domain}`, [{ TXT: recordText }]]),
  ),
);
const nowSeconds = Math.floor(Date.now() / 1_000) - 10;
const plain = Buffer.from(
  'From: ann@far.test\r\nTo: list@one.example\r\nSubject:  hi\r\n there\r\nDKIM-Signature: v=1; d=far.test\r\n\r\nbody \r\n',
);

/** The verdicts on a message, and our field about it. */
async function judged(message: Uint8Array, authservId = 'one.example') {
  const request = { message, sender: 'ann@far.test', peerAddress: '192.0.2.1', helo: 'far.test' };
  const { verdicts, field } = await verifyByReference(
    { ...request, authservId, nowMs: Date.now() },
    dns,
  );
  return { verdict: verdicts.arc, results: field };
}

/** Sealed by one hop after the other; what a hop adds goes on top. */
async function passed(message: Uint8Array, count: number): Promise<Uint8Array> {
  let whole = message;
  for (const { domain, sealer } of hops.slice(0, count)) {
    const { verdict, results } = await judged(whole, domain);
    const set = sealer.seal({ message: whole, results, verdict, nowSeconds });
    assert.ok(set !== undefined, 'a hop sealed nothing');
    whole = Buffer.concat([set, results, whole]);
  }
  return whole;
}

test('RFC 8617 §5.1: a chain of one, two and three seals is found whole', async () => {
  for (const count of [1, 2, 3]) {
    const whole = Buffer.from(await passed(plain, count));
    assert.equal((await judged(whole)).verdict, 'pass');
    assert.match(
      whole.toString(),
      new RegExp(`^ARC-Seal: i=${count};.* cv=${count > 1 ? 'pass' : 'none'};`),
    );
  }
});

test('RFC 8617 §4.1: each message of the fixtures passes once sealed', async () => {
  const failed: string[] = [];
  let count = 0;
  for (const [i, { name, bytes }] of mimeMessages().entries()) {
    const scan = scanHeaders(bytes);
    const isOdd = Array.from({ length: scan.count }, (_, field) => field).some(
      (field) => scan.nameEnd(field) === scan.nameStart(field) || scan.nameEnd(field) < 0,
    );
    if (i % 3 !== 0 || isOdd || scan.count === 0 || scan.bodyStart === scan.headerEnd) continue;
    const { verdict, results } = await judged(bytes);
    const set = hops[0]!.sealer.seal({ message: bytes, results, verdict, nowSeconds });
    if (set === undefined) continue;
    count++;
    const found = (await judged(Buffer.concat([set, results, bytes]))).verdict;
    if (found !== (verdict === 'fail' ? 'fail' : 'pass'))
      failed.push(`${name}: ${found} after ${verdict}`);
  }
  assert.ok(count > 50, `${count} messages only`);
  assert.deepEqual(failed, []);
});

test('RFC 8617 §5.1.2: a chain that fails gets one seal that says so, and no more', async () => {
  const broken = Buffer.from(
    Buffer.from(await passed(plain, 2))
      .toString()
      .replace('body', 'BODY'),
  );
  const { verdict, results } = await judged(broken);
  assert.equal(verdict, 'fail');
  const { sealer } = hops[2]!;
  const set = sealer.seal({ message: broken, results, verdict, nowSeconds });
  assert.match(Buffer.from(set!).toString(), /^ARC-Seal: i=3;.* cv=fail;/);
  const whole = Buffer.concat([set!, broken]);
  assert.equal((await judged(whole)).verdict, 'fail');
  const again = { message: whole, results, verdict: 'fail', nowSeconds };
  assert.equal(sealer.seal(again), undefined);
});

test('what is not known of a chain is not sealed, nor one that is full', async () => {
  const { sealer } = hops[0]!;
  const { results } = await judged(plain);
  for (const verdict of ['temperror', 'pass', 'fail']) {
    assert.equal(sealer.seal({ message: plain, results, verdict, nowSeconds }), undefined);
  }
  const full = Buffer.from(`ARC-Seal: i=${instancesMax}; cv=pass\r\n${plain}`);
  const headerless = Buffer.from('just text\r\n');
  for (const message of [full, headerless]) {
    assert.equal(sealer.seal({ message, results, verdict: 'none', nowSeconds }), undefined);
  }
});

test('no line of a set is longer than 120 characters', async () => {
  const { results, verdict } = await judged(plain);
  const set = hops[0]!.sealer.seal({ message: plain, results, verdict, nowSeconds })!;
  for (const line of Buffer.from(set).toString().split('\r\n')) assert.ok(line.length <= 120, line);
});
