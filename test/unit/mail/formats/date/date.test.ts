/** Aim: dates read and write as RFC 5322 has them. Method: the RFC's examples, odd dates of real mail, round trips. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DateWriter, formatDate } from '../../../../../src/mail/formats/date/format.ts';
import { parseDate } from '../../../../../src/mail/formats/date/parse.ts';

const cases: readonly (readonly [string, string])[] = [
  ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06Z'],
  ['Tue, 1 Jul 2003 10:52:37 +0200', '2003-07-01T08:52:37Z'],
  ['21 Nov 1997 10:01 GMT', '1997-11-21T10:01:00Z'],
  ['21 Nov 97 09:55:06 GMT', '1997-11-21T09:55:06Z'],
  ['21 Nov 26 09:55:06 EST', '2026-11-21T14:55:06Z'],
  ['Thu,\t13\tFeb\t1969 23:32 -0330 (Newfoundland Time (nested))', '1969-02-14T03:02:00Z'],
  ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', '1997-11-21T15:55:06Z'],
  ['Fri, 21 Nov 1997 23:59:60 +0000', '1997-11-22T00:00:00Z'],
  ['Sun Nov 22 02:09:16 2026', '2026-11-22T02:09:16Z'],
  ['Sun Nov 22 02:09:16 PST 2026', '2026-11-22T10:09:16Z'],
  ['Fri, May 09 2017 16:54:30 -0800', '2017-05-10T00:54:30Z'],
  ['18 Feb 01 12:29:13 AM', '2001-02-18T00:29:13Z'],
  ['2026-11-22T02:09:16.123+01:00', '2026-11-22T01:09:16Z'],
  ['Sunday, 22-Nov-26 02:09:16 Z', '2026-11-22T02:09:16Z'],
  ['Mon, 22 Nov 2026 02:09:16 +01:30', '2026-11-22T00:39:16Z'],
  ['22 Nov 2026 02:09:16 K', '2026-11-22T02:09:16Z'],
  ['31 Feb 2026 00:00:00 +0000', ''],
  ['22 Foo 2026 00:00:00 +0000', ''],
  ['22 Nov 2026 25:00:00 +0000', ''],
  ['yesterday', ''],
  ['', ''],
];

describe('dates', () => {
  for (const [text, expected] of cases) {
    test(text === '' ? 'no date' : text, () => {
      const parsed = parseDate(text);
      assert.equal(
        parsed === undefined ? '' : formatDate(parsed.epochMs),
        expected === '' ? '' : formatDate(Date.parse(expected)),
      );
    });
  }

  test('the zone is kept in minutes', () => {
    assert.equal(parseDate('21 Nov 1997 09:55:06 -0630')?.zoneMinutes, -390);
  });

  // RFC 5322 §3.3: the form is fixed; reading back would not show a wrong one. -0000 is for clocks that know no zone.
  test('dates are written in the form of RFC 5322, in UTC', () => {
    const written = formatDate(Date.UTC(2026, 10, 2, 2, 9, 6));
    assert.equal(written, 'Mon, 2 Nov 2026 02:09:06 +0000');
  });

  test('what is written reads back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -60_000_000_000, max: 253_402_300_799 }), (second) => {
        assert.equal(parseDate(formatDate(second * 1_000))?.epochMs, second * 1_000);
      }),
    );
  });

  test('a writer that remembers its second writes the same', () => {
    const writer = new DateWriter();
    for (const ms of [0, 999, 1_000, 500, 1_795_313_356_500]) {
      assert.equal(writer.write(ms), formatDate(ms));
    }
  });
});
