/**
 * Mail of the server itself, by its own spool.
 *
 * Runs in:   main thread.
 * Invariant: handed in with the same key again it is the same message. Nobody is told of one that does not arrive.
 */

import { Buffer } from 'node:buffer';
import type { Reception } from '../actors/asks/reception.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { domainOf } from '../base/address-parts.ts';
import { defaultTenant } from '../base/ids.ts';
import { idempotencyHash } from '../edge/guard/idempotency.ts';
import { writeNotice } from '../mail/formats/notice/write.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import { resolveAddress } from './destinations.ts';

export interface Notice {
  /** Whose domain it is from. */
  readonly account: string;
  readonly to: string;
  /** ASCII. */
  readonly subject: string;
  readonly lines: readonly string[];
  readonly key: string;
}

/** Answers why it could not be taken, or "". */
export type SendNotice = (notice: Notice) => Promise<string>;

export interface OwnMailParts {
  readonly directory: AccountDirectory;
  readonly reception: Reception;
  readonly hostname: string;
}

export function noticeSender({ directory, reception, hostname }: OwnMailParts): SendNotice {
  return async ({ account, to, subject, lines, key }) => {
    const recipients = await resolveAddress(directory, to);
    if (typeof recipients === 'string') return recipients;
    const domain = domainOf(account);
    const nowMs = nodeClock.nowMs();
    const idempotency = idempotencyHash(defaultTenant, key);
    const from = `postmaster@${domain}`;
    const facts = { from, to, subject, lines, nowMs, id: idempotency, domain };
    const body = Buffer.from(writeNotice(facts));
    const refusal = reception.reserve(body.byteLength);
    if (refusal !== undefined) return refusal.code;
    const isPlain = /^[\x00-\x7f]*$/.test(to + from);
    const answer = await reception.accept(
      {
        envelope: { sender: '', recipients, body: '8bitmime', smtputf8: !isPlain },
        arrival: {
          ...{ id: reception.nextId(), receivedMs: nowMs },
          ...{ listener: 'socket', protocol: 'ESMTP', peerAddress: '127.0.0.1', peerPort: 0 },
          ...{ helo: hostname, trusted: true, tenant: defaultTenant },
        },
        idempotency,
        ...{ body: [body], bodyBytes: body.byteLength },
      },
      body.byteLength,
    );
    return answer.ok ? '' : answer.code;
  };
}
