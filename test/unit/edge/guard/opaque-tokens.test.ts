/**
 * Aim:    an issuer is asked about a token once in a minute at most, what it said lasts no longer than the token, and
 *         that it was away is forgotten at once.
 * Method: an issuer's client in memory that counts, and a clock turned by hand.
 * Specs:  RFC 7662 §2.2, §4.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeRandom } from '../../../../src/adapters/node/random.ts';
import { secondMs } from '../../../../src/base/units.ts';
import { IssuerCalls } from '../../../../src/edge/guard/issuer-calls.ts';
import { IssuerAway } from '../../../../src/edge/guard/issuer-keys.ts';
import { OpaqueTokens, rememberedMs, tokensMax } from '../../../../src/edge/guard/opaque-tokens.ts';
import type { Asked, Claims } from '../../../../src/ports/issuer-client.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const peer = '192.0.2.1';
const ann = { email: 'ann@here.test', email_verified: true };

function world() {
  const clock = new SeededClock();
  const play = {
    said: { sub: '1', ...ann } as Claims | 'refused' | 'away',
    user: 'refused' as Claims | 'refused' | 'away',
    configuration: { issuer: 'https://id.test', userinfo_endpoint: 'https://id.test/me' } as
      | (Claims & { issuer: string })
      | undefined,
    asked: [] as string[],
  };
  const client = {
    introspect: async (_: Claims, token: string): Asked<Claims> => {
      play.asked.push(token);
      return play.said;
    },
    userInfo: async (_: Claims, token: string, sub: string): Asked<Claims> => {
      play.asked.push(`${token} of ${sub}`);
      return play.user;
    },
  };
  const tokens = new OpaqueTokens({
    issuer: { lacksAddress: ({ email }) => email === undefined },
    ...{ client, clock, random: nodeRandom, calls: new IssuerCalls(clock) },
    configuration: async () => {
      if (play.configuration === undefined) throw new IssuerAway();
      return play.configuration;
    },
  });
  return { clock, play, read: (token = 'one') => tokens.read(token, peer) };
}

test('a token is asked for once, however many show it, and again after a minute', async () => {
  const { clock, play, read } = world();
  const all = await Promise.all(Array.from({ length: 50 }, () => read()));
  assert.deepEqual(all[49], play.said);
  clock.advance(rememberedMs - 1);
  await read();
  assert.deepEqual(play.asked, ['one']);
  clock.advance(1);
  play.said = 'refused';
  assert.equal(await read(), 'over', 'it was withdrawn');
  assert.equal(await read(), 'over');
  assert.deepEqual(play.asked, ['one', 'one']);
  clock.advance(rememberedMs);
  assert.equal(await read(), 'over', 'and is no guess later either');
});

test('what was said is over with the token', async () => {
  const { clock, play, read } = world();
  play.said = { ...ann, exp: clock.nowMs() / secondMs + 10 };
  await read();
  clock.advance(10 * secondMs - 1);
  await read();
  assert.equal(play.asked.length, 1);
  clock.advance(1);
  await read();
  assert.equal(play.asked.length, 2);
});

test('a refusal is remembered, that nobody answered is not', async () => {
  const { play, read } = world();
  play.said = 'away';
  assert.equal(await read(), 'away');
  play.said = 'refused';
  assert.equal(await read(), 'refused');
  play.said = ann;
  assert.equal(await read(), 'refused');
  assert.equal(play.asked.length, 2);
  play.configuration = undefined;
  assert.equal(await read('two'), 'away');
});

test('a token that tells no address is asked of by userinfo, for its own subject', async () => {
  const { play, read } = world();
  play.said = { sub: '17', aud: 'chaski' };
  play.user = { sub: '17', ...ann, amr: ['otp'] };
  assert.deepEqual(await read(), { sub: '17', aud: 'chaski', ...ann });
  assert.deepEqual(play.asked, ['one', 'one of 17']);
  play.user = 'away';
  assert.equal(await read('two'), 'away');
  play.user = 'refused';
  assert.equal(await read('three'), 'refused');
  play.said = { aud: 'chaski' };
  assert.deepEqual(await read('four'), play.said, 'nobody to ask of');
  play.said = { sub: '17' };
  play.configuration = { issuer: 'https://id.test' };
  assert.deepEqual(await read('five'), play.said, 'nobody who could be asked');
});

test('so many tokens are remembered, and the newest among them', async () => {
  const { play, read } = world();
  for (let at = 0; at < tokensMax + 1; at++) await read(`token-${at}`);
  const asked = play.asked.length;
  await read(`token-${tokensMax}`);
  assert.equal(play.asked.length, asked);
  await read('token-0');
  assert.equal(play.asked.length, asked + 1);
});
