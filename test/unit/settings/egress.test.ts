/** Aim: sources, pools, rules and plans are read strictly, and written as they are read. */

import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { dailyPlan, poolRules, poolTable, sourceTable } from '../../../src/settings/egress.ts';
import type { Field } from '../../../src/settings/field.ts';
import { rowsMax } from '../../../src/settings/tables.ts';

const words = { reload: 'restart', doc: 'Words.' } as const;
const sources = sourceTable(words);
const pools = poolTable(words);
const rules = poolRules(words);
const plan = dailyPlan({ ...words, default: [1] });

function reasons(field: Field<unknown>, raw: unknown): string {
  const reading = field.read(raw);
  return reading.ok ? 'ok' : reading.reasons.join('; ');
}

describe('sources', () => {
  it('may have addresses, a name, a proxy, and be new', () => {
    const reading = sources.read({
      vie1: { ipv4: '192.0.2.1', ipv6: '2001:db8::1', helloName: 'mail.example.org' },
      far: { proxy: 'socks5://ann@192.0.2.9:1080', passwordFile: '/x', warmup: true },
      near: { ipv4: '192.0.2.2', proxy: 'proxy-v2://[2001:db8::9]:2525' },
      plain: {},
    });
    assert.ok(reading.ok);
    const [vie1, far, near, plain] = reading.value;
    assert.equal(vie1!.name, 'vie1');
    assert.equal(vie1!.proxy, undefined);
    assert.deepEqual(far!.proxy, {
      ...{ kind: 'socks5', host: '192.0.2.9', port: 1_080, user: 'ann' },
    });
    assert.equal(far!.warmup, true);
    assert.equal(near!.proxy?.host, '2001:db8::9');
    assert.deepEqual(
      [plain!.ipv4, plain!.ipv6, plain!.helloName, plain!.warmup],
      ['', '', '', false],
    );
  });

  it('are read from JSON text as from a table', () => {
    assert.deepEqual(
      sources.read('{"a":{"ipv4":"192.0.2.1"}}'),
      sources.read({ a: { ipv4: '192.0.2.1' } }),
    );
    assert.deepEqual(sources.read(''), { ok: true, value: [] });
  });

  it('with what is wrong are told all of it', () => {
    const wrong = { 'a|b': {}, b: { ipv4: '2001:db8::1', ipv6: 'x', speed: 3 } };
    const text = reasons(sources, wrong);
    for (const part of [/a\|b/, /b: there is no "speed"/, /no IPv4 address/, /no IPv6 address/]) {
      assert.match(text, part);
    }
    for (const proxy of ['http://192.0.2.1:1', 'socks5://name.test:1', 'socks5://192.0.2.1:0']) {
      assert.match(reasons(sources, { a: { proxy } }), /a: proxy: /, proxy);
    }
    assert.match(reasons(sources, { a: { proxy: 'proxy-v2://u@192.0.2.1:1' } }), /no log-in/);
    assert.match(
      reasons(sources, { a: { proxy: `socks5://${'u'.repeat(256)}@192.0.2.1:1` } }),
      /255/,
    );
    assert.match(reasons(sources, { a: { warmup: 'yes' } }), /true or false/);
    assert.match(reasons(sources, { a: 3 }), /must be a table/);
    assert.match(reasons(sources, [1]), /NAME/);
  });

  it(`are ${rowsMax} at most`, () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`s${at}`, {}]));
    assert.equal(reasons(sources, many(rowsMax)), 'ok');
    assert.match(reasons(sources, many(rowsMax + 1)), /at most/);
  });
});

test('a pool is sources with weights, and who may ask for it', () => {
  const reading = pools.read({ bulk: { sources: { a: 3, b: 1 }, tenants: ['acme'] } });
  assert.ok(reading.ok);
  assert.deepEqual(reading.value[0]?.sources, [
    { source: 'a', weight: 3 },
    { source: 'b', weight: 1 },
  ]);
  assert.match(reasons(pools, { bulk: {} }), /SOURCE = weight/);
  assert.match(reasons(pools, { bulk: { sources: {} } }), /must name a source/);
  for (const weight of [0, 1_001, 1.5, 'x']) {
    assert.match(reasons(pools, { bulk: { sources: { a: weight } } }), /1 to 1000/);
  }
  assert.match(reasons(pools, { bulk: { sources: { a: 1 }, tenants: 'acme' } }), /list of tenants/);
});

test('a rule names a pool, and what must match', () => {
  const reading = rules.read([{ tenant: 'acme', domain: '.Example.ORG', pool: 'bulk' }]);
  assert.ok(reading.ok);
  assert.deepEqual(reading.value, [
    { tenant: 'acme', campaign: '', domain: '.example.org', pool: 'bulk' },
  ]);
  assert.match(reasons(rules, [{}]), /row 1: pool: must name a pool/);
  assert.match(reasons(rules, [{ pool: 'Bulk Mail' }]), /a name is/);
  assert.match(reasons(rules, [{ pool: 'bulk', domain: '..' }]), /not a domain/);
  assert.match(reasons(rules, { pool: 'bulk' }), /list of tables/);
});

test('a plan has numbers that do not fall', () => {
  assert.deepEqual(plan.read('50, 100,200'), { ok: true, value: [50, 100, 200] });
  assert.equal(reasons(plan, [5, 5]), 'ok');
  assert.match(reasons(plan, [5, 4]), /fall/);
  assert.match(reasons(plan, []), /1 to 366/);
  assert.match(reasons(plan, [0]), /no number of messages/);
  assert.match(reasons(plan, '1,x'), /no number of messages/);
  assert.match(reasons(plan, true), /list of numbers/);
});
