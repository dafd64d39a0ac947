/**
 * Whether a reply says that there is too much of us: the one thing fewer connections can help against.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5321 §4.2.1 (421), RFC 3463 §3.4, §3.5 (X.3.2, X.4.5).
 */

import type { Repeated } from '../../../mail/wire/smtp/echoes.ts';
import type { Reply } from '../../../mail/wire/smtp/reply-reader.ts';
import { classOf } from '../../../mail/wire/smtp/response-class.ts';

/** `message`: what it was said to; of words in its addresses nobody knows who says them. */
export function isLoadRefusal(reply: Reply, message?: Repeated): boolean {
  const { code, enhanced } = reply;
  if (code < 400 || code >= 500) return false;
  // Of one mailbox, or of one transaction.
  if (enhanced.startsWith('4.1.') || enhanced.startsWith('4.2.') || enhanced === '4.5.3')
    return false;
  if (enhanced === '4.3.2' || enhanced === '4.4.5') return true;
  const why = classOf(reply, message);
  if (why === 'rate') return true;
  return code === 421 && (why === 'system' || why === 'policy' || why === 'network');
}
