/** Aim: what a finding is worth, lists and labels are read strictly, and written as they are read. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Field } from '../../../src/settings/field.ts';
import { judgement, labelTable, listTable, pointsMax } from '../../../src/settings/filters.ts';
import { testSettings } from '../../support/test-server.ts';

const words = { reload: 'live', doc: 'Words.' } as const;
const worth = judgement({ ...words, default: 0 });
const lists = listTable(words);
const labels = labelTable(words);

function reasons(field: Field<unknown>, raw: unknown): string {
  const reading = field.read(raw);
  return reading.ok ? 'ok' : reading.reasons.join('; ');
}

test('a finding is accepted, refused, or worth points up to a bound', () => {
  for (const [raw, value] of [
    ['accept', 0],
    ['reject', 'reject'],
    [3, 3],
    ['-3', -3],
    ['-0', 0],
    [pointsMax, pointsMax],
    [-pointsMax, -pointsMax],
  ] as const) {
    assert.deepEqual(worth.read(raw), { ok: true, value }, String(raw));
  }
  for (const raw of [pointsMax + 1, -pointsMax - 1, 0.5, '9999', 'no', '', true, undefined, []]) {
    assert.match(reasons(worth, raw), /^must be "accept", "reject", or points/, String(raw));
  }
});

test('answers of a list are an address, a range, a network, or bits', () => {
  const of = (pattern: string) => {
    const reading = lists.read({ x: { zone: 'x.test', answers: { [pattern]: 1 } } });
    if (!reading.ok) return reading.reasons.join('; ');
    const { first, last, bits } = reading.value[0]!.answers[0]!;
    return `${(first >>> 0) & 0xff_ffff} ${(last >>> 0) & 0xff_ffff} ${bits}`;
  };
  assert.equal(of('127.0.0.4'), '4 4 0');
  assert.equal(of('127.0.0.4-7'), '4 7 0');
  assert.equal(of('127.0.1.9/24'), '256 511 0');
  assert.equal(of('127.0.0.&6'), '0 255 6');
  for (const bad of ['10.0.0.1', '127.0.0.7-4', '127.0.0.256', '127.0.0.0/7', '127.0.0.0/33']) {
    assert.match(of(bad), /is no answer of a list/, bad);
  }
  for (const bad of ['127.0.0.&0', '127.0.0.&256', '127.0.0.', '127.0.0.4-256']) {
    assert.match(of(bad), /is no answer of a list/, bad);
  }
});

test('a list has the name of a domain, and room for an address before it', () => {
  assert.match(reasons(lists, { x: { zone: 'not a name' } }), /is not the name of a list/);
  assert.match(reasons(lists, { x: {} }), /is not the name of a list/);
  const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(53)}.test`;
  assert.equal(reasons(lists, { x: { zone: long } }), 'ok');
  assert.match(reasons(lists, { x: { zone: `d${long}x` } }), /is not the name of a list/);
  assert.match(reasons(lists, { x: { zone: 'x.test', more: 1 } }), /there is no "more" here/);
});

test('labels stand once, in a table or in one text', () => {
  assert.deepEqual(labels.read('Country:XX=2, as:1=reject'), {
    ...{ ok: true },
    value: [
      { label: 'country:xx', judgement: 2 },
      { label: 'as:1', judgement: 'reject' },
    ],
  });
  assert.match(reasons(labels, 'a=1,A=2'), /"A" stands twice/);
  assert.match(reasons(labels, { 'a b': 1 }), /"a b" is no label/);
  assert.match(reasons(labels, 'a'), /^a: must be/);
});

test('what is asked for nothing, or cannot be, is a fault', () => {
  const fault = (given: Record<string, string>) => {
    const named = Object.entries(given).map(([name, value]) => [`filters.${name}`, value]);
    return () => testSettings('/nowhere', Object.fromEntries(named));
  };
  assert.throws(fault({ 'labels.points': 'x=1' }), /no file says/);
  assert.throws(fault({ lists: '{"x":{"zone":"x.test"}}' }), /nothing it answers counts/);
  const times = { 'greylist.retryMsMax': '5m', 'greylist.waitMs': '5m' };
  assert.throws(fault(times), /nobody could come again in time/);
  assert.doesNotThrow(fault({ 'greylist.mode': 'all' }));
});
