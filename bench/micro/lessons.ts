/**
 * What learning from moves costs: a lesson's features, a model made of all an account may keep, the points of a message.
 *
 * Usage: node bench/micro/lessons.ts
 */

import {
  examplesMax,
  personalModel,
  personalPoints,
  placesOf,
} from '../../src/mail/trust/spam/personal.ts';
import { readForSpam } from '../../src/mail/trust/spam/reading.ts';

let seed = 1;
const chance = (below: number) => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed % below;
};

/** Of about 5 kB. */
function message(from: string): Buffer {
  const words = Array.from({ length: 700 }, () => `w${chance(20_000).toString(36)}`).join(' ');
  return Buffer.from(
    `From: ${from}\r\nSubject: ${words.slice(0, 40)}\r\n\r\n${words.replace(/(.{70}\S*) /g, '$1\r\n')}\r\n`,
  );
}

function msOf(run: () => unknown, rounds: number): string {
  for (let i = 0; i < rounds; i++) run();
  const times = Array.from({ length: 7 }, () => {
    const start = performance.now();
    for (let i = 0; i < rounds; i++) run();
    return (performance.now() - start) / rounds;
  });
  return times.sort((a, b) => a - b)[3]!.toFixed(3);
}

const examples = Array.from({ length: 2 * examplesMax }, (_, i) => {
  const from = i % 2 === 0 ? 'shop@sale.test' : 'bob@work.test';
  return { isSpam: i % 2 === 0, places: placesOf(readForSpam(message(from))) };
});
const model = personalModel(examples)!;
const one = message('shop@sale.test');
const reading = readForSpam(one);
console.log(`${one.length} bytes: reading ${msOf(() => readForSpam(one), 200)} ms`);
console.log(`features ${msOf(() => placesOf(reading), 200)} ms`);
console.log(`points, reading apart ${msOf(() => personalPoints(model, reading), 200)} ms`);
console.log(`model of ${examples.length} examples ${msOf(() => personalModel(examples), 20)} ms`);
console.log(`${model.places.length} places, ${model.places.length * 8} bytes`);
