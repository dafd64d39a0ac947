/**
 * Completes and checks the header of a message that its author hands in.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 6409 §6.1 (what a sender may claim), §8.2 and §8.3 (Date, Message-ID), RFC 5322 §3.6 (one From).
 * Invariant: a From that could be read two ways is refused, never guessed at.
 */

import { domainToASCII } from 'node:url';
import { utf8 } from '../../base/bytes.ts';
import { failure, type Result } from '../../base/errors.ts';
import { mailboxesOf, parseAddressList } from '../../mail/formats/address/parse.ts';
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
  const added: Uint8Array[] = [];
  if (known.from < 0) {
    // The envelope's sender was checked at MAIL, so it may stand for the author.
    if (envelope.sender === '') return failure('message-invalid', 'no From field');
    added.push(utf8(`From: <${envelope.sender}>\r\n`));
  } else {
    const allowed = allowedAuthors(message);
    const refused = allowed && refusedAuthor(unfoldedValue(scan, known.from), allowed);
    if (refused !== undefined) return failure('sender-not-allowed', refused);
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

/** Why this From may not be used, or undefined. */
function refusedAuthor(from: string, allowed: readonly string[]): string | undefined {
  const authors = mailboxesOf(parseAddressList(from));
  if (authors.length === 0) return 'From names nobody';
  for (const author of authors) {
    const { localPart, domain: written } = author;
    if (!author.isValid || invisible.test(localPart + written))
      return 'From cannot be read with certainty';
    const address = comparable(`${localPart}@${written}`);
    const domain = address.slice(address.lastIndexOf('@') + 1);
    if (!allowed.includes(address) && !allowed.includes(`*@${domain}`)) {
      return `From names ${address}`;
    }
  }
  return undefined;
}
