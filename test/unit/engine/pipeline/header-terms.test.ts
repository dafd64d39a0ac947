/** Aim: what a header says of TLS and of pools stands in the envelope, unless the envelope says more. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DeliveryTerms } from '../../../../src/actors/asks/delivery-terms.ts';
import type { Envelope } from '../../../../src/actors/asks/reception.ts';
import { withHeaderTerms } from '../../../../src/engine/pipeline/header-terms.ts';
import type { MessageFacts } from '../../../../src/engine/pipeline/prepare.ts';

const said: MessageFacts = {
  ...{ isHeaderEightBit: false, isBodyEightBit: false, messageId: '', receivedCount: 0 },
  ...{ signatureCount: 0, isTlsOptional: true, pool: '', campaign: '', isTracked: false },
};

function termsAfter(terms: DeliveryTerms | undefined, isTlsOptional = true, pool = '') {
  const envelope: Envelope = {
    ...{ sender: '', recipients: [], body: '7bit', smtputf8: false },
    ...(terms === undefined ? {} : { terms }),
  };
  const after = withHeaderTerms(envelope, { ...said, isTlsOptional, pool });
  if (after === envelope) return 'the same';
  return after.terms;
}

it('names the campaign where the envelope names none', () => {
  const envelope: Envelope = { sender: '', recipients: [], body: '7bit', smtputf8: false };
  const named = { ...said, isTlsOptional: false, campaign: 'news' };
  assert.deepEqual(withHeaderTerms(envelope, named).terms, { campaign: 'news' });
  const own = { ...envelope, terms: { campaign: 'orders' } };
  assert.equal(withHeaderTerms(own, named), own);
});

// RFC 8689 §4.1.2.
it('adds what the header says, and keeps what the envelope says', () => {
  assert.deepEqual(termsAfter(undefined), { isTlsOptional: true });
  assert.deepEqual(termsAfter({ priority: 3 }), { priority: 3, isTlsOptional: true });
  assert.equal(termsAfter({ requireTls: true }), 'the same');
  assert.equal(termsAfter(undefined, false), 'the same');
});

it('adds the pool that was asked for, where it can be one and the envelope names none', () => {
  assert.deepEqual(termsAfter({ priority: 3 }, false, 'bulk'), { priority: 3, pool: 'bulk' });
  assert.deepEqual(termsAfter(undefined, true, 'bulk'), { isTlsOptional: true, pool: 'bulk' });
  assert.equal(termsAfter({ pool: 'other' }, false, 'bulk'), 'the same');
  assert.equal(termsAfter(undefined, false, 'Bulk mail'), 'the same');
});
