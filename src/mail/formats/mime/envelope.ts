/**
 * Writes a message's ENVELOPE as it goes over the wire.
 *
 * Runs in:   engine threads (once per stored message); pure.
 * Specs:     RFC 3501 §7.4.2 and RFC 9051 §7.5.2 (ENVELOPE); RFC 6532 (8-bit header text, sent as literals).
 * Invariant: encoded words are left as they are; clients decode them.
 */

import { type Address, type Mailbox, parseAddressList } from '../address/parse.ts';
import { type FieldName, fieldName, isField } from '../headers/fields.ts';
import type { HeaderScan } from '../headers/scan.ts';
import { unfoldedValue } from '../headers/unfold.ts';
import { imapNstring, imapString } from './imap-text.ts';

/** The fields an envelope is made of: unfolded, addresses read, several fields of one name joined. */
export interface EnvelopeFields {
  readonly date?: string;
  readonly subject?: string;
  readonly from: readonly Address[];
  readonly sender: readonly Address[];
  readonly replyTo: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
  readonly inReplyTo?: string;
  readonly messageId?: string;
  readonly references?: string;
}

const textNames = {
  date: fieldName('date'),
  subject: fieldName('subject'),
  inReplyTo: fieldName('in-reply-to'),
  messageId: fieldName('message-id'),
  references: fieldName('references'),
} as const;
const addressNames = {
  from: fieldName('from'),
  sender: fieldName('sender'),
  replyTo: fieldName('reply-to'),
  to: fieldName('to'),
  cc: fieldName('cc'),
  bcc: fieldName('bcc'),
} as const;
type TextName = keyof typeof textNames;
type AddressName = keyof typeof addressNames;

interface Entry {
  readonly key: TextName | AddressName;
  readonly name: FieldName;
  readonly isAddress: boolean;
}

/** Entries by length of their names, so that most fields are passed over by one look. */
const entriesByLength: Entry[][] = [];
for (const [names, isAddress] of [
  [textNames, false],
  [addressNames, true],
] as const) {
  for (const [key, name] of Object.entries(names)) {
    entriesByLength[name.length] ??= [];
    entriesByLength[name.length]!.push({ key: key as Entry['key'], name, isAddress });
  }
}

export function readEnvelopeFields(header: HeaderScan): EnvelopeFields {
  const texts: Partial<Record<TextName, string>> = {};
  const addresses: Partial<Record<AddressName, readonly Address[]>> = {};
  for (let field = 0; field < header.count; field++) {
    const length = header.nameEnd(field) - header.nameStart(field);
    for (const { key, name, isAddress } of entriesByLength[length] ?? []) {
      if (!isField(header, field, name)) continue;
      if (isAddress) {
        const list = parseAddressList(unfoldedValue(header, field));
        const before = addresses[key as AddressName];
        addresses[key as AddressName] = before === undefined ? list : [...before, ...list];
      } else texts[key as TextName] ??= unfoldedValue(header, field);
      break;
    }
  }
  const { from = [], sender = [], replyTo = [], to = [], cc = [], bcc = [] } = addresses;
  return { ...texts, from, sender, replyTo, to, cc, bcc };
}

export function writeEnvelope(fields: EnvelopeFields): string {
  // RFC 9051 §7.5.2: an absent or empty Sender or Reply-To is From.
  const from = addressList(fields.from);
  const sender = fields.sender.length === 0 ? from : addressList(fields.sender);
  const replyTo = fields.replyTo.length === 0 ? from : addressList(fields.replyTo);
  return (
    `(${imapNstring(fields.date)} ${imapNstring(fields.subject)} ${from} ${sender} ${replyTo} ` +
    `${addressList(fields.to)} ${addressList(fields.cc)} ${addressList(fields.bcc)} ` +
    `${imapNstring(fields.inReplyTo)} ${imapNstring(fields.messageId)})`
  );
}

/** What servers of old put where an address has no domain: NIL would open a group. */
const missingDomain = '"unspecified-domain"';

function addressList(addresses: readonly Address[]): string {
  if (addresses.length === 0) return 'NIL';
  let text = '(';
  for (const address of addresses) {
    if (address.kind === 'mailbox') text += mailbox(address);
    else {
      // RFC 9051 §7.5.2: a group opens with a NIL host and its name, and ends with NIL for both.
      text += `(NIL NIL ${imapString(address.name)} NIL)`;
      for (const member of address.members) text += mailbox(member);
      text += '(NIL NIL NIL NIL)';
    }
  }
  return `${text})`;
}

function mailbox({ name, route, localPart, domain }: Mailbox): string {
  const host = domain === '' ? missingDomain : imapString(domain);
  return `(${name === '' ? 'NIL' : imapString(name)} ${route === '' ? 'NIL' : imapString(route)} ${imapString(localPart)} ${host})`;
}
