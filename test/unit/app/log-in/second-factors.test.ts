/** Aim: a code counts once, in its time, and on its own account (RFC 6238 §5.2). */

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { SecondFactorDesk } from '../../../../src/app/log-in/second-factors.ts';
import { FactorThrottle } from '../../../../src/edge/guard/factor-throttle.ts';
import { secondFactorCheck } from '../../../../src/edge/guard/second-factor.ts';
import { PasswordWorld } from '../../../support/password-world.ts';
import { SeededRandom } from '../../../support/seeded-clock.ts';

const stepMs = 30_000;

/** RFC 4226 §5.3, apart from the server's library. */
function codeAt(secretBase32: string, nowMs: number): string {
  const bits = [...secretBase32]
    .map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from(bits.match(/.{8}/g)!.map((octet) => Number.parseInt(octet, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(nowMs / stepMs)));
  const mac = createHmac('sha1', key).update(counter).digest();
  const at = mac[19]! & 15;
  return String((mac.readUInt32BE(at) & 0x7fff_ffff) % 1_000_000).padStart(6, '0');
}

async function deskOf(world: PasswordWorld) {
  const { identity, clock, ann } = world;
  const random = new SeededRandom(4);
  const factors = identity.secondFactors;
  const throttle = new FactorThrottle();
  const desk = new SecondFactorDesk({ factors, throttle, issuer: 'mx.test', clock, random });
  return { desk, takes: secondFactorCheck(factors, clock), ann, clock, factors };
}

test('a device is a factor once its code was confirmed, and its codes count once', async () => {
  const { desk, takes, ann, clock, factors } = await deskOf(await PasswordWorld.open());
  const { uri, secret } = await desk.enable(ann, 'phone');
  assert.match(uri, /^otpauth:\/\/totp\/mx\.test:ann%40local\.test\?/);
  const first = codeAt(secret, clock.nowMs());
  assert.equal(await factors.hasSecondFactor(ann), false);
  assert.equal(await takes(ann, first), false, 'not confirmed yet');
  const wrong = first === '000000' ? '000001' : '000000';
  await assert.rejects(desk.confirm(ann, wrong), /wrong/);
  const codes = await desk.confirm(ann, `${first.slice(0, 3)} ${first.slice(3)}`);
  assert.equal(new Set(codes).size, 10);
  assert.equal(await factors.hasSecondFactor(ann), true);
  assert.equal(await takes(ann, first), false, 'it was taken');
  clock.advance(stepMs);
  const second = codeAt(secret, clock.nowMs());
  const both = await Promise.all([takes(ann, second), takes(ann, second)]);
  assert.deepEqual(both.sort(), [false, true], 'of two at once one gets in');
  assert.equal(await takes(ann, codeAt(secret, clock.nowMs() + 2 * stepMs)), false);
  assert.equal(await takes(ann, codeAt(secret, clock.nowMs() + stepMs)), true);
  assert.equal(await takes(ann, codeAt(secret, clock.nowMs())), false, 'a later one was used');
  clock.advance(4 * stepMs);
  assert.equal(await takes(ann, codeAt(secret, clock.nowMs() - 2 * stepMs)), false);
  for (const text of ['', 'abcdef', '12345', '1234567'])
    assert.equal(await takes(ann, text), false);
});

test('a recovery code opens once, however it is written', async () => {
  const { desk, takes, ann, clock } = await deskOf(await PasswordWorld.open());
  const { secret } = await desk.enable(ann, 'phone');
  const [one, two] = await desk.confirm(ann, codeAt(secret, clock.nowMs()));
  assert.equal(await takes(ann, one!.toUpperCase().replaceAll('-', '')), true);
  assert.equal(await takes(ann, one!), false);
  assert.equal(await takes(ann, two!), true);
  assert.equal(await takes(ann, 'xxxx-xxxx-xxxx-xxxx'), false);
});

test('a device that was never confirmed gives way to the next', async () => {
  const { desk, ann, clock, factors } = await deskOf(await PasswordWorld.open());
  const lost = await desk.enable(ann, 'lost');
  const kept = await desk.enable(ann, 'kept');
  assert.deepEqual(
    (await factors.secondFactors(ann)).totps.map(({ name }) => name),
    ['kept'],
  );
  await assert.rejects(desk.confirm(ann, codeAt(lost.secret, clock.nowMs())), /wrong/);
  await desk.confirm(ann, codeAt(kept.secret, clock.nowMs()));
  await assert.rejects(desk.confirm(ann, codeAt(kept.secret, clock.nowMs())), /no device/);
});

test('a device is confirmed by few guesses, however many come together', async () => {
  const { desk, ann, clock } = await deskOf(await PasswordWorld.open());
  const { secret } = await desk.enable(ann, 'phone');
  const right = codeAt(secret, clock.nowMs());
  const near = [-1, 0, 1].map((step) => codeAt(secret, clock.nowMs() + step * stepMs));
  const wrong = ['000000', '000001', '000002', '000003'].find((each) => !near.includes(each))!;
  const answers = await Promise.allSettled(
    Array.from({ length: 20 }, () => desk.confirm(ann, wrong)),
  );
  const codes = answers.map((each) => (each as PromiseRejectedResult).reason.code as string);
  assert.equal(codes.filter((code) => code === 'credentials-invalid').length, 5);
  assert.equal(codes.filter((code) => code === 'rate-exceeded').length, 15);
  await assert.rejects(desk.confirm(ann, right), { code: 'rate-exceeded' });
  clock.advance(10_000);
  assert.equal((await desk.confirm(ann, codeAt(secret, clock.nowMs()))).length, 10);
});
