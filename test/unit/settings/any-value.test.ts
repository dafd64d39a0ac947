/** Aim: no value, however odd, gets past its check or crashes a start. Method: random ones for every setting. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import { fieldsOf } from '../../../src/settings/field.ts';
import { load } from '../../../src/settings/load.ts';
import { schema } from '../../../src/settings/schema.ts';
import { readToml } from '../../../src/settings/sources.ts';

const fields = [...fieldsOf(schema)];

test('any text for any setting is a good value or a fault, and a good one is written and read back', () => {
  const near = fc.constantFrom(
    '',
    ',',
    '0',
    '-1',
    '1s',
    '5MiB',
    'mx',
    'smtp://[::1]:25',
    '::/0',
    '1.2.3.4:5',
    'a=mx',
    'true',
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...fields),
      fc.oneof(near, fc.string()),
      ({ path, field }, text) => {
        const reading = field.read(text);
        if (!reading.ok) {
          assert.ok(reading.reasons.length > 0, path);
          return;
        }
        const { value } = parse(`value = ${field.toToml(reading.value)}`);
        assert.deepEqual(field.read(value), reading, path);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('any TOML value for any setting is a good value or a fault', () => {
  fc.assert(
    fc.property(fc.constantFrom(...fields), fc.jsonValue(), ({ path, field }, value) => {
      const reading = field.read(value);
      if (!reading.ok) assert.ok(reading.reasons.length > 0, path);
    }),
    { numRuns: 2_000 },
  );
});

test('any TOML file gives values and faults, and throws nothing', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.dictionary(fc.string(), fc.jsonValue()).map(toml)),
      (text) => {
        readToml(text, 'x.toml');
      },
    ),
  );
});

test('any environment and any --set give settings or faults', () => {
  const name = fc.oneof(
    fc.constantFrom(
      'CHASKI_DATA',
      'CHASKI_SHARDS',
      'CHASKI_LISTEN__SMTP',
      'CHASKI_',
      'CHASKI___PROTO__',
    ),
    fc.string().map((text) => `CHASKI_${text}`),
  );
  const assignment = fc.oneof(
    fc.string(),
    fc
      .tuple(fc.constantFrom(...fields.map(({ path }) => path)), fc.string())
      .map(([path, text]) => `${path}=${text}`),
  );
  fc.assert(
    fc.property(
      fc.dictionary(name, fc.string()),
      fc.array(assignment),
      (environment, assignments) => {
        const loaded = load({ environment, assignments, folder: '/srv' });
        if (!loaded.ok)
          assert.ok(loaded.faults.every(({ reason, advice }) => reason !== '' && advice !== ''));
      },
    ),
  );
});

function toml(table: Record<string, unknown>): string {
  try {
    return stringify(table);
  } catch {
    // TOML has no null and no mixed numbers beyond its range.
    return '';
  }
}
