/**
 * Aim:    an issuer that is slow or away costs those who log in by it, and nobody else; it is tried again in time.
 * Method: questions that are answered by hand, and a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  callsMax,
  callsPerPeerMax,
  failuresMax,
  IssuerCalls,
  pauseMs,
} from '../../../../src/edge/guard/issuer-calls.ts';
import type { Asked } from '../../../../src/ports/issuer-client.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const peer = (at: number) => `192.0.${at >> 8}.${at & 255}`;
const says = (answer: 'yes' | 'refused' | 'away') => async () => answer;

function world() {
  const clock = new SeededClock();
  return { clock, calls: new IssuerCalls(clock) };
}

test('so many are asked at a time, so few of one network, and the rest hear at once', async () => {
  const { calls } = world();
  const gate = Promise.withResolvers<string>();
  const held: Asked<string>[] = [];
  const hold = (from: string) => held.push(calls.run(from, () => gate.promise));
  for (let at = 0; at < callsPerPeerMax; at++) hold(peer(0));
  assert.equal(await calls.run(peer(0), says('yes')), 'away');
  assert.equal(await calls.run(peer(1), says('yes')), 'yes');
  for (let at = callsPerPeerMax; at < callsMax; at++) hold(peer(at));
  assert.equal(await calls.run(peer(500), says('yes')), 'away');
  gate.resolve('done');
  assert.deepEqual([...new Set(await Promise.all(held))], ['done']);
  assert.equal(await calls.run(peer(0), says('yes')), 'yes');
});

test('after failures in a row nobody is asked for a while; then one is, and it decides', async () => {
  const { calls, clock } = world();
  for (let at = 1; at < failuresMax; at++) await calls.run(peer(at), says('away'));
  assert.equal(await calls.run(peer(0), says('refused')), 'refused', 'an answer is an answer');
  for (let at = 0; at < failuresMax; at++) await calls.run(peer(at), says('away'));
  assert.equal(await calls.run(peer(0), says('yes')), 'away');
  clock.advance(pauseMs - 1);
  assert.equal(await calls.run(peer(0), says('yes')), 'away');
  clock.advance(1);
  const gate = Promise.withResolvers<'away'>();
  const tried = calls.run(peer(0), () => gate.promise);
  assert.equal(await calls.run(peer(1), says('yes')), 'away', 'one alone');
  gate.resolve('away');
  await tried;
  assert.equal(await calls.run(peer(0), says('yes')), 'away');
  clock.advance(pauseMs);
  assert.equal(await calls.run(peer(0), says('yes')), 'yes');
  assert.equal(await calls.run(peer(1), says('yes')), 'yes');
});

test('a question that throws leaves its place', async () => {
  const { calls } = world();
  const fails = async () => {
    throw new Error('no');
  };
  for (let at = 0; at < callsMax + 1; at++) await assert.rejects(calls.run(peer(0), fails));
  assert.equal(await calls.run(peer(0), says('yes')), 'yes');
});
