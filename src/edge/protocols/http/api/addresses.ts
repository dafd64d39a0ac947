/**
 * Addresses as the API's clients write them: `Ann <ann@example.org>`, or name and address apart.
 *
 * Runs in:   edge (main thread); pure.
 * Specs:     RFC 5322 §3.4, RFC 5321 §4.1.2 (what an envelope can hold), RFC 5890 (A-labels).
 * Invariant: what comes out is one mailbox that an SMTP command can carry.
 */

import { domainToASCII } from 'node:url';
import type { NamedAddress } from '../../../../actors/asks/compose-job.ts';
import { mailboxesOf, parseAddressList } from '../../../../mail/formats/address/parse.ts';
import { type Path, parsePath } from '../../../../mail/wire/smtp/path.ts';
import { ApiFault } from './fault.ts';

export type AddressGiven = string | { readonly address: string; readonly name?: string };

/** A mailbox of a header field, and of the envelope. */
export interface MailboxGiven extends NamedAddress {
  readonly path: Path;
  /** Where it stands in the request, as a JSON pointer. */
  readonly place: string;
}

const plainLocalPart =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\uffff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\uffff-]+)*$/;

/** @throws ApiFault */
export function readMailbox(given: AddressGiven, place: string): MailboxGiven {
  const text = typeof given === 'string' ? given : given.address;
  const [mailbox, ...more] = mailboxesOf(parseAddressList(text));
  if (mailbox === undefined || more.length > 0 || !mailbox.isValid || mailbox.domain === '') {
    throw new ApiFault('argument-invalid', 'this is not one address', { path: place });
  }
  const { localPart } = mailbox;
  const local = plainLocalPart.test(localPart)
    ? localPart
    : `"${localPart.replace(/["\\]/g, '\\$&')}"`;
  const domain = mailbox.domain.startsWith('[')
    ? mailbox.domain
    : domainToASCII(mailbox.domain) || mailbox.domain;
  const path = readPath(`${local}@${domain}`, place);
  const name = typeof given === 'string' ? mailbox.name : (given.name ?? mailbox.name);
  return { name, address: path.address, path, place };
}

/** @throws ApiFault */
export function readPath(address: string, place: string): Path {
  const line = Buffer.from(`<${address}>`);
  const path = parsePath(line, 0, line.length);
  const isWhole = path !== undefined && path.end === line.length && path.domain !== '';
  if (!isWhole || /[\x00-\x1f\x7f]/.test(address)) {
    throw new ApiFault('argument-invalid', 'this address cannot get mail', { path: place });
  }
  return path;
}

export function readMailboxes(
  given: AddressGiven | readonly AddressGiven[] | undefined,
  place: string,
): readonly MailboxGiven[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) return [readMailbox(given as AddressGiven, place)];
  return given.map((each, index) => readMailbox(each, `${place}/${index}`));
}
