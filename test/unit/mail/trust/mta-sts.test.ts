/** Aim: MTA-STS records and policies are read as RFC 8461 says, and what is none is taken for none. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  isHostInPolicy,
  maxAgeSecondsMax,
  parseStsPolicy,
  type StsPolicy,
  stsPolicyId,
  stsRecordId,
  writeStsPolicy,
} from '../../../../src/mail/trust/mta-sts.ts';

describe('the record of a policy', () => {
  // RFC 8461 §3.1.
  it('is one TXT record with an id', () => {
    assert.equal(stsRecordId(['v=STSv1; id=20160831085700Z;']), '20160831085700Z');
    assert.equal(stsRecordId(['v=spf1 -all', 'v=STSv1;id=a']), 'a');
    assert.equal(stsRecordId(['v=STSv1 ; other=1; id=a1 ; more=2']), 'a1');
  });

  it('is none where there are several, or no id', () => {
    assert.equal(stsRecordId([]), undefined);
    assert.equal(stsRecordId(['v=STSv1; id=a', 'v=STSv1; id=b']), undefined);
    assert.equal(stsRecordId(['v=STSv1;']), undefined);
    assert.equal(stsRecordId(['v=STSv10; id=a']), undefined);
    assert.equal(stsRecordId([`v=STSv1; id=${'a'.repeat(33)}`]), undefined);
    assert.equal(stsRecordId(['v=STSv1; id=a-b']), undefined);
  });
});

const example = [
  'version: STSv1',
  'mode: enforce',
  'mx: mail.example.com',
  'mx: *.example.net',
  'mx: backupmx.example.com',
  'max_age: 604800',
];

describe('a policy', () => {
  // RFC 8461 §3.2, the example.
  it('has a mode, hosts and an age', () => {
    const policy: StsPolicy = {
      ...{ mode: 'enforce', maxAgeSeconds: 604_800 },
      mx: ['mail.example.com', '*.example.net', 'backupmx.example.com'],
    };
    assert.deepEqual(parseStsPolicy(example.join('\r\n')), policy);
    assert.deepEqual(parseStsPolicy(`${example.join('\n')}\n`), policy);
    assert.deepEqual(parseStsPolicy(writeStsPolicy(policy)), policy);
  });

  it('is read past what is unknown, and by the first of what stands twice', () => {
    const more = ['future: 1', ...example, 'mode: none', 'max_age: 1', 'no field'];
    assert.equal(parseStsPolicy(more.join('\n'))?.mode, 'enforce');
    assert.equal(parseStsPolicy(more.join('\n'))?.maxAgeSeconds, 604_800);
  });

  it('needs no host where it is none', () => {
    const policy = parseStsPolicy('version: STSv1\nmode: none\nmax_age: 86400\n');
    assert.deepEqual(policy, { mode: 'none', mx: [], maxAgeSeconds: 86_400 });
  });

  it('is believed for a year at most', () => {
    const long = example.join('\n').replace('604800', '9999999999');
    assert.equal(parseStsPolicy(long)?.maxAgeSeconds, maxAgeSecondsMax);
  });

  it('is none without version, mode, age or hosts, or with what cannot be read', () => {
    for (let at = 0; at < example.length; at++) {
      if (example[at]!.startsWith('mx')) continue;
      assert.equal(parseStsPolicy(example.toSpliced(at, 1).join('\n')), undefined);
    }
    const text = example.join('\n');
    assert.equal(parseStsPolicy(text.replace('enforce', 'strict')), undefined);
    assert.equal(parseStsPolicy(text.replace('604800', 'a week')), undefined);
    assert.equal(parseStsPolicy(text.replace('*.example.net', 'mx.*.net')), undefined);
    assert.equal(parseStsPolicy(text.replaceAll(/mx: .*\n/g, '')), undefined);
    assert.equal(parseStsPolicy('<h1>Welcome</h1>'), undefined);
    // At once, whatever is in it.
    assert.equal(parseStsPolicy(`mx:${' '.repeat(65_000)}x`), undefined);
    assert.equal(parseStsPolicy(`${text}\nmx: ${'a-'.repeat(32_000)}`), undefined);
    assert.equal(parseStsPolicy(`${text}\n${'mx: a.test\n'.repeat(200)}`), undefined);
  });
});

it('another policy has another id, and a record can carry it', () => {
  const policy = parseStsPolicy(example.join('\n'))!;
  const id = stsPolicyId(policy);
  assert.equal(stsRecordId([`v=STSv1; id=${id}`]), id);
  assert.equal(stsPolicyId({ ...policy }), id);
  assert.notEqual(stsPolicyId({ ...policy, mode: 'testing' }), id);
});

// RFC 8461 §4.1.
it('a host is named as it is, or by one label for the leftmost', () => {
  const policy = parseStsPolicy(example.join('\n'))!;
  for (const host of ['mail.example.com', 'MAIL.example.com.', 'a.example.net', 'b.EXAMPLE.net']) {
    assert.equal(isHostInPolicy(policy, host), true, host);
  }
  for (const host of ['example.net', 'a.b.example.net', 'x.mail.example.com', 'example.com', '']) {
    assert.equal(isHostInPolicy(policy, host), false, host);
  }
});
