/**
 * What is told of a message in quarantine, out of its header.
 *
 * Runs in:   engine threads; pure.
 */

import type { HeldMessage } from '../../../actors/asks/quarantine-asks.ts';
import { scanHeaders } from '../../../mail/formats/headers/scan.ts';
import { headingOf } from '../../../mail/formats/mime/heading.ts';
import { HeaderList } from '../../../mail/sieve/message/header-list.ts';
import { heldWord, readMarks } from '../outcome/trust-marks.ts';

export type HeldFacts = Pick<
  HeldMessage,
  'kind' | 'from' | 'subject' | 'sender' | 'scanner' | 'percent'
>;

/** `text`: the beginning, with the fields that were added on top. */
export function heldFacts(text: Uint8Array, envelope?: Uint8Array): HeldFacts {
  const headers = new HeaderList(scanHeaders(text));
  const { spamPercent, quarantine = 'spam' } = readMarks(headers);
  const [path = ''] = headers.texts('return-path');
  const said = heldWord(headers) ?? headers.texts('x-spam-status')[0] ?? '';
  const scanner = /\bscanner=([\w-]{1,64})/.exec(said)?.[1] ?? '';
  return {
    kind: quarantine,
    ...headingOf(envelope),
    sender: path.replace(/^<|>$/g, ''),
    scanner,
    ...(spamPercent === undefined ? {} : { percent: Math.round(spamPercent) }),
  };
}

export function matches({ from, subject, sender }: HeldFacts, search: string): boolean {
  const wanted = search.toLowerCase();
  return [from, subject, sender].some((text) => text.toLowerCase().includes(wanted));
}
