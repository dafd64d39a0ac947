/**
 * Reads a message that is asked for in JSON: what it is made of, and what its envelope shall be.
 *
 * Runs in:   edge (main thread); pure.
 * Specs:     RFC 5322 §3.6 (fields that stand once), RFC 4648 §4 (base64).
 * Invariant: fields that say whose mail it is, where it came from or how it is encoded are ours to write.
 */

import type {
  AttachedFile,
  MessageParts,
  NamedAddress,
} from '../../../../actors/asks/compose-job.ts';
import type { DeliveryTerms } from '../../../../actors/asks/delivery-terms.ts';
import {
  type AddressGiven,
  type MailboxGiven,
  readMailbox,
  readMailboxes,
  readPath,
} from './addresses.ts';
import { ApiFault } from './fault.ts';
import type { Variables } from './template.ts';

interface AttachmentGiven {
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
  readonly recipients?: readonly { readonly to: AddressGiven; readonly variables?: Variables }[];
  readonly campaign?: string;
  readonly priority?: number;
  readonly sendAt?: string;
  readonly requireTls?: boolean;
  readonly dryRun?: boolean;
  readonly deferGeneration?: boolean;
}

/** One message that a request asks for. */
export interface Copy {
  readonly recipients: readonly MailboxGiven[];
  readonly to: readonly NamedAddress[];
  /** Of a batch. */
  readonly variables?: Variables;
  /** Where it stands in the request, as a JSON pointer. */
  readonly place: string;
}

interface Texts {
  readonly subject: string;
  readonly text?: string;
  readonly html?: string;
}

export interface Draft {
  readonly from: MailboxGiven;
  readonly sender: string;
  readonly terms: DeliveryTerms;
  readonly copies: readonly Copy[];
  readonly texts: Texts;
  readonly shared: Omit<MessageParts, 'messageId' | 'dateMs' | 'to' | keyof Texts>;
}

const ownFields = new Set([
  ...['from', 'sender', 'to', 'cc', 'bcc', 'reply-to', 'subject', 'date', 'message-id'],
  ...['received', 'return-path', 'delivered-to', 'dkim-signature', 'authentication-results'],
  ...['mime-version', 'tls-required'],
]);
const ownFamilies = /^(?:content-|arc-|resent-|x-chaski-)/;

/** @throws ApiFault */
export function readDraft(given: MessageGiven, holdMsMax: number, nowMs: number): Draft {
  const { subject = '', text, html, returnPath } = given;
  if (text === undefined && html === undefined) {
    throw new ApiFault('argument-invalid', 'a message has text or html');
  }
  const from = readMailbox(given.from, '/from');
  const cc = readMailboxes(given.cc, '/cc');
  return {
    from,
    sender: returnPath === undefined ? from.address : readPath(returnPath, '/returnPath').address,
    terms: readTerms(given, holdMsMax, nowMs),
    copies: given.recipients === undefined ? [readOne(given, cc)] : readBatch(given),
    texts: {
      subject,
      ...(text === undefined ? {} : { text }),
      ...(html === undefined ? {} : { html }),
    },
    shared: {
      from: plain(from),
      cc: cc.map(plain),
      replyTo: readMailboxes(given.replyTo, '/replyTo').map(plain),
      headers: Object.entries(given.headers ?? {}).map(readHeader),
      attachments: (given.attachments ?? []).map(readAttachment),
    },
  };
}

function readOne(given: MessageGiven, cc: readonly MailboxGiven[]): Copy {
  const to = readMailboxes(given.to, '/to');
  const recipients = [...to, ...cc, ...readMailboxes(given.bcc, '/bcc')];
  if (recipients.length === 0) {
    throw new ApiFault('argument-invalid', 'nobody is to get it', { path: '/to' });
  }
  return { recipients, to: to.map(plain), place: '' };
}

function readBatch({ recipients = [], to, cc, bcc }: MessageGiven): readonly Copy[] {
  if (to !== undefined || cc !== undefined || bcc !== undefined) {
    const path = '/recipients';
    throw new ApiFault('argument-invalid', 'recipients stand in place of to, cc and bcc', { path });
  }
  return recipients.map(({ to: one, variables = {} }, index) => {
    const place = `/recipients/${index}`;
    const mailbox = readMailbox(one, `${place}/to`);
    return { recipients: [mailbox], to: [plain(mailbox)], variables, place };
  });
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

function plain({ name, address }: MailboxGiven): NamedAddress {
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
