/**
 * How a connection, or an attempt at one, ended: what a site makes of it.
 *
 * Runs in: engine threads; pure.
 */

import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';
import type { DialError } from '../../ports/dialer.ts';
import { ownReply } from './message.ts';
import type { Target } from './site-hosts.ts';
import type { Source } from './sources/source.ts';
import type { SessionEnd } from './transfer.ts';

export const noConnectionReply = ownReply(451, '4.4.1', 'No connection to the next hop');

export function dialEnd(
  { host, address, port }: Target,
  source: Source,
  { fault, message }: DialError,
): SessionEnd {
  const isSource = fault === 'source';
  const text = isSource ? `${source.name}: ${message}` : `${host}[${address}]:${port}: ${fault}`;
  return { reply: ownReply(451, '4.4.1', text), isOurs: true, tls: false, isSource };
}

/** A host we would not give the mail to as it is, rather than one that did not take it. */
export function isForGood({ isOurs, reply }: SessionEnd): boolean {
  return isOurs && reply.code >= 500;
}

/** It says itself that it will have nothing of us (RFC 5321 §3.1, 554): what others have open, it only bears with. */
export function isTurnedAway({ isOurs, reply }: SessionEnd): boolean {
  return !isOurs && reply.code >= 500;
}

export function lineOf({ code, enhanced, text }: Reply): string {
  return [code, enhanced, text].filter((word) => word !== '').join(' ');
}

export function noFamilyReply({ name }: Source): Reply {
  return ownReply(451, '4.4.1', `Source ${name} has no address of the next hop's family`);
}
