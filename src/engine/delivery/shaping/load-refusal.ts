/**
 * Whether a reply says that there is too much of us: the one thing fewer connections can help against.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5321 §4.2.1 (421), RFC 3463 §3.4, §3.5 (X.3.2, X.4.5).
 */

import { isInAddress, type Repeated, withoutEchoes } from '../../../mail/wire/smtp/echoes.ts';
import type { Reply } from '../../../mail/wire/smtp/reply-reader.ts';
import { classOf } from '../../../mail/wire/smtp/response-class.ts';

/** In lower case. What a connection may carry, not how many connections there may be. */
const sessionPhrases = [
  'for this session',
  'in this session',
  'in one session',
  'per session',
  'for this connection',
  'on this connection',
  'in one connection',
  'per connection',
];

/** `message`: what it was said to; of words in its addresses nobody knows who says them. */
export function isLoadRefusal(reply: Reply, message?: Repeated): boolean {
  const { code, enhanced } = reply;
  if (code < 400 || code >= 500 || isSessionLimit(reply, message)) return false;
  // Of one mailbox, or of one transaction.
  if (enhanced.startsWith('4.1.') || enhanced.startsWith('4.2.') || enhanced === '4.5.3')
    return false;
  if (enhanced === '4.3.2' || enhanced === '4.4.5') return true;
  const why = classOf(reply, message);
  if (why === 'rate') return true;
  return code === 421 && (why === 'system' || why === 'policy' || why === 'network');
}

/** This connection has carried all it may; another may carry as much. */
export function isSessionLimit({ code, text }: Reply, message?: Repeated): boolean {
  if (code !== 421) return false;
  const said = withoutEchoes(text.toLowerCase().replaceAll('\n', ' '));
  return sessionPhrases.some(
    (phrase) => said.includes(phrase) && (message === undefined || !isInAddress(phrase, message)),
  );
}
