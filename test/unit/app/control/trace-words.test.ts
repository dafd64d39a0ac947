/** Aim: every kind of event reads as people need it. Method: a table. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PackedEvent } from '../../../../src/actors/asks/trace-asks.ts';
import { traceEventOf } from '../../../../src/app/control/trace-words.ts';

const id = '01JQ5Z8N3K7M0000';
const to = ['r@b.test'];
const three = ['a@b.test', 'B@b.test', 'c@b.test'];
const origin = ['smtp', 'ESMTPSA', '192.0.2.7', 'c.test', 'u@a.test'] as const;
const none = ['', '', '', '', ''] as const;

/** What is looked for, the event, its kind, its recipient, its detail. */
const cases: readonly [string, PackedEvent, string, string | undefined, string][] = [
  [
    id,
    [0, 1, id, 0, 's@a.test', to, 99, 1, ...origin],
    'accepted',
    'r@b.test',
    '99 bytes, by smtp with ESMTPSA from [192.0.2.7] (c.test) as <u@a.test>',
  ],
  [
    id,
    [0, 1, id, 0, '', three, 99, 3, 'bounce', '', '', '', ''],
    'accepted',
    undefined,
    '99 bytes, by bounce, 3 recipients, to <a@b.test> <B@b.test> <c@b.test>',
  ],
  [
    'b@b.test',
    [0, 1, id, 0, '', three, 99, 3, 'bounce', '', '', '', ''],
    'accepted',
    'B@b.test',
    '99 bytes, by bounce, 3 recipients',
  ],
  [
    id,
    [1, 1, id, 0, '', to, 'mx.test', '192.0.2.1', '250 2.0.0 ok', 1, 0],
    'delivered',
    'r@b.test',
    '250 2.0.0 ok, at mx.test [192.0.2.1]',
  ],
  [
    id,
    [2, 1, id, 0, '', to, '192.0.2.1', '192.0.2.1', '451 4.2.1 later', 3, 60_000],
    'deferred',
    'r@b.test',
    '451 4.2.1 later, at 192.0.2.1, attempt 3, next 1970-01-01T00:01:00.000Z',
  ],
  [id, [4, 1, id, 0, '', to, '', '', '451 no', 9, 0], 'expired', 'r@b.test', '451 no, attempt 9'],
  [id, [5, 1, id, 0, '', to, '', '', '554 removed', 0, 0], 'deleted', 'r@b.test', '554 removed'],
  [
    id,
    [6, 1, id, 0, 's@a.test', [], '01JQ5Z8N3K7M0009'],
    'bounced',
    undefined,
    'reported to the sender as 01JQ5Z8N3K7M0009',
  ],
  [id, [7, 1, id, 0, '', to, 5, false, ...none], 'stored', 'r@b.test', 'UID 5'],
  [
    id,
    [7, 1, id, 0, '', to, 0, false, ...none],
    'stored',
    'r@b.test',
    'kept nowhere: its script wanted nothing else',
  ],
  [
    id,
    [7, 1, id, 0, '', to, 5, true, 'lmtp', 'LMTP', '', 'c', ''],
    'stored',
    'r@b.test',
    'UID 5, was there already, by lmtp with LMTP (c)',
  ],
  [
    id,
    [8, 1, id, 0, '', to, 'account-over-quota', ...none],
    'refused',
    'r@b.test',
    'account-over-quota',
  ],
];

describe('the words of an event', () => {
  for (const [of, event, kind, recipient, detail] of cases) {
    it(`tell of ${kind}: ${detail}`, () => {
      const words = traceEventOf(event, of);
      assert.deepEqual([words.kind, words.recipient, words.detail], [kind, recipient, detail]);
      assert.deepEqual([words.id, words.instantMs, words.sender], [id, 1, event[4]]);
    });
  }

  it('name eight recipients of many', () => {
    const many = Array.from({ length: 64 }, (_, i) => `r${i}@b.test`);
    const { detail } = traceEventOf([0, 1, id, 0, '', many, 9, 200, ...none], id);
    assert.match(detail, /^9 bytes, 200 recipients, to (<r\d@b\.test> ){8}and 56 more$/);
  });
});
