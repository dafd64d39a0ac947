/**
 * The server itself, and messages handed in by its own machine.
 *
 * Runs in:   main thread.
 * Specs:     RFC 5321 §4.5.1 and §6.1 hold for `message.send` as for SMTP: its answer means "on disk".
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { EnvelopeRecipient } from '../../actors/asks/reception.ts';
import { domainOf } from '../../base/address-parts.ts';
import { concat, latin1 } from '../../base/bytes.ts';
import { MailError } from '../../base/errors.ts';
import { idempotencyOf } from '../../edge/guard/idempotency.ts';
import { tenantOfSender } from '../../edge/guard/sender-policy.ts';
import { resolveAddress } from '../destinations.ts';
import { checkedAddress } from './addresses.ts';
import type { ControlParts } from './parts.ts';

export function serverHandlers(parts: ControlParts): ControlHandlers {
  return {
    'server.status': () => ({
      version: parts.version,
      processId: process.pid,
      startedMs: parts.startedMs,
      isReady: parts.isReady(),
      listeners: parts.addresses,
    }),
    'message.send': async ({ sender, recipients }, call) => {
      if (sender !== '') checkedAddress(sender);
      const resolved = (
        await Promise.all(recipients.map((each) => recipientsOf(parts, each)))
      ).flat();
      const tenant = await tenantOfSender(parts.directory, domainOf(sender));
      const body = ended(call.body);
      const refusal = parts.reception.reserve(body.byteLength);
      if (refusal !== undefined) throw new MailError(refusal.code, refusal.detail);
      const id = parts.reception.nextId();
      const idempotency = idempotencyOf(tenant, [body]);
      const answer = await parts.reception.accept(
        {
          envelope: {
            sender,
            recipients: resolved,
            body: '8bitmime',
            smtputf8: [sender, ...resolved.map((each) => each.address)].some(isUtf8),
          },
          arrival: {
            id,
            receivedMs: parts.clock.nowMs(),
            listener: 'socket',
            protocol: 'ESMTP',
            peerAddress: '127.0.0.1',
            peerPort: 0,
            helo: parts.settings.hostname,
            trusted: true,
            tenant,
          },
          ...(idempotency === undefined ? {} : { idempotency }),
          body: [body],
          bodyBytes: body.byteLength,
        },
        body.byteLength,
      );
      if (!answer.ok) throw new MailError(answer.code, answer.detail);
      const recipientsTaken = resolved.map(({ address }) => address);
      return { id: answer.earlierId ?? id, recipients: recipientsTaken };
    },
  };
}

function isUtf8(address: string): boolean {
  return /[^\x00-\x7f]/.test(address);
}

/** A message's last line ends with CRLF, as the wire form has it. */
function ended(body: Uint8Array): Uint8Array {
  const isEnded = body.at(-2) === 0x0d && body.at(-1) === 0x0a;
  return isEnded ? body : concat([body, latin1('\r\n')]);
}

async function recipientsOf(
  parts: ControlParts,
  address: string,
): Promise<readonly EnvelopeRecipient[]> {
  const destinations = await resolveAddress(parts.directory, checkedAddress(address));
  if (typeof destinations === 'string') throw new MailError(destinations, address);
  return destinations;
}
