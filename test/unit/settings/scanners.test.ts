/**
 * Aim:    rows of scanners are read whole, refused with their reason, and written so that they are read again.
 * Method: the list as JSON text, as the environment gives it.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { load } from '../../../src/settings/load.ts';
import { scannerRows, scanPlaceOf } from '../../../src/settings/scanners.ts';

const field = scannerRows({ doc: '', reload: 'restart' });
const good = { name: 'virus', kind: 'clamd', address: '127.0.0.1:3310' };

function reasonsOf(row: object): string {
  const reading = field.read(JSON.stringify([row]));
  return reading.ok ? 'read' : reading.reasons.join('; ');
}

it('fills in what is not said, and writes it so that it is read again', () => {
  const reading = field.read(JSON.stringify([good]));
  assert.ok(reading.ok);
  const [row] = reading.value;
  assert.deepEqual(row, {
    ...good,
    ...{
      when: 'untrusted',
      fail: 'open',
      discard: 'refuse',
      infected: 'refuse',
      bytesMax: 26_214_400,
      oversize: 'head',
    },
    ...{
      msMax: 10_000,
      connectMsMax: 2_000,
      connectionsMax: 8,
      secretFile: '',
      user: '',
      points: 5,
      stages: ['data'],
    },
  });
  const toml = field.toToml(reading.value);
  assert.equal(toml, '[{ name = "virus", kind = "clamd", address = "127.0.0.1:3310" }]');
});

it('takes numbers up to their bounds, and no further', () => {
  for (const [key, min, max] of [
    ['bytesMax', 1_024, 1_073_741_824],
    ['msMax', 100, 60_000],
    ['connectMsMax', 10, 60_000],
    ['connectionsMax', 1, 256],
  ] as const) {
    for (const value of [min, max]) assert.equal(reasonsOf({ ...good, [key]: value }), 'read', key);
    for (const value of [min - 1, max + 1, 1.5, '7'])
      assert.match(reasonsOf({ ...good, [key]: value }), new RegExp(`${key}: must be a whole`));
  }
});

it('knows where a scanner may be', () => {
  assert.deepEqual(scanPlaceOf('[::1]:11333'), { host: '::1', port: 11_333 });
  assert.deepEqual(scanPlaceOf('clamav:3310'), { host: 'clamav', port: 3_310 });
  assert.deepEqual(scanPlaceOf('unix:/run/a b'), { path: '/run/a b' });
  assert.deepEqual(scanPlaceOf(`unix:/${'a'.repeat(106)}`), { path: `/${'a'.repeat(106)}` });
  for (const text of ['', 'host', 'host:0', 'host:65536', '::1:3310', 'unix:a', 'a b:1'])
    assert.equal(scanPlaceOf(text), undefined, text);
  assert.equal(scanPlaceOf(`unix:/${'a'.repeat(107)}`), undefined);
});

it('takes a hook by https, and in clear on this machine alone', () => {
  const hook = (address: string) => reasonsOf({ name: 'h', kind: 'http', address });
  for (const url of [
    'https://a.example/x',
    'http://127.0.0.1:80/',
    'http://localhost/',
    'http://[::1]/',
  ])
    assert.equal(hook(url), 'read', url);
  for (const url of [
    'http://a.example/',
    'http://127.0.0.1.a.example/',
    'https://u@a.example/',
    'x',
  ])
    assert.match(hook(url), /^row 1: address: must be as/, url);
});

it('refuses what a kind knows nothing of, and names that are there twice', () => {
  assert.match(reasonsOf({ ...good, secretFile: '/x' }), /clamd has no secret/);
  assert.match(reasonsOf({ ...good, user: 'x' }), /clamd knows no users/);
  const apart = { infected: 'quarantine' };
  assert.equal(reasonsOf({ ...good, ...apart }), 'read');
  for (const kind of ['spamd', 'rspamd', 'milter'])
    assert.match(reasonsOf({ ...good, ...apart, kind }), /infected: \w+ names no viruses/);
  assert.match(reasonsOf({ ...good, kind: 'avast' }), /kind: must be one of clamd/);
  assert.match(reasonsOf({ ...good, fail: 'maybe' }), /fail: must be one of open, closed/);
  assert.match(reasonsOf({ ...good, speed: 1 }), /there is no "speed" here/);
  assert.match(faultsOf([good, good]), /two scanners are called virus/);
  const secret = { name: 'spam', kind: 'rspamd', address: 'a:1', secretFile: '/nowhere/at/all' };
  assert.match(faultsOf([secret]), /\/nowhere\/at\/all does not exist/);
});

it('lets all together take no longer than whoever brought the message waits', () => {
  const list = [60_000, 60_000, 50_000].map((msMax, n) => ({ ...good, name: `n${n}`, msMax }));
  assert.equal(faultsOf(list), 'none');
  const over = [
    ...list.slice(1),
    { ...good, msMax: 60_000 },
    { ...good, name: 'last', msMax: 100 },
  ];
  assert.match(faultsOf(over), /could wait 180100 ms for verdicts/);
});

function faultsOf(list: readonly object[]): string {
  const assignments = [`scanners.list=${JSON.stringify(list)}`];
  const loaded = load({ environment: {}, assignments });
  return loaded.ok ? 'none' : JSON.stringify(loaded.faults);
}
