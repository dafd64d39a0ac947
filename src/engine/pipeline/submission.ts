/**
 * Completes and checks the header of a message that its author hands in.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 6409 §6.1 (what a sender may claim), §8.1 to §8.3 (Sender, Date, Message-ID), RFC 5322 §3.6 (one From
 *            and one Sender), §3.6.2 (several authors need a Sender), §3.6.6 (Resent-From, Resent-Sender).
 * Invariant: a name that could be read two ways is refused, never guessed at.
 */

import { domainToASCII } from 'node:url';
import { domainOf } from '../../base/address-parts.ts';
import { utf8 } from '../../base/bytes.ts';
import { failure, type Result } from '../../base/errors.ts';
import { mailboxesOf, parseAddressList } from '../../mail/formats/address/parse.ts';
import { nameOf } from '../../mail/formats/headers/fields.ts';
import type { HeaderScan } from '../../mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../mail/formats/headers/unfold.ts';
import type { Policy } from './policy.ts';
import type { KnownFields, MessageToPrepare } from './prepare.ts';

interface Completed {
  /** Fields to add, each with its line break. */
  readonly added: readonly Uint8Array[];
  readonly messageId: string;
}

export function completeSubmission(
  message: MessageToPrepare,
  scan: HeaderScan,
  known: KnownFields,
  policy: Policy,
  date: string,
): Result<Completed> {
  const { envelope, arrival } = message;
  if (known.fromCount > 1) return failure('message-invalid', 'more than one From field');
  // Some readers join such a line to its neighbours and so find a From that we do not.
  if (hasOddLine(scan)) return failure('message-invalid', 'a line of the header is no field');
  if (known.senderCount > 1) return failure('message-invalid', 'more than one Sender field');
  const allowed = allowedAuthors(message);
  const refused = allowed && refusedClaim(scan, known, allowed);
  if (refused !== undefined) return failure('sender-not-allowed', refused);
  const added: Uint8Array[] = [];
  if (known.from < 0) {
    // The envelope's sender was checked at MAIL, so it may stand for the author.
    if (envelope.sender === '') return failure('message-invalid', 'no From field');
    added.push(utf8(`From: <${envelope.sender}>\r\n`));
  } else if (known.sender < 0 && isOfSeveral(scan, known.from)) {
    const sender = arrival.user ?? envelope.sender;
    if (sender === '') return failure('message-invalid', 'several authors and no Sender field');
    added.push(utf8(`Sender: <${sender}>\r\n`));
  }
  if (known.date < 0) added.push(utf8(`Date: ${date}\r\n`));
  let messageId = '';
  if (known.messageId < 0) {
    messageId = `<${arrival.id}@${policy.snapshot.hostname}>`;
    added.push(utf8(`Message-ID: ${messageId}\r\n`));
  }
  return { ok: true, added, messageId };
}

/**
 * Without a list a logged-in account may still write as itself and as the sender it was granted at MAIL; undefined
 * where nobody logged in.
 */
function allowedAuthors({ fromAllowed, arrival, envelope }: MessageToPrepare) {
  if (fromAllowed !== undefined || arrival.user === undefined) return fromAllowed;
  return [arrival.user, envelope.sender].map(comparable);
}

/** The whole in lower case, the domain in A-labels. */
function comparable(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  const domain = domainToASCII(address.slice(at)) || address.slice(at);
  return (address.slice(0, at) + domain).toLowerCase();
}

function hasOddLine(scan: HeaderScan): boolean {
  for (let field = 0; field < scan.count; field++) {
    if (scan.nameEnd(field) === scan.nameStart(field)) return true;
  }
  return false;
}

// Format characters and odd spaces: domains are compared without them, and shown with them.
const invisible = /[\p{Cf}\p{Z}]/u;

function isOfSeveral(scan: HeaderScan, from: number): boolean {
  const value = unfoldedValue(scan, from);
  return value.includes(',') && mailboxesOf(parseAddressList(value)).length > 1;
}

/**
 * Why one of the fields that say whose message it is may not be used. All Resent- fields are held to it: blocks of
 * earlier resenders (RFC 5322 §3.6.6) cannot be told from forged ones.
 */
function refusedClaim(
  scan: HeaderScan,
  { from, sender, resenders }: KnownFields,
  allowed: readonly string[],
): string | undefined {
  let refused: string | undefined;
  for (const field of [from, sender, ...resenders]) {
    if (field < 0) continue;
    refused ??= refusedAuthor(nameOf(scan, field), unfoldedValue(scan, field), allowed);
  }
  return refused;
}

/** Why this field may not be used, or undefined. */
function refusedAuthor(
  field: string,
  value: string,
  allowed: readonly string[],
): string | undefined {
  const authors = mailboxesOf(parseAddressList(value));
  if (authors.length === 0) return `${field} names nobody`;
  // RFC 5322 §3.6.2 and §3.6.6: Sender and Resent-Sender are one mailbox.
  if (authors.length > 1 && /sender$/i.test(field)) return `${field} names several`;
  for (const author of authors) {
    const { localPart, domain: written } = author;
    if (!author.isValid || invisible.test(localPart + written))
      return `${field} cannot be read with certainty`;
    const address = comparable(`${localPart}@${written}`);
    const domain = domainOf(address);
    if (!allowed.includes(address) && !allowed.includes(`*@${domain}`)) {
      return `${field} names ${address}`;
    }
  }
  return undefined;
}
