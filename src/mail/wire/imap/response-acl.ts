/**
 * Writes ACL, LISTRIGHTS and MYRIGHTS responses.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 4314 §3.6-3.8.
 */

import { space } from './octets.ts';
import type { ResponseWriter } from './response.ts';
import { rightsText, singleRights } from './rights.ts';

export interface AclEntry {
  /** With its minus, where it has one. */
  readonly identifier: string;
  readonly rights: number;
}

/** `* ACL INBOX ann@example.org lrs -anyone w`. */
export function writeAcl<Handle>(
  writer: ResponseWriter<Handle>,
  mailbox: string,
  entries: readonly AclEntry[],
): void {
  writer.text('* ACL ').mailbox(mailbox);
  for (const { identifier, rights } of entries) {
    writer.octet(space).astring(identifier).octet(space).astring(rightsText(rights));
  }
  writer.crlf();
}

/** `required` are given whatever the list says; each of the others may be given by itself. */
export function writeListRights<Handle>(
  writer: ResponseWriter<Handle>,
  mailbox: string,
  identifier: string,
  required: number,
): void {
  writer.text('* LISTRIGHTS ').mailbox(mailbox).octet(space).astring(identifier);
  const text = rightsText(required);
  writer.octet(space).astring(text);
  for (const letter of singleRights) {
    if (!text.includes(letter)) writer.octet(space).text(letter);
  }
  writer.crlf();
}

export function writeMyRights<Handle>(
  writer: ResponseWriter<Handle>,
  mailbox: string,
  mask: number,
): void {
  writer.text('* MYRIGHTS ').mailbox(mailbox).octet(space).astring(rightsText(mask)).crlf();
}
