/**
 * Aim: an owner is told once of each new place, never of the first, and not flooded. Method: the real part over a
 * directory in memory, with its mail in a list.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  noticesPerDayMax,
  PlaceNotices,
  placeOf,
  underWayMax,
} from '../../../../src/app/log-in/place-notices.ts';
import type { Notice } from '../../../../src/app/own-mail.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { dayMs } from '../../../../src/base/units.ts';
import { noWitness } from '../../../../src/edge/guard/access-witness.ts';
import { PasswordWorld } from '../../../support/password-world.ts';

async function open() {
  const { identity, clock, ann } = await PasswordWorld.open();
  const mailed: Notice[] = [];
  const send = async (notice: Notice) => {
    mailed.push(notice);
    return '';
  };
  const { owners } = identity;
  const notices = new PlaceNotices({ owners, send, clock, log: silentLog });
  const settled = async () => {
    for (let turn = 0; turn < 30; turn++) await new Promise((done) => setImmediate(done));
  };
  const from = async (address: string, device = '') => {
    notices.loggedIn(ann, { address, device });
    await settled();
  };
  return { notices, mailed, settled, from, ann, owners, clock };
}

test('of a new place its owner is told once; of the first, and of known ones, not', async () => {
  const { from, mailed, owners, ann, clock } = await open();
  await from('192.0.2.7');
  await from('192.0.2.99');
  assert.equal(mailed.length, 0);
  await from('198.51.100.1');
  await from('198.51.100.2');
  await from('2001:db8::1');
  await from('2001:db8:0:0:ffff::2');
  const [first, second] = mailed;
  assert.equal(Number(mailed.length), 2);
  assert.equal(first?.to, ann.address);
  assert.match(first!.lines.join('\n'), /from {2}198\.51\.100\.0\/24\n.*at {4}2026-01-01T/);
  assert.match(second!.lines.join('\n'), /from {2}2001:db8:/);
  clock.advance(2 * dayMs);
  await from('198.51.100.1');
  assert.equal(mailed.length, 2);
  const [last] = await owners.places(ann);
  assert.deepEqual(last, { name: '198.51.100.0/24', atMs: clock.nowMs() });
});

test('a device of another kind is a new place, a newer version of one is not', async () => {
  const { from, mailed } = await open();
  await from('192.0.2.7', 'Firefox/128.0 (X11)');
  await from('192.0.2.7', 'Firefox/129.0.1 (X11)');
  assert.equal(mailed.length, 0);
  await from('192.0.2.7', 'curl/8.1');
  assert.equal(mailed.length, 1);
  assert.equal(placeOf({ address: '::ffff:192.0.2.7', device: 'a 1  b' }), '192.0.2.0/24 a b');
});

test('so many notices go to one account in a day', async () => {
  const { from, mailed, owners, ann, clock } = await open();
  for (let net = 0; net <= noticesPerDayMax + 3; net++) await from(`10.0.${net}.1`);
  assert.equal(mailed.length, noticesPerDayMax);
  assert.equal((await owners.places(ann)).length, noticesPerDayMax + 4, 'all are noted');
  clock.advance(dayMs);
  await from('10.9.9.9');
  assert.equal(mailed.length, noticesPerDayMax + 1);
});

test('a notice killed before its place was noted has the same key again', async () => {
  const { mailed, from, owners, ann } = await open();
  await from('192.0.2.7');
  await from('198.51.100.1');
  const others = await open();
  await others.owners.notePlace(others.ann, (await owners.places(ann)).at(-1)!);
  await others.from('198.51.100.1');
  assert.equal(others.mailed[0]?.key, mailed[0]?.key);
});

test('log-ins by mail programs are told of, failed ones and those of tokens are not', async () => {
  const { notices, mailed, settled, ann } = await open();
  const told: string[] = [];
  const witness = notices.beside({ ...noWitness, logIn: ({ peer }) => told.push(peer) });
  const base = { user: ann.address, account: ann };
  witness.logIn({ ...base, listener: 'imaps', peer: '192.0.2.1' });
  await settled();
  witness.logIn({ ...base, listener: 'token', peer: '10.0.0.1' });
  witness.logIn({ user: ann.address, refusal: 'x', listener: 'imaps', peer: '10.0.0.2' });
  await settled();
  assert.equal(mailed.length, 0);
  witness.logIn({ ...base, listener: 'imaps', peer: '10.0.0.3' });
  await settled();
  assert.equal(mailed.length, 1);
  assert.equal(told.length, 4);
});

test('no more than so many are looked at together', async () => {
  const { ann, clock } = await open();
  let asked = 0;
  const held = Promise.withResolvers<readonly []>();
  const places = () => {
    asked++;
    return held.promise;
  };
  const owners = { places, notePlace: async () => {} } as never;
  const notices = new PlaceNotices({ owners, send: async () => '', clock, log: silentLog });
  for (let net = 0; net < underWayMax + 5; net++) {
    notices.loggedIn(ann, { address: `10.${net >> 8}.${net & 255}.1`, device: '' });
  }
  assert.equal(asked, underWayMax);
  held.resolve([]);
});
