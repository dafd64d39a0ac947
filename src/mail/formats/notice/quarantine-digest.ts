/**
 * What a digest says of mail that was kept apart.
 *
 * Runs in:   anywhere; pure.
 * Limits:    `shownMax` messages are named, texts of `textMax` characters each.
 * Invariant: what a stranger wrote is no link here: programs make links of what looks like one.
 */

import { formatDate } from '../date/format.ts';

export const shownMax = 50;
const textMax = 100;

export interface DigestMessage {
  readonly heldMs: number;
  readonly from: string;
  readonly subject: string;
  readonly why: string;
  /** "": only who administers releases it. */
  readonly link: string;
}

export interface Digest {
  readonly address: string;
  readonly messages: readonly DigestMessage[];
  /** More than are named. */
  readonly moreCount: number;
  readonly keepDays: number;
}

export function digestLines({ address, messages, moreCount, keepDays }: Digest): string[] {
  const count = messages.length + moreCount;
  const lines = [
    `${count} ${count === 1 ? 'message' : 'messages'} for ${address} ${count === 1 ? 'was' : 'were'} kept apart.`,
    `After ${keepDays} days they are gone.`,
  ];
  for (const { heldMs, from, subject, why, link } of messages) {
    lines.push('', formatDate(heldMs), `From: ${quoted(from)}`, `Subject: ${quoted(subject)}`);
    lines.push(`Why: ${why}`);
    lines.push(link === '' ? 'Only your administrator can release it.' : `Release it: ${link}`);
  }
  if (moreCount > 0) lines.push('', `and ${moreCount} more.`);
  return lines;
}

function quoted(text: string): string {
  const cut = text.length > textMax ? `${text.slice(0, textMax)}…` : text;
  const plain = cut.replaceAll('://', ': //').replace(/\b(www|mailto|tel)([.:])/gi, '$1 $2');
  return plain === '' ? '(none)' : plain;
}
