/**
 * Aim:    nobody but us, and servers of ours, says what was found of a message (RFC 8601 §5).
 * Method: fields of ours in mail of each kind of client, through `prepare`.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy } from '../../../../src/actors/asks/policy-snapshot.ts';
import type { Arrival } from '../../../../src/actors/asks/reception.ts';
import type { MessageId, TenantId } from '../../../../src/base/ids.ts';
import { compilePolicy } from '../../../../src/engine/pipeline/policy.ts';
import { type MessageToPrepare, prepare } from '../../../../src/engine/pipeline/prepare.ts';

const own = 'mx.example.net';
const policy = compilePolicy({ ...defaultPolicy, hostname: own, authservId: own });
const relayed: Arrival = {
  id: '0123456789ABCDEF' as MessageId,
  receivedMs: 0,
  listener: 'smtp',
  protocol: 'ESMTP',
  peerAddress: '192.0.2.1',
  peerPort: 4711,
  helo: 'client.example.org',
  trusted: true,
  tenant: 0 as TenantId,
};
const submission = { listener: 'submission', user: 'a@example.org' } as const;
const plain =
  'From: <a@example.org>\r\nDate: Sun, 22 Nov 2026 02:00:00 +0000\r\n' +
  'Message-ID: <1@example.org>\r\nSubject: hi\r\n\r\nbody\r\n';

interface Changes {
  readonly arrival?: Partial<Arrival>;
  readonly fromAllowed?: readonly string[];
}

function message(text: string, { arrival, ...more }: Changes = {}): MessageToPrepare {
  const recipients = [{ address: 'x@example.net', target: { kind: 'remote' } as const }];
  return {
    body: Buffer.from(text, 'utf8'),
    envelope: { sender: 'a@example.org', recipients, body: '7bit', smtputf8: false },
    arrival: { ...relayed, ...arrival },
    ...more,
  };
}

/** Below our trace field. */
function prepared(given: MessageToPrepare): string {
  const result = prepare(given, policy, 0);
  assert.ok(result.ok, JSON.stringify(result));
  return Buffer.concat(result.parts.slice(1)).toString();
}

test('marks of scanners stay where scanners were asked, or another server of ours was', () => {
  const spam = 'X-Spam-Flag: YES\r\nx-spam-status : No, score=-99 required=5\r\n\ttests=a\r\n';
  const level = 'X-Spam-Level: *\r\nX-Phishing: looks-like-us\r\n';
  const held = 'X-QUARANTINE: policy; scanner=none\r\n';
  const others = 'X-Spam: 1\r\nX-Spam-Flags: YES\r\nX-Quarantined: yes\r\n';
  const given = spam + level + others + held + plain;
  const without = others + plain;
  assert.equal(prepared(message(given, { arrival: submission })), without);
  const key = { arrival: { listener: 'http' }, fromAllowed: ['*@example.org'] } as const;
  assert.equal(prepared(message(given, key)), without);
  const asked = { ...message(given, { arrival: submission }), isScanned: true };
  assert.equal(prepared(asked), given);
  assert.equal(prepared(message(given)), given);
  // What no filter before us wrote is not believed of a stranger.
  const stranger = message(given, { arrival: { trusted: false } });
  assert.equal(prepared(stranger), spam + level + others + plain);
  assert.equal(prepared({ ...stranger, isScanned: true }), given);
});

test('an API key forges no results and no outcome', () => {
  const ours = `Authentication-Results: mx.example.net; dkim=pass\r\nX-DMARC-Outcome: mx.example.net; quarantine\r\n`;
  const key = { arrival: { listener: 'http' }, fromAllowed: ['*@example.org'] } as const;
  assert.equal(prepared(message(ours + plain, key)), plain);
});

test('logos that mail comes with are taken out, the selector of its author stays', () => {
  const asked = `BIMI-Selector: v=BIMI1; s=brand\r\n${plain}`;
  const logos = 'BIMI-Location: v=BIMI1; l=https://x.test/l.svg\r\nbimi-indicator: PHN2Zz4=\r\n';
  const given = logos + asked;
  assert.equal(prepared(message(given, { arrival: { trusted: false } })), asked);
  assert.equal(prepared(message(given, { arrival: submission })), asked);
  assert.equal(prepared(message(given)), given);
});
