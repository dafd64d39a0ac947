/**
 * Aim:    a ticket comes back as it was made, in its time, or not at all; nobody reads it on the way.
 * Method: tickets, tampered with, and a clock turned by hand.
 * Specs:  RFC 7516.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EncryptJWT } from 'jose';
import { nodeRandom } from '../../../../src/adapters/node/random.ts';
import { secondMs } from '../../../../src/base/units.ts';
import { LogInTickets, ticketMs } from '../../../../src/edge/guard/log-in-tickets.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const given = { issuer: 'company', challenge: 'c', returnPath: '/mail' };

function world() {
  const clock = new SeededClock();
  return { clock, tickets: new LogInTickets(clock, nodeRandom) };
}

test('a ticket is what was sealed, and each has parts of its own', async () => {
  const { tickets } = world();
  const [one, two] = [tickets.make(given), tickets.make(given)];
  const parts = [one.state, one.nonce, one.codeVerifier, two.state, two.nonce, two.codeVerifier];
  assert.equal(new Set(parts).size, 6);
  for (const part of parts) assert.match(part, /^[\w-]{43}$/);
  const opened = await tickets.open(await tickets.seal(one));
  assert.deepEqual(
    { ...opened, aud: undefined, exp: undefined },
    {
      ...{ ...one, aud: undefined, exp: undefined },
    },
  );
});

test('nothing of it can be read', async () => {
  const { tickets } = world();
  const ticket = tickets.make(given);
  const plain = (await tickets.seal(ticket))
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString('latin1'))
    .join('');
  for (const secret of [ticket.state, ticket.nonce, ticket.codeVerifier, 'company', '/mail'])
    assert.ok(!plain.includes(secret));
});

test('one that is over, of another process, tampered with, or made up, is none', async () => {
  const { tickets, clock } = world();
  const sealed = await tickets.seal(tickets.make(given));
  assert.equal(await world().tickets.open(sealed), undefined);
  for (let at = 0; at < sealed.length - 1; at += 7) {
    const other = sealed[at] === 'A' ? 'B' : 'A';
    const wrong = sealed.slice(0, at) + other + sealed.slice(at + 1);
    assert.equal(await tickets.open(wrong), undefined, String(at));
  }
  const header = { alg: 'dir', enc: 'A256GCM' };
  const made = new EncryptJWT({ ...given }).setProtectedHeader(header).setAudience('log-in');
  assert.equal(await tickets.open(await made.encrypt(new Uint8Array(32))), undefined);
  for (const text of ['', '.', '....', 'x'.repeat(4_096)])
    assert.equal(await tickets.open(text), undefined);
  clock.advance(ticketMs - secondMs);
  assert.ok(await tickets.open(sealed));
  clock.advance(secondMs);
  assert.equal(await tickets.open(sealed), undefined);
});
