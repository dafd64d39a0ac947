/**
 * Aim: a few examples of one person's make their model say what they would, within its bounds, and nothing without
 *      examples of both kinds.
 * Method: messages of a few words.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  examplePlacesMax,
  personalModel,
  personalPoints,
  placesOf,
} from '../../../../../src/mail/trust/spam/personal.ts';
import { readForSpam } from '../../../../../src/mail/trust/spam/reading.ts';

const reading = (from: string, text: string) =>
  readForSpam(Buffer.from(`From: ${from}\r\nSubject: ${text}\r\n\r\n${text}\r\n`));
const offers = ['big sale today', 'sale ends soon', 'your sale coupon', 'last chance sale'];
const notes = ['lunch tomorrow', 'minutes of the meeting', 'the report is ready', 'call me back'];
const example = (isSpam: boolean, from: string) => (text: string) => ({
  isSpam,
  places: placesOf(reading(from, text)),
});
const examples = [
  ...offers.map(example(true, 'shop@sale.test')),
  ...notes.map(example(false, 'bob@work.test')),
];

test('mail like what was called spam gets points, other mail loses some', () => {
  const model = personalModel(examples)!;
  const offer = personalPoints(model, reading('shop@sale.test', 'another sale for you'));
  const note = personalPoints(model, reading('bob@work.test', 'the meeting is tomorrow'));
  const unknown = personalPoints(model, reading('eve@else.test', 'holiday pictures'));
  assert.ok(offer > 1, `${offer}`);
  assert.ok(note < -1, `${note}`);
  assert.ok(Math.abs(unknown) < 3, `${unknown}`);
});

test('a model says no more than its bounds', () => {
  const many = Array.from({ length: 40 }, () => examples).flat();
  const model = personalModel(many)!;
  const points = personalPoints(model, reading('shop@sale.test', offers.join(' ')));
  assert.ok(points <= 6 && points > 3, `${points}`);
});

test('without two examples of both kinds there is no model', () => {
  assert.equal(personalModel([]), undefined);
  assert.equal(personalModel(examples.filter(({ isSpam }) => isSpam)), undefined);
  assert.equal(personalModel(examples.slice(0, 5)), undefined);
  assert.ok(personalModel(examples.slice(0, 6)) !== undefined);
});

test('few examples are trusted less', () => {
  const few = personalModel([...examples.slice(0, 2), ...examples.slice(4, 6)])!;
  assert.equal(few.trust, 0.5);
  assert.equal(personalModel(examples)!.trust, 1);
});

test('an example has at most so many places, in order', () => {
  const words = Array.from({ length: 5_000 }, (_, i) => `word${String.fromCodePoint(0x4e00 + i)}`);
  const places = placesOf(reading('a@b.test', words.join(' ')));
  assert.equal(places.length, examplePlacesMax);
  assert.deepEqual(places, places.slice().sort());
});
