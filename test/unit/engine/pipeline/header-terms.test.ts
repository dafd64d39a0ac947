/** Aim: what a header says of TLS stands in the envelope, unless the envelope says more (RFC 8689 §4.1.2). */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DeliveryTerms } from '../../../../src/actors/asks/delivery-terms.ts';
import type { Envelope } from '../../../../src/actors/asks/reception.ts';
import { withHeaderTerms } from '../../../../src/engine/pipeline/header-terms.ts';
import type { MessageFacts } from '../../../../src/engine/pipeline/prepare.ts';

const said: MessageFacts = {
  ...{ isHeaderEightBit: false, isBodyEightBit: false, messageId: '', receivedCount: 0 },
  ...{ signatureCount: 0, isTlsOptional: true },
};

function termsAfter(terms: DeliveryTerms | undefined, isTlsOptional = true) {
  const envelope: Envelope = {
    ...{ sender: '', recipients: [], body: '7bit', smtputf8: false },
    ...(terms === undefined ? {} : { terms }),
  };
  const after = withHeaderTerms(envelope, { ...said, isTlsOptional });
  if (after === envelope) return 'the same';
  return after.terms;
}

it('adds what the header says, and keeps what the envelope says', () => {
  assert.deepEqual(termsAfter(undefined), { isTlsOptional: true });
  assert.deepEqual(termsAfter({ priority: 3 }), { priority: 3, isTlsOptional: true });
  assert.equal(termsAfter({ requireTls: true }), 'the same');
  assert.equal(termsAfter(undefined, false), 'the same');
});
