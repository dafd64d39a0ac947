/** Aim: domains of what comes back are read as they are meant, or refused with a reason. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { feedbackSection } from '../../../src/settings/schema/feedback.ts';

const { tenantBounceDomains } = feedbackSection.entries;

test('a tenant’s bounce domain is TENANT=DOMAIN in lower case', () => {
  const reading = tenantBounceDomains.read(['acme=bounces.acme.test', 'default=b.test']);
  assert.deepEqual(reading, { ok: true, value: ['acme=bounces.acme.test', 'default=b.test'] });
  for (const wrong of ['acme', 'acme=', '=b.test', 'acme=B.test', 'Acme=b.test', 'acme=b.test=c']) {
    const { ok } = tenantBounceDomains.read([wrong]);
    assert.equal(ok, false, wrong);
  }
});
