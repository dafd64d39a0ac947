/**
 * Aim: a kept answer is never older than the account, and what is kept is bounded.
 * Method: stamps moved by hand, asks counted.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../../../src/actors/ask.ts';
import { Stamps, stampWords } from '../../../../../src/actors/stamps.ts';
import { failure } from '../../../../../src/base/errors.ts';
import { weighList, weighOpened } from '../../../../../src/edge/protocols/imap/account-asks.ts';
import { KeptAnswers } from '../../../../../src/edge/protocols/session/kept-answers.ts';

const account = 7;

class Asked {
  readonly stamps = new Stamps(stampWords());
  readonly kept: KeptAnswers;
  count = 0;

  constructor(weightMax?: number) {
    this.kept = new KeptAnswers(this.stamps, weightMax);
  }

  ask(question: string, options: { answer?: Answer; weight?: number; during?: () => void } = {}) {
    const { answer = { ok: true, value: this.count + 1 }, weight = 1, during } = options;
    const ask = async () => {
      this.count++;
      during?.();
      return answer;
    };
    return this.kept.ask(account, question, ask, () => weight);
  }
}

test('an answer is given again as long as nothing of the account changed', async () => {
  const asked = new Asked();
  await asked.ask('a');
  assert.deepEqual(await asked.ask('a'), { ok: true, value: 1 });
  asked.stamps.move(account + 1);
  await asked.ask('a');
  assert.equal(asked.count, 1);
  asked.stamps.move(account);
  assert.deepEqual(await asked.ask('a'), { ok: true, value: 2 });
});

test('a change while the ask is under way makes the next one ask again', async () => {
  const asked = new Asked();
  await asked.ask('a', { during: () => asked.stamps.move(account) });
  await asked.ask('a');
  assert.equal(asked.count, 2);
});

test('each question has its own answer', async () => {
  const asked = new Asked();
  await asked.ask('a');
  await asked.ask('b');
  assert.deepEqual(await asked.ask('a'), { ok: true, value: 1 });
  assert.equal(asked.count, 2);
});

test('a failure is not kept', async () => {
  const asked = new Asked();
  await asked.ask('a', { answer: failure('store-busy', 'full') });
  assert.deepEqual(await asked.ask('a'), { ok: true, value: 2 });
});

test('what was asked for longest ago is forgotten at the limit, and what is asked for stays', async () => {
  const asked = new Asked(8);
  for (let i = 0; i < 50; i++) {
    await asked.ask('used');
    await asked.ask(`${i}`);
    assert.ok(asked.kept.count <= 10, `${asked.kept.count} kept`);
  }
  assert.equal(asked.count, 51);
  await asked.ask('0');
  assert.equal(asked.count, 52);
});

test('answers count by their weight, and one that is too heavy is not kept', async () => {
  const asked = new Asked(2_000);
  await asked.ask('heavy', { weight: 513 });
  assert.equal(asked.kept.count, 0);
  for (let i = 0; i < 50; i++) await asked.ask(`${i}`, { weight: 500 });
  assert.ok(asked.kept.count <= 6, `${asked.kept.count} kept`);
});

test('what clients make long weighs as much as it takes, so that the bound is one of memory', async () => {
  const asked = new Asked(2_000);
  for (let i = 0; i < 50; i++) await asked.ask(`${i} ${'x'.repeat(100_000)}`);
  assert.ok(asked.kept.count <= 10, `${asked.kept.count} kept`);
  const keywords = Array.from({ length: 128 }, (_, i) => String(i).padStart(64, 'k'));
  assert.equal(weighOpened({ keywords: [] }), 1);
  assert.ok(weighOpened({ keywords }) >= (128 * 64) / 320);
  const mailboxes = Array.from({ length: 10 }, () => ({ name: 'x'.repeat(600) }));
  assert.equal(weighList({ mailboxes, subscribed: ['y'.repeat(900)] }), 1 + 11 + 20 + 3);
});
