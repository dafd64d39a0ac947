/**
 * URLs in a CATENATE: of the account's own mailboxes, on this server.
 *
 * Runs in: edge (main thread); pure.
 * Specs:   RFC 4469 §3 (which URLs a server must take), §4.1 (BADURL); RFC 5092 §3.
 */

import type { PackedUrl } from '../../../actors/asks/imap-asks.ts';
import { parseImapUrl } from '../../../mail/wire/imap/parse-url.ts';
import { no, type Tagged } from './answers.ts';
import type { CommandSession } from './command.ts';

const shownCharactersMax = 500;

/** Undefined: it is not as we understand URLs, or not of this account. */
export function packUrl(session: CommandSession, text: string): PackedUrl | undefined {
  const url = parseImapUrl(text);
  if (url === undefined) return undefined;
  const { service, account, selected } = session;
  const { host, user, uidValidity, uid, section, offset, length } = url;
  const name = host?.replace(/:\d+$/, '');
  if (name !== undefined && name !== service.policy.hostname.toLowerCase()) return undefined;
  if (user !== undefined && user.toLowerCase() !== account!.address.toLowerCase()) return undefined;
  const mailbox = url.mailbox ?? selected?.name;
  if (mailbox === undefined) return undefined;
  const isWhole = offset === 0 && length < 0;
  const range = isWhole ? [-1, -1] : [offset, length < 0 ? Number.MAX_SAFE_INTEGER : length];
  const { part, text: of, fields } = section;
  return [text, mailbox, uidValidity, uid, ['', part, of, fields, range[0]!, range[1]!]];
}

/** RFC 4469 §5: what a code may have in it, less the quotes around. */
export function badUrl(url: string): Tagged {
  const shown = url.slice(0, shownCharactersMax).replace(/[^\x20-\x7e]|["\]\\]/g, '?');
  return no('The URL names no part of a message here', `BADURL "${shown}"`);
}
