/**
 * SMTP replies that scanners ask us to give.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5321 §4.2, RFC 3463 §2.
 */

import { ScanError } from './scan-error.ts';
import { plainText } from './words.ts';

/**
 * `550 5.7.1 Text`: code, enhanced code, text; one line. What has no code keeps its words under the usual one; "" stays
 * "". @throws ScanError where the code says something else than the action.
 */
export function smtpReplyOf(text: string, action: 'reject' | 'defer'): string {
  const words = plainText(text);
  if (words === '') return '';
  const digit = action === 'reject' ? '5' : '4';
  const usual = action === 'reject' ? '550 5.7.1' : '451 4.7.1';
  const [, code, enhanced, rest] =
    /^(\d{3})(?:[ -]|$)(?:([245]\.\d{1,3}\.\d{1,3})(?: |$))?(.*)$/.exec(words) ?? [];
  if (code === undefined) return `${usual} ${words}`;
  const isOfClass =
    code.startsWith(digit) && (enhanced === undefined || enhanced.startsWith(digit));
  if (!isOfClass || !/^[45][0-5]/.test(code))
    throw new ScanError('broken', `a reply that does not fit: ${code}`);
  return `${code} ${enhanced ?? usual.slice(4)} ${rest || 'Refused'}`;
}
