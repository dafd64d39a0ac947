/** Aim: every field reads what it writes and names what is wrong. Method: all of the schema, then each builder's bounds. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { fieldsOf } from '../../../src/settings/field.ts';
import {
  bytes,
  duration,
  integer,
  parseBytes,
  parseDuration,
} from '../../../src/settings/fields.ts';
import { schema } from '../../../src/settings/schema.ts';

const words = { doc: 'x', reload: 'live' } as const;

test('every default of the schema, written as TOML, reads back as itself', () => {
  for (const { path, field } of fieldsOf(schema)) {
    const { value } = parse(`value = ${field.toToml(field.default)}`);
    assert.deepEqual(field.read(value), { ok: true, value: field.default }, path);
  }
});

test('every example of the schema is a value its field takes', () => {
  for (const { path, field } of fieldsOf(schema)) {
    if (field.example === undefined) continue;
    const { value } = parse(`value = ${field.example}`);
    assert.equal(field.read(value).ok, true, `${path} = ${field.example}`);
  }
});

test('every field has words, and a name that ends in its unit', () => {
  for (const { path, field } of fieldsOf(schema)) {
    assert.match(field.doc, /\.$/, `${path}: its words end with a full stop`);
    if (field.type === 'bytes') assert.match(path, /[bB]ytes/, path);
    if (field.type === 'duration') assert.match(path, /Ms/, path);
  }
});

test('bytes are numbers or text with a unit', () => {
  assert.equal(parseBytes('1000'), 1_000);
  assert.equal(parseBytes('10MB'), 10_000_000);
  assert.equal(parseBytes('64 MiB'), 64 * 1024 ** 2);
  assert.equal(parseBytes('1_000KiB'), 1_024_000);
  assert.equal(parseBytes('7B'), 7);
  for (const wrong of ['', '-1', '1.5MiB', '10 mb', 'MiB', '1TiB', '1e9']) {
    assert.equal(parseBytes(wrong), undefined, wrong);
  }
});

test('durations are milliseconds or text with a unit', () => {
  assert.equal(parseDuration('250'), 250);
  assert.equal(parseDuration('250ms'), 250);
  assert.equal(parseDuration('30s'), 30_000);
  assert.equal(parseDuration('5 m'), 300_000);
  assert.equal(parseDuration('4h'), 14_400_000);
  assert.equal(parseDuration('2d'), 172_800_000);
  for (const wrong of ['', '-1s', '1.5h', '5min', 's']) {
    assert.equal(parseDuration(wrong), undefined, wrong);
  }
});

test('bounds are part of a field, and the value on a bound is taken', () => {
  const field = integer({ ...words, default: 5, min: 2, max: 9 });
  assert.deepEqual(field.read(2), { ok: true, value: 2 });
  assert.deepEqual(field.read('9'), { ok: true, value: 9 });
  assert.deepEqual(field.read(1), { ok: false, reasons: ['must be at least 2'] });
  assert.deepEqual(field.read('10'), { ok: false, reasons: ['must be at most 9'] });
});

test('a fault says bounds in the unit an operator would write', () => {
  const size = bytes({ ...words, default: 1024, min: 1024, max: 1024 ** 3 });
  assert.deepEqual(size.read('1B'), { ok: false, reasons: ['must be at least 1KiB'] });
  const time = duration({ ...words, default: 1_000, min: 0, max: 300_000 });
  assert.deepEqual(time.read('6m'), { ok: false, reasons: ['must be at most 5m'] });
});

test('fractions, infinities, dates and tables are no numbers', () => {
  const field = integer({ ...words, default: 5, min: 0, max: 9 });
  for (const wrong of [
    1.5,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    {},
    [],
    true,
    '1.5',
    ' ',
    '0x1',
  ]) {
    assert.equal(field.read(wrong).ok, false, String(wrong));
  }
});
