/**
 * Reads a message that is asked for in JSON: what it is made of, and what its envelope shall be.
 *
 * Runs in:   edge (main thread); pure.
 * Specs:     RFC 5322 §3.6 (fields that stand once), RFC 4648 §4 (base64).
 * Invariant: fields that say whose mail it is, where it came from or how it is encoded are ours to write.
 */

import type { AttachedFile, MessageParts } from '../../../../actors/asks/compose-job.ts';
import type { DeliveryTerms } from '../../../../actors/asks/delivery-terms.ts';
import {
  type AddressGiven,
  type MailboxGiven,
  readMailbox,
  readMailboxes,
  readPath,
} from './addresses.ts';
import { ApiFault } from './fault.ts';

export interface AttachmentGiven {
  readonly filename: string;
  readonly content: string;
  readonly contentType?: string;
  readonly contentId?: string;
  readonly disposition?: 'attachment' | 'inline';
}

/** As `messageSchema` has it. */
export interface MessageGiven {
  readonly from: AddressGiven;
  readonly to?: AddressGiven | readonly AddressGiven[];
  readonly cc?: AddressGiven | readonly AddressGiven[];
  readonly bcc?: AddressGiven | readonly AddressGiven[];
  readonly replyTo?: AddressGiven | readonly AddressGiven[];
  readonly returnPath?: string;
  readonly subject?: string;
  readonly text?: string;
  readonly html?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly attachments?: readonly AttachmentGiven[];
  readonly campaign?: string;
  readonly priority?: number;
  readonly sendAt?: string;
  readonly requireTls?: boolean;
}

export interface Draft {
  readonly from: MailboxGiven;
  readonly sender: string;
  readonly recipients: readonly MailboxGiven[];
  readonly terms: DeliveryTerms;
  readonly parts: Omit<MessageParts, 'messageId' | 'dateMs'>;
}

const ownFields = new Set([
  ...['from', 'sender', 'to', 'cc', 'bcc', 'reply-to', 'subject', 'date', 'message-id'],
  ...['received', 'return-path', 'delivered-to', 'dkim-signature', 'authentication-results'],
  ...['mime-version', 'tls-required'],
]);
const ownFamilies = /^(?:content-|arc-|resent-|x-chaski-)/;

/** @throws ApiFault */
export function readDraft(given: MessageGiven, holdMsMax: number, nowMs: number): Draft {
  if (given.text === undefined && given.html === undefined) {
    throw new ApiFault('argument-invalid', 'a message has text or html', { path: '' });
  }
  const from = readMailbox(given.from, '/from');
  const to = readMailboxes(given.to, '/to');
  const cc = readMailboxes(given.cc, '/cc');
  const recipients = [...to, ...cc, ...readMailboxes(given.bcc, '/bcc')];
  if (recipients.length === 0) {
    throw new ApiFault('argument-invalid', 'nobody is to get it', { path: '/to' });
  }
  const { returnPath } = given;
  return {
    from,
    sender: returnPath === undefined ? from.address : readPath(returnPath, '/returnPath').address,
    recipients,
    terms: readTerms(given, holdMsMax, nowMs),
    parts: {
      from: plain(from),
      to: to.map(plain),
      cc: cc.map(plain),
      replyTo: readMailboxes(given.replyTo, '/replyTo').map(plain),
      subject: given.subject ?? '',
      ...(given.text === undefined ? {} : { text: given.text }),
      ...(given.html === undefined ? {} : { html: given.html }),
      headers: Object.entries(given.headers ?? {}).map(readHeader),
      attachments: (given.attachments ?? []).map(readAttachment),
    },
  };
}

/** @throws ApiFault */
export function readTerms(
  given: Pick<MessageGiven, 'campaign' | 'priority' | 'sendAt' | 'requireTls'>,
  holdMsMax: number,
  nowMs: number,
): DeliveryTerms {
  const { campaign, priority, sendAt, requireTls } = given;
  const holdUntilMs = sendAt === undefined ? 0 : Date.parse(sendAt);
  if (Number.isNaN(holdUntilMs)) {
    throw new ApiFault('argument-invalid', 'this is no instant', { path: '/sendAt' });
  }
  if (holdUntilMs - nowMs > holdMsMax) {
    throw new ApiFault('argument-invalid', 'this is too far away', { path: '/sendAt' });
  }
  return {
    ...(priority === undefined || priority === 0 ? {} : { priority }),
    ...(holdUntilMs <= nowMs ? {} : { holdUntilMs }),
    ...(requireTls === true ? { requireTls } : {}),
    ...(campaign === undefined ? {} : { campaign }),
  };
}

function plain({ name, address }: MailboxGiven) {
  return { name, address };
}

function readHeader([name, value]: [string, string]): readonly [string, string] {
  const lower = name.toLowerCase();
  if (ownFields.has(lower) || ownFamilies.test(lower)) {
    const path = `/headers/${name}`;
    throw new ApiFault('argument-invalid', 'this field is not a client’s to write', { path });
  }
  return [name, value];
}

function readAttachment(given: AttachmentGiven, index: number): AttachedFile {
  const { filename, contentId = '', contentType = 'application/octet-stream' } = given;
  const text = given.content.replace(/[\r\n]+/g, '');
  const content = Buffer.from(text, 'base64');
  // `Buffer.from` stops silently at what is not base64.
  const isWhole = /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0;
  if (!isWhole) {
    const path = `/attachments/${index}/content`;
    throw new ApiFault('argument-invalid', 'this is not base64', { path });
  }
  const isInline =
    given.disposition === 'inline' || (given.disposition === undefined && contentId !== '');
  return { filename, contentType, contentId, isInline, content };
}
