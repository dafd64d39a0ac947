/**
 * A short message of the server itself to one of its people.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5322, RFC 3834 §5 (Auto-Submitted), RFC 6532 (what is not ASCII stands in UTF-8).
 * Invariant: no text given ends a line of the header.
 */

import { formatDate } from '../date/format.ts';

export interface NoticeFacts {
  readonly from: string;
  readonly to: string;
  /** ASCII. */
  readonly subject: string;
  readonly lines: readonly string[];
  readonly nowMs: number;
  /** The part of Message-ID before the @. */
  readonly id: string;
  /** Of `from`. */
  readonly domain: string;
}

export function writeNotice(facts: NoticeFacts): string {
  const { from, to, subject, lines, nowMs, id, domain } = facts;
  return [
    `Date: ${formatDate(nowMs)}`,
    `From: <${inLine(from)}>`,
    `To: <${inLine(to)}>`,
    `Subject: ${inLine(subject)}`,
    `Message-ID: <${id}@${inLine(domain)}>`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    ...lines.map(inLine),
    '',
  ].join('\r\n');
}

function inLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, ' ');
}
