/**
 * Which keywords a mailbox can keep.
 *
 * Runs in: edge (main thread); pure.
 * Specs:   RFC 9051 §2.3.2, §7.1 (LIMIT).
 */

import type { Flags } from '../../../mail/wire/imap/parse-flags.ts';
import { no, type Tagged } from './answers.ts';

/** As rows keep them. A bracket may stand in an atom, and would end a response's code for some clients. */
const keepable = /^[!#$&'+,./0-9:;<=>?@A-Z^_`a-z|}~-]{1,64}$/;

/** Undefined: each can be kept. */
export function keywordFault({ keywords }: Flags): Tagged | undefined {
  if (keywords.every((keyword) => keepable.test(keyword))) return undefined;
  return no('A keyword is too long, or has a bracket', 'CANNOT');
}

export const keywordsTooMany = no('The mailbox has no room for another keyword', 'LIMIT');
