/**
 * The commands a client sends for one message, and what a next hop must be able to do for it.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5321 §3.3, RFC 1870 §6, RFC 3461 §4, RFC 6152, RFC 3030 §3, RFC 6531 §3.4 and §3.5,
 *            RFC 3463 §3.6 and §3.7 (5.6.1, 5.6.3), RFC 6531 §4.2 (5.6.7).
 */

import type { DeliverBy, DeliveryTerms } from '../../actors/asks/delivery-terms.ts';
import type { Notify } from '../../actors/asks/reception.ts';
import { latin1, utf8 } from '../../base/bytes.ts';
import { secondMs } from '../../base/units.ts';
import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';
import type { Clock } from '../../ports/clock.ts';
import { has8Bit, hasUtf8Header } from './body.ts';
import type { Capabilities } from './capabilities.ts';
import type { OutboundMessage, OutboundRecipient } from './message.ts';
import { ownReply } from './message.ts';

/** RFC 2852 §4: nine digits. */
const bySecondsMax = 999_999_999;
const notAscii = /[^\0-\x7f]/;
/** What would end a command line, a parameter, or a path outside quotes. */
const controls = /[\0-\x1f\x7f]/;
const parameterEnds = /[\0-\x20\x7f]/;
const pathEnds = /[<> ]/;

/**
 * Why this message cannot go to this hop, undefined when it can. Nothing is ever converted: a signed message would
 * not survive it.
 */
export function missingCapability(
  message: OutboundMessage,
  capabilities: Capabilities,
  clock: Pick<Clock, 'nowMs'>,
): Reply | undefined {
  if (capabilities.sizeMax > 0 && message.bytes > capabilities.sizeMax) {
    return ownReply(
      552,
      '5.3.4',
      `Message is larger than the next hop takes (${capabilities.sizeMax} bytes)`,
    );
  }
  if (message.body === 'binarymime' && !capabilities.hasBinaryMime) {
    return ownReply(554, '5.6.1', 'Next hop does not take binary messages');
  }
  // A message declared 8-bit that has no such byte goes anywhere.
  if (message.body === '8bitmime' && !capabilities.has8BitMime && isEightBit(message)) {
    return ownReply(554, '5.6.3', 'Next hop does not take 8-bit messages');
  }
  if (message.smtputf8 && !capabilities.hasSmtpUtf8 && needsSmtpUtf8(message)) {
    return ownReply(553, '5.6.7', 'Next hop does not take internationalised mail');
  }
  return lateness(message, capabilities, clock);
}

/** RFC 2852 §4.1.4: what must come back when it is late goes to no hop that does not promise it. */
function lateness(
  { terms }: OutboundMessage,
  { deliverBySecondsMin }: Capabilities,
  clock: Pick<Clock, 'nowMs'>,
): Reply | undefined {
  if (terms?.deliverBy?.mode !== 'return') return undefined;
  if (deliverBySecondsMin === undefined) {
    return ownReply(554, '5.4.7', 'Next hop does not promise delivery by a time');
  }
  if (secondsLeft(terms.deliverBy, clock) < Math.max(deliverBySecondsMin, 1)) {
    return ownReply(554, '5.4.7', 'Too late for the next hop to deliver in time');
  }
  return undefined;
}

/** As BY= can say it. */
function secondsLeft({ byMs }: DeliverBy, clock: Pick<Clock, 'nowMs'>): number {
  const seconds = Math.floor((byMs - clock.nowMs()) / secondMs);
  return Math.min(Math.max(seconds, -bySecondsMax), bySecondsMax);
}

/** A large one was looked through when it was accepted: it is declared what it is. */
function isEightBit({ parts, source }: OutboundMessage): boolean {
  return source !== undefined || parts.some(has8Bit);
}

/** Whether an address or the header really has what only SMTPUTF8 can carry. */
function needsSmtpUtf8(message: OutboundMessage): boolean {
  return (
    notAscii.test(message.sender) ||
    message.recipients.some((recipient) => notAscii.test(recipient.address)) ||
    message.source !== undefined ||
    hasUtf8Header(message.parts)
  );
}

/** Whether the envelope can be written at all: nothing in it may end its command early. */
export function isSendable(message: OutboundMessage): boolean {
  if (!isAddressSendable(message.sender)) return false;
  for (const recipient of message.recipients) {
    if (!isAddressSendable(recipient.address)) return false;
    if (recipient.orcpt !== undefined && parameterEnds.test(recipient.orcpt)) return false;
  }
  return message.envid === undefined || !parameterEnds.test(message.envid);
}

function isAddressSendable(address: string): boolean {
  // A quoted local part may hold what ends a bare one (RFC 5321 §4.1.2).
  return !controls.test(address) && (address.startsWith('"') || !pathEnds.test(address));
}

export function mailCommand(
  message: OutboundMessage,
  capabilities: Capabilities,
  clock: Pick<Clock, 'nowMs'>,
): string {
  let command = `MAIL FROM:<${message.sender}>`;
  if (capabilities.hasSize) command += ` SIZE=${message.bytes}`;
  if (message.body === '8bitmime' && capabilities.has8BitMime) command += ' BODY=8BITMIME';
  else if (message.body === 'binarymime') command += ' BODY=BINARYMIME';
  if (message.smtputf8 && capabilities.hasSmtpUtf8) command += ' SMTPUTF8';
  if (capabilities.hasDsn) {
    if (message.ret !== undefined) command += message.ret === 'full' ? ' RET=FULL' : ' RET=HDRS';
    if (message.envid !== undefined) command += ` ENVID=${message.envid}`;
  }
  if (message.terms !== undefined) command += termsWords(message.terms, capabilities, clock);
  return `${command}\r\n`;
}

function termsWords(
  { priority, deliverBy, requireTls }: DeliveryTerms,
  { hasPriority, deliverBySecondsMin, hasRequireTls }: Capabilities,
  clock: Pick<Clock, 'nowMs'>,
): string {
  let words = requireTls === true && hasRequireTls ? ' REQUIRETLS' : '';
  if (priority !== undefined && hasPriority) words += ` MT-PRIORITY=${priority}`;
  if (deliverBy !== undefined && deliverBySecondsMin !== undefined) {
    const mode = deliverBy.mode === 'return' ? 'R' : 'N';
    words += ` BY=${secondsLeft(deliverBy, clock)};${mode}${deliverBy.isTraced ? 'T' : ''}`;
  }
  return words;
}

export function rcptCommand(recipient: OutboundRecipient, capabilities: Capabilities): string {
  let command = `RCPT TO:<${recipient.address}>`;
  if (capabilities.hasDsn) {
    if (recipient.notify !== undefined) command += ` NOTIFY=${notifyWords(recipient.notify)}`;
    if (recipient.orcpt !== undefined) command += ` ORCPT=${recipient.orcpt}`;
  }
  return `${command}\r\n`;
}

/** Of one message. */
export function encoded({ smtputf8 }: OutboundMessage, commands: string): Uint8Array {
  return smtputf8 ? utf8(commands) : latin1(commands);
}

function notifyWords(notify: Notify): string {
  const words: string[] = [];
  if (notify.success) words.push('SUCCESS');
  if (notify.failure) words.push('FAILURE');
  if (notify.delay) words.push('DELAY');
  // NEVER stands alone (RFC 3461 §4.1); asking for nothing is the same.
  return words.length === 0 || notify.never ? 'NEVER' : words.join(',');
}
