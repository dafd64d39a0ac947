/** Aim: a session that ends within an exchange is told nothing more, and nobody is logged in. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { it } from 'node:test';
import type { SaslStep } from '../../../../../src/edge/guard/sasl-exchange.ts';
import { stepExchange } from '../../../../../src/edge/protocols/session/sasl-steps.ts';

const words = {
  challenge: (text: string) => `challenge ${text}`,
  senseless: () => 'senseless',
  ended: ({ ok }: { readonly ok: boolean }) => `ended ${ok}`,
  gone: () => 'gone',
};
const wrong = { ok: false, code: 'credentials-invalid', detail: '' } as const;
const steps: readonly (readonly [SaslStep, string])[] = [
  [{ kind: 'challenge', octets: Buffer.from('hi') }, 'challenge aGk='],
  [{ kind: 'challenge', octets: Buffer.alloc(0) }, 'challenge '],
  [{ kind: 'bad' }, 'senseless'],
  [{ kind: 'ended', answer: wrong }, 'ended false'],
];

it('each step is said in the words of its protocol, at once where it comes at once', async () => {
  for (const [step, said] of steps) {
    const session = { isEnded: false };
    assert.equal(stepExchange(session, { next: () => step }, undefined, words), said);
    const later = { next: async () => step };
    assert.equal(await stepExchange(session, later, undefined, words), said);
  }
});

it('to a session that ended while a password was looked at, nothing is said', async () => {
  for (const [step] of steps) {
    const session = { isEnded: false };
    const { promise, resolve } = Promise.withResolvers<SaslStep>();
    const end = stepExchange(session, { next: () => promise }, Buffer.from('x'), words);
    session.isEnded = true;
    resolve(step);
    assert.equal(await end, 'gone');
  }
});
