/**
 * Whether a message may be answered by a machine.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5230 §4.5 and §4.6, RFC 3834 §2 (Auto-Submitted, the null reverse-path, own addresses), RFC 2919, RFC
 *            2369. Precedence and X-Auto-Response-Suppress are no standards and widely meant so.
 */

import { addressesIn, oneAddress, type PlainAddress } from './address-parts.ts';
import type { HeaderList } from './header-list.ts';

const recipientFields = ['to', 'cc', 'bcc', 'resent-to', 'resent-cc', 'resent-bcc'];
const listFields = [
  'list-id',
  'list-help',
  'list-subscribe',
  'list-unsubscribe',
  'list-post',
  'list-owner',
  'list-archive',
];
const daemonNames: ReadonlySet<string> = new Set([
  'mailer-daemon',
  'listserv',
  'majordomo',
  'noreply',
  'no-reply',
  'donotreply',
  'do-not-reply',
]);

/** Why no answer is due; undefined: one is. `ownAddresses` hold the envelope's recipient. */
export function reasonNotToAnswer(
  headers: HeaderList,
  sender: string,
  ownAddresses: readonly string[],
): string | undefined {
  if (sender === '') return 'the message is a report: its reverse-path is null';
  const from = oneAddress(sender);
  if (from === undefined) return 'the sender is no address';
  const own = new Set(ownAddresses.flatMap((text) => folded(oneAddress(text)) ?? []));
  if (own.has(folded(from)!)) return 'the account wrote it itself';
  const name = from.localPart.toLowerCase();
  if (daemonNames.has(name) || name.startsWith('owner-') || name.endsWith('-request')) {
    return 'the sender is a program';
  }
  const list = listFields.find((field) => headers.has(field));
  if (list !== undefined) return `it came by a mailing list: it has ${list}`;
  const submitted = headers.texts('auto-submitted').find((value) => !/^no\b/i.test(value));
  if (submitted !== undefined) return 'a program sent it: it has Auto-Submitted';
  if (headers.texts('precedence').some((value) => /^(?:bulk|list|junk)\b/i.test(value))) {
    return 'it was sent to many: its Precedence says so';
  }
  if (headers.texts('x-auto-response-suppress').some((value) => /\b(?:all|oof)\b/i.test(value))) {
    return 'its sender wants no answer of a program';
  }
  const isPersonal = recipientFields.some((field) =>
    headers.raw(field).some((raw) => addressesIn(raw).some((each) => own.has(folded(each)!))),
  );
  return isPersonal ? undefined : 'none of its recipients in the header is this account';
}

function folded(address: PlainAddress | undefined): string | undefined {
  return address && `${address.localPart}@${address.domain}`.toLowerCase();
}
