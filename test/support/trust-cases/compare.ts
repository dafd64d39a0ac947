/**
 * One message through the quick path and through mailauth.
 *
 * Runs in: tests.
 */

import assert from 'node:assert/strict';
import { plainAddress } from '../../../src/base/networks.ts';
import { verifyQuickly } from '../../../src/mail/trust/quick/quick.ts';
import {
  signaturesMax,
  type VerifyRequest,
  verifyByReference,
} from '../../../src/mail/trust/verify.ts';
import type { Dns } from '../../../src/ports/dns.ts';

export const plain: VerifyRequest = {
  message: Buffer.from('From: <a@example.org>\r\nSubject: hi\r\n\r\nbody\r\n'),
  sender: 'a@example.org',
  peerAddress: '192.0.2.1',
  helo: 'client.example.org',
  authservId: 'mx.example.net',
  nowMs: Date.now(),
};

/** Both asked. `isJudged`: whether the quick path gave a verdict, which is then the reference's. */
export async function compare(name: string, request: VerifyRequest, dns: Dns) {
  const address = plainAddress(request.peerAddress);
  const found = await verifyQuickly(request, address, signaturesMax, dns);
  const expected = await verifyByReference(request, dns);
  const field = Buffer.from(expected.field).toString();
  if (found !== undefined) {
    assert.equal(Buffer.from(found.field).toString(), field, name);
    assert.deepEqual(found.verdicts, expected.verdicts, name);
    assert.deepEqual(found.evidence, expected.evidence, name);
  }
  return { isJudged: found !== undefined, verdicts: expected.verdicts, field };
}
