/**
 * The mail of the backlog bench: small messages of some tenants, all for one provider.
 *
 * Runs in: bench; pure.
 */

import type { PackedReceived } from '../../src/actors/asks/spool-asks.ts';
import { packReceived } from '../../src/actors/asks/spool-asks.ts';
import type { MessageId, TenantId } from '../../src/base/ids.ts';
import { kibibyte } from '../../src/base/units.ts';

export const tenants = 10;
export const senders = 200;
export const messageBytes = kibibyte;
export const provider = 'provider.test';

export function senderOf(number: number): string {
  return `list${number % senders}@sender.test`;
}

const line = 'A line of ordinary text in an ordinary message, as people write them.\r\n';

/** All messages have the same octets: what differs is in their envelopes. */
export const body: Uint8Array = Buffer.from(
  `Received: from client.test ([127.0.0.1]) by relay.test with ESMTP; Sun, 22 Nov 2026 02:50:00 +0000\r\n` +
    'From: <list@sender.test>\r\nTo: <someone@provider.test>\r\nSubject: Backlog\r\n' +
    'Date: Sun, 22 Nov 2026 02:50:00 +0000\r\nMessage-ID: <backlog@sender.test>\r\n\r\n' +
    line.repeat(20).slice(0, messageBytes - 330) +
    '\r\n',
);

export function receivedOf(number: number, id: MessageId, nowMs: number): PackedReceived {
  return packReceived({
    envelope: {
      sender: senderOf(number),
      recipients: [{ address: `user${number}@${provider}`, target: { kind: 'remote' } }],
      body: '7bit',
      smtputf8: false,
    },
    arrival: {
      id,
      receivedMs: nowMs,
      listener: 'smtp',
      protocol: 'ESMTP',
      peerAddress: '127.0.0.1',
      peerPort: 25_000,
      helo: 'client.test',
      trusted: true,
      tenant: (number % tenants) as TenantId,
    },
    body: [body],
    bodyBytes: body.byteLength,
  });
}
