/** Lines of the audit log: one entry has one line, within its limits. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  chained,
  detailsMax,
  genesisOf,
  isSound,
  lineOf,
  readLine,
  textLengthMax,
} from '../../../../src/adapters/audit/chain.ts';
import { facts } from '../../../contracts/audit-log.ts';

const place = { sequence: 1, atMs: Date.UTC(2026, 0, 31, 12), previous: genesisOf('a') };

describe('a line of the audit log', () => {
  it('is the same whatever order details were given in, and is read back as it was', () => {
    const one = chained(facts('a', { details: { b: 1, a: 'x', c: true, __proto__: 'y' } }), place);
    const other = chained(facts('a', { details: { c: true, a: 'x', b: 1 } }), place);
    assert.equal(one.line, other.line);
    assert.equal(lineOf(one.entry), one.line);
    assert.deepEqual(readLine(one.line), one.entry);
    assert.equal(isSound(one.line, one.entry), true);
    assert.equal(
      one.line.replace(/"(previous|hash)":"\w+"/g, '"$1":""'),
      '{"seq":1,"at":"2026-01-31T12:00:00.000Z","act":"a","outcome":"done","principal":"operator",' +
        '"resource":"tenant acme","details":{"a":"x","b":1,"c":true},"previous":"","hash":""}',
    );
  });

  it('is not sound with another octet, field, order or hash', () => {
    const { line, entry } = chained(facts('a'), place);
    for (const changed of [
      line.replace('acme', 'acm3'),
      line.replace('{"seq":1,', '{ "seq":1,'),
      line.replace('{"seq":1,', '{"seq":1,"more":1,'),
      line.replace(/("seq":1),("at":"[^"]+")/, '$2,$1'),
      line.replace(entry.hash, entry.previous),
    ]) {
      assert.notEqual(changed, line);
      const read = readLine(changed);
      assert.ok(read === undefined || !isSound(changed, read), changed);
    }
  });

  it('is none where a field is missing or of another kind', () => {
    const { line } = chained(facts('a', { of: 1 }), place);
    const fields = JSON.parse(line) as Record<string, unknown>;
    for (const [name, value] of [
      ...(['seq', 'at', 'act', 'outcome', 'principal', 'previous', 'hash'] as const).map(
        (each) => [each, undefined] as const,
      ),
      ...[
        ['seq', 0],
        ['seq', 1.5],
        ['at', 'never'],
        ['outcome', 'maybe'],
        ['tenant', -1],
      ],
      ...[
        ['of', 0],
        ['details', []],
        ['details', { a: {} }],
        ['hash', 'x'],
        ['peer', 1],
      ],
    ] as [string, unknown][]) {
      assert.equal(readLine(JSON.stringify({ ...fields, [name]: value })), undefined, name);
    }
    for (const text of ['', 'null', '[]', '{', '1']) assert.equal(readLine(text), undefined);
  });

  it('holds texts and details up to their limits, and well-formed ones only', () => {
    const long = 'x'.repeat(textLengthMax);
    const many = Object.fromEntries(Array.from({ length: detailsMax + 1 }, (_, i) => [`d${i}`, i]));
    const { entry } = chained(
      facts('a', { resource: long, reason: `${long}y`, peer: 'a\ud800', details: many }),
      place,
    );
    assert.equal(entry.resource, long);
    assert.equal(entry.reason, `${long.slice(1)}…`);
    assert.equal(entry.peer, 'a\ufffd');
    assert.equal(Object.keys(entry.details).length, detailsMax);
    assert.equal(isSound(lineOf(entry), entry), true);
  });
});
