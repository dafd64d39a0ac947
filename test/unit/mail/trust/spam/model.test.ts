/** Aim: learning moves scores, a model survives its bytes, damage is detected, and no bytes break or stall it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  FeatureGather,
  featuresMax,
  gatherFeatures,
} from '../../../../../src/mail/trust/spam/features.ts';
import { judge, spamReasons, spamStatus } from '../../../../../src/mail/trust/spam/judge.ts';
import {
  classify,
  rememberedMax,
  SpamModel,
  train,
} from '../../../../../src/mail/trust/spam/model.ts';
import {
  ModelFault,
  modelBytesMax,
  readModel,
  writeModel,
} from '../../../../../src/mail/trust/spam/model-bytes.ts';
import { readForSpam, readingLimits } from '../../../../../src/mail/trust/spam/reading.ts';

const mail = (subject: string, body: string) =>
  Buffer.from(`From: ann@example.org\r\nSubject: ${subject}\r\n\r\n${body}\r\n`);
const spam = (i: number) =>
  mail(`winner ${i}`, `claim your prize of money now, lottery ${'x'.repeat(i % 9)}`);
const ham = (i: number) =>
  mail(`meeting ${i}`, `the agenda of the project review ${'y'.repeat(i % 9)}`);

function taught(order: 'mixed' | 'ham-first' | 'spam-first' = 'mixed', most = 60): SpamModel {
  const model = new SpamModel();
  const teach = (isSpam: boolean, i: number) =>
    train(model, readForSpam(isSpam ? spam(i) : ham(i)), isSpam);
  for (let i = 0; i < 2 * most; i++) {
    if (order === 'mixed') teach(i % 2 === 0, i);
    else teach(i < most === (order === 'spam-first'), i);
  }
  return model;
}

test('a model that knows nothing says nothing', () => {
  const nothing = classify({ global: new SpamModel() }, readForSpam(spam(1)));
  assert.deepEqual(nothing, { points: 0, strongest: [] });
});

for (const order of ['mixed', 'ham-first', 'spam-first'] as const) {
  test(`learning parts spam from ham, taught ${order}`, () => {
    const model = taught(order);
    assert.ok(classify({ global: model }, readForSpam(spam(500))).points > 1);
    assert.ok(classify({ global: model }, readForSpam(ham(500))).points < -0.5);
  });
}

test('the strongest features are named and a verdict explained', () => {
  const found = judge(spam(500), { global: taught() });
  const features = found.classification!.strongest.map(({ feature }) => feature);
  assert.ok(
    features.some((feature) => /prize|money|lottery|winner|claim/.test(feature)),
    features.join(),
  );
  assert.match(
    spamStatus(found),
    /^(?:Yes|No), score=[\d.-]+ required=5\r\n\ttests=.*LEARNT=[\d.]+$/s,
  );
  assert.match(spamReasons(found), /learnt [\d.]+$/);
});

test('points are the same whether anybody wants them explained or not', () => {
  const model = { global: taught() };
  const explained = judge(spam(500), model);
  const plain = judge(spam(500), model, {}, undefined, false);
  assert.deepEqual(plain.classification, { ...explained.classification, strongest: [] });
  assert.equal(plain.points, explained.points);
});

test('a user’s model speaks against the global one as far as it was taught', () => {
  const global = taught();
  const user = new SpamModel();
  for (let i = 0; i < 60; i++) {
    train(user, readForSpam(spam(i)), false);
    train(user, readForSpam(ham(i)), true);
  }
  const reading = readForSpam(spam(500));
  assert.ok(classify({ global }, reading).points > 1);
  assert.ok(classify({ global, user }, reading).points < 0);
  assert.ok(classify({ global, user: new SpamModel() }, reading).points > 1);
});

test('a model comes back from its bytes', () => {
  const model = taught();
  const bytes = writeModel(model);
  const again = readModel(bytes);
  assert.deepEqual(again.z, model.z);
  assert.deepEqual(again.n, model.n);
  assert.deepEqual(again.inSpam, model.inSpam);
  assert.deepEqual(again.inHam, model.inHam);
  assert.deepEqual(again.ham, model.ham);
  assert.deepEqual(again.spam, model.spam);
  assert.deepEqual(writeModel(again), bytes);
});

test('any byte changed, any end cut off is refused', () => {
  const bytes = Buffer.from(writeModel(taught('mixed', 3)));
  for (let at = 0; at < bytes.length; at += 97) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 0x40;
    assert.throws(() => readModel(damaged), ModelFault, `byte ${at}`);
    assert.throws(() => readModel(bytes.subarray(0, at)), ModelFault, `cut at ${at}`);
  }
});

test('no bytes are read as a model, and none throw anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.throws(() => readModel(bytes), ModelFault);
    }),
  );
});

test('a model remembers so many messages and no more', () => {
  const model = new SpamModel();
  for (let i = 0; i < rememberedMax * 2; i++) train(model, readForSpam(ham(i)), i % 3 > 0);
  for (let i = 0; i < rememberedMax; i++) train(model, readForSpam(ham(i)), false);
  assert.equal(model.ham.messages.length, rememberedMax);
  assert.equal(model.spam.messages.length, rememberedMax);
  assert.ok(writeModel(model).length <= modelBytesMax);
});

test('any bytes are judged, to a finite score', () => {
  const model = taught('mixed', 5);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3_000 }),
      fc.string({ maxLength: 500 }),
      (noise, text) => {
        const type = 'Content-Type: text/html; charset=utf-8\r\n\r\n';
        for (const message of [noise, Buffer.concat([Buffer.from(type + text), noise])]) {
          assert.ok(Number.isFinite(judge(message, { global: model }).points));
        }
      },
    ),
  );
});

const hostile: Readonly<Record<string, string>> = {
  'open heads': '<head>',
  'open svg': '<svg>',
  'open comments': 'a<!--',
  'closed comments': 'a<!-- -->',
  links: '<a href=http://',
  'link tags': '<a ',
  'address starts': 'http://www.',
  spaces: ' ',
  marks: '&#',
  'combining letters': 'a\u0300\u0301',
  'wide letters': '\ufdfa',
  names: 'a.',
  styles: 'display:',
};
for (const [name, piece] of Object.entries(hostile)) {
  test(`2 MB of ${name} cost bounded time`, () => {
    const body = piece.repeat(Math.ceil(2_000_000 / piece.length));
    const type = 'Content-Type: text/html; charset=utf-8\r\n\r\n';
    const started = process.cpuUsage();
    const { isCut } = judge(Buffer.from(type + body), { global: new SpamModel() });
    const { user, system } = process.cpuUsage(started);
    assert.ok(isCut);
    assert.ok(user + system < 2_000_000, `${user + system} µs`);
  });
}

test('a message has so many features and no more', () => {
  const words = Array.from(
    { length: 5_000 },
    (_, i) => `w${String.fromCharCode(97 + (i % 26))}${i.toString(26)}`,
  );
  const letters = words.map((word) => word.replace(/\d/g, (digit) => 'ghijklmnop'[Number(digit)]!));
  const reading = readForSpam(mail('x', letters.join(' ')));
  assert.equal(gatherFeatures(reading, new FeatureGather(false)).length, featuresMax);
});

test('text beyond its limit is not looked at, and the judgement says so', () => {
  const body = `${'word '.repeat(readingLimits.partBytesMax / 5)}viagra`;
  const found = judge(mail('x', body));
  assert.ok(found.isCut);
  assert.ok(!found.hits.some(({ rule }) => rule === 'DRUGS'));
});
