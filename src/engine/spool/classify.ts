/**
 * What a reply of a next hop means, in the words operators sort by.
 *
 * Runs in:   engine threads; pure and total: every number and every enhanced code has a class.
 * Specs:     RFC 5321 §4.2.1 to §4.2.3, RFC 3463 §3, RFC 5248 (registry).
 */

import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';

export const permanences = ['success', 'transient', 'permanent'] as const;
export type Permanence = (typeof permanences)[number];

export const causes = [
  'none',
  'address', // there is no such recipient, or it moved
  'sender', // they do not take mail from this sender
  'mailbox-full',
  'mailbox', // disabled, busy, or refuses by itself
  'system', // their disk, their load, their configuration
  'network', // no connection, no route, no answer, a loop
  'protocol', // one of us does not follow it
  'content', // size, conversion, media
  'policy', // spam, lists, authentication, rate
  'unknown',
] as const;
export type Cause = (typeof causes)[number];

export interface ReplyClass {
  readonly permanence: Permanence;
  readonly cause: Cause;
}

export function classify(reply: Reply): ReplyClass {
  const permanence = permanenceOf(reply.code);
  if (permanence === 'success') return { permanence, cause: 'none' };
  return { permanence, cause: causeOfEnhanced(reply.enhanced) ?? causeOfCode(reply.code) };
}

/** A code out of place (1yz, 3yz, none at all) decides nothing: it is tried again. */
function permanenceOf(code: number): Permanence {
  if (code >= 200 && code < 300) return 'success';
  return code >= 500 && code < 600 ? 'permanent' : 'transient';
}

function causeOfEnhanced(enhanced: string): Cause | undefined {
  const [, subject, detail] = enhanced.split('.');
  switch (subject) {
    case '1':
      // RFC 3463 §3.2: X.1.7 and X.1.8 speak of the sender.
      return detail === '7' || detail === '8' ? 'sender' : 'address';
    case '2':
      return detail === '2' ? 'mailbox-full' : 'mailbox';
    case '3':
      // RFC 3463 §3.4: X.3.4 is a message too big for the system.
      return detail === '4' ? 'content' : 'system';
    case '4':
      return 'network';
    case '5':
      return 'protocol';
    case '6':
      return 'content';
    case '7':
      return 'policy';
    default:
      return undefined;
  }
}

function causeOfCode(code: number): Cause {
  switch (code) {
    case 421:
      return 'network';
    case 450:
    case 550:
    case 551:
    case 553:
      return 'address';
    case 451:
    case 454:
      return 'system';
    case 452:
    case 552:
      return 'mailbox-full';
    case 530:
    case 535:
    case 554:
      return 'policy';
    case 556:
      return 'address';
    default:
      return code >= 500 && code < 510 ? 'protocol' : 'unknown';
  }
}
