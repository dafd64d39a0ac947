/**
 * Writes delivery status notifications: what became of a message, told to its sender.
 *
 * Runs in:   anywhere; pure (time, boundary and id are arguments).
 * Specs:     RFC 3464 (multipart/report), RFC 3461 §6, RFC 6522, RFC 6533 (global-delivery-status), RFC 3834
 *            (Auto-Submitted), RFC 5321 §6.1.
 * Limits:    the original comes back whole up to `fullBytesMax`, else its header, up to `headerBytesMax`.
 * Invariant: no part of the original is copied or converted; what is written here has lines of CRLF, no control
 *            characters, and is ASCII unless the original needed SMTPUTF8.
 */

import { assert } from '../../../base/assert.ts';
import { utf8 } from '../../../base/bytes.ts';
import { decodeXtext } from '../../wire/smtp/xtext.ts';
import { formatDate } from '../date/format.ts';
import { headerOf, isEightBit, isReturnable } from './returned.ts';

export type DsnAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';

export interface DsnRecipient {
  readonly finalRecipient: string;
  /** ORCPT as given: `addr-type;xtext`. */
  readonly originalRecipient?: string;
  readonly action: DsnAction;
  /** RFC 3463 code. */
  readonly status: string;
  /** The reply that decided, as `550 5.1.1 No such user`; "" is none. */
  readonly diagnostic: string;
  readonly remoteHost?: string;
  readonly lastAttemptMs: number;
  /** When a delayed recipient is given up. */
  readonly willRetryUntilMs?: number;
}

export interface DsnRequest {
  /** Id of the notice itself. */
  readonly id: string;
  /** Our name: Reporting-MTA, and the host of sender and Message-ID. */
  readonly hostname: string;
  readonly nowMs: number;
  /** Random, at most 60 characters of RFC 2046's `bcharsnospace`. */
  readonly boundary: string;
  /** The original's reverse-path; never empty. */
  readonly to: string;
  readonly arrivalMs: number;
  /** ENVID as given, in xtext. */
  readonly envid?: string;
  readonly ret: 'full' | 'hdrs';
  /** Whether the original came with SMTPUTF8: then its sender can take a notice that needs it. */
  readonly smtputf8: boolean;
  readonly recipients: readonly DsnRecipient[];
  readonly original: readonly Uint8Array[];
}

export interface DsnMessage {
  readonly parts: readonly Uint8Array[];
  readonly isEightBit: boolean;
  /** Whether it can only travel with SMTPUTF8. */
  readonly isUtf8: boolean;
}

export const fullBytesMax = 256 * 1_024;
const diagnosticCharactersMax = 1_000;
const lineCharactersMax = 900;

const notAscii = /[^\0-\x7f]/;
const unwanted = /[\0-\x1f\x7f]+/g;

/** `to` must not be the null sender: a notice of a notice would never end (RFC 5321 §4.5.5). */
export function writeReport(request: DsnRequest): DsnMessage {
  assert(request.to !== '', 'a notice is never sent to the null sender');
  assert(request.recipients.length > 0, 'a notice speaks of at least one recipient');
  const returned = returnedOf(request);
  const isUtf8 = request.smtputf8 && needsUtf8(request, returned.parts);
  const is8Bit = isUtf8 || returned.isEightBit;
  const { boundary } = request;
  const status = isUtf8 ? 'message/global-delivery-status' : 'message/delivery-status';
  const type = returned.isWhole
    ? isUtf8
      ? 'message/global'
      : 'message/rfc822'
    : isUtf8
      ? 'message/global-headers'
      : 'text/rfc822-headers';
  const lines = [
    ...headerLines(request, is8Bit),
    '',
    'This is a MIME-encapsulated message.',
    '',
    `--${boundary}`,
    'Content-Description: Notification',
    `Content-Type: text/plain; charset=${isUtf8 ? 'utf-8' : 'us-ascii'}`,
    ...encodingLines(isUtf8),
    '',
    ...explanation(request),
    '',
    `--${boundary}`,
    'Content-Description: Delivery report',
    `Content-Type: ${status}`,
    ...encodingLines(isUtf8),
    '',
    ...messageFields(request),
    ...request.recipients.flatMap((recipient) => ['', ...recipientFields(recipient, isUtf8)]),
    '',
    `--${boundary}`,
    `Content-Description: ${returned.isWhole ? 'Undelivered message' : 'Header of the message'}`,
    `Content-Type: ${type}`,
    ...encodingLines(returned.isEightBit),
    '',
    '',
  ];
  const head = lines.join('\r\n');
  return {
    parts: [utf8(isUtf8 ? head : ascii(head)), ...returned.parts, utf8(`\r\n--${boundary}--\r\n`)],
    isEightBit: is8Bit,
    isUtf8,
  };
}

interface Returned {
  readonly parts: readonly Uint8Array[];
  readonly isWhole: boolean;
  readonly isEightBit: boolean;
}

function returnedOf(request: DsnRequest): Returned {
  // RFC 3461 §4.3: RET is about failures; other notices bring the header only.
  const mayBeWhole =
    request.ret === 'full' && request.recipients.some((recipient) => recipient.action === 'failed');
  if (mayBeWhole && isReturnable(request.original, fullBytesMax)) {
    const { original } = request;
    return { parts: original, isWhole: true, isEightBit: original.some(isEightBit) };
  }
  const parts = headerOf(request.original);
  return { parts, isWhole: false, isEightBit: parts.some(isEightBit) };
}

function needsUtf8(request: DsnRequest, returned: readonly Uint8Array[]): boolean {
  return (
    notAscii.test(request.to) ||
    request.recipients.some(
      ({ finalRecipient, originalRecipient = '' }) =>
        notAscii.test(finalRecipient) || notAscii.test(originalRecipient),
    ) ||
    headerOf(returned).some(isEightBit)
  );
}

function headerLines(request: DsnRequest, is8Bit: boolean): string[] {
  const { hostname, id, nowMs, to, boundary } = request;
  return [
    `Date: ${formatDate(nowMs)}`,
    `From: Mail Delivery System <MAILER-DAEMON@${hostname}>`,
    `To: <${clean(to)}>`,
    `Subject: ${subjectOf(request)}`,
    `Message-ID: <${id}@${hostname}>`,
    // RFC 3834 §5: keeps vacation responders and the like from answering.
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status;',
    ` boundary="${boundary}"`,
    ...encodingLines(is8Bit),
  ];
}

function encodingLines(is8Bit: boolean): string[] {
  return is8Bit ? ['Content-Transfer-Encoding: 8bit'] : [];
}

/** The gravest action names the notice. */
function graveOf(request: DsnRequest): DsnAction {
  const order = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const;
  return order.find((action) => request.recipients.some((each) => each.action === action))!;
}

const subjects: Readonly<Record<DsnAction, string>> = {
  failed: 'Undelivered mail returned to sender',
  delayed: 'Mail is delayed and still being sent',
  delivered: 'Mail was delivered',
  relayed: 'Mail was passed on',
  expanded: 'Mail was delivered to a list',
};

const openings: Readonly<Record<DsnAction, readonly string[]>> = {
  failed: ['Your message could not be delivered to one or more recipients.'],
  delayed: [
    'Your message has not been delivered yet to one or more recipients.',
    'You do not need to send it again: delivery is still being tried.',
  ],
  delivered: ['Your message was delivered, as the reports below say.'],
  relayed: [
    'Your message was passed on to a server that sends no delivery reports.',
    'You may hear no more of it.',
  ],
  expanded: ['Your message was delivered to the members of a list.'],
};

const said: Readonly<Record<DsnAction, string>> = {
  failed: 'could not be delivered',
  delayed: 'is delayed',
  delivered: 'was delivered',
  relayed: 'was passed on',
  expanded: 'was delivered to a list',
};

function subjectOf(request: DsnRequest): string {
  return subjects[graveOf(request)];
}

function explanation(request: DsnRequest): string[] {
  const lines = [
    `This is the mail system at ${request.hostname}.`,
    '',
    ...openings[graveOf(request)],
  ];
  for (const recipient of request.recipients) {
    lines.push('', clean(`<${recipient.finalRecipient}> ${said[recipient.action]}`));
    if (recipient.diagnostic === '') continue;
    if (recipient.remoteHost !== undefined) lines.push(clean(`    ${recipient.remoteHost} said:`));
    for (const line of diagnosticLines(recipient)) lines.push(`    ${line}`);
  }
  return lines;
}

/** RFC 3464 §2.2. */
function messageFields(request: DsnRequest): string[] {
  const fields = [`Reporting-MTA: dns; ${request.hostname}`];
  if (request.envid !== undefined) {
    const envid = decodeXtext(request.envid) ?? request.envid;
    fields.push(`Original-Envelope-Id: ${clean(envid)}`);
  }
  fields.push(`Arrival-Date: ${formatDate(request.arrivalMs)}`);
  return fields;
}

/** RFC 3464 §2.3. */
function recipientFields(recipient: DsnRecipient, isUtf8: boolean): string[] {
  const fields: string[] = [];
  if (recipient.originalRecipient !== undefined) {
    fields.push(`Original-Recipient: ${originalRecipient(recipient.originalRecipient)}`);
  }
  fields.push(
    `Final-Recipient: ${finalRecipient(recipient.finalRecipient, isUtf8)}`,
    `Action: ${recipient.action}`,
    `Status: ${recipient.status}`,
  );
  if (recipient.remoteHost !== undefined) {
    fields.push(`Remote-MTA: dns; ${clean(recipient.remoteHost)}`);
  }
  const [first, ...more] = diagnosticLines(recipient);
  if (first !== undefined)
    fields.push(`Diagnostic-Code: smtp; ${first}`, ...more.map((line) => `    ${line}`));
  fields.push(`Last-Attempt-Date: ${formatDate(recipient.lastAttemptMs)}`);
  if (recipient.willRetryUntilMs !== undefined) {
    fields.push(`Will-Retry-Until: ${formatDate(recipient.willRetryUntilMs)}`);
  }
  return fields;
}

/** RFC 3461 §6.3: the xtext of ORCPT is decoded; what cannot be is shown as it came. */
function originalRecipient(orcpt: string): string {
  const at = orcpt.indexOf(';');
  if (at < 0) return clean(orcpt);
  const address = orcpt.slice(at + 1);
  return clean(`${orcpt.slice(0, at)}; ${decodeXtext(address) ?? address}`);
}

/** RFC 6533 §3: the type utf-8 where rfc822 cannot say it; in an ASCII notice characters stand as `\x{HEX}`. */
function finalRecipient(address: string, isUtf8: boolean): string {
  if (!notAscii.test(address)) return `rfc822; ${clean(address)}`;
  if (isUtf8) return `utf-8; ${clean(address)}`;
  const escaped = address.replace(
    /[^\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e]/gu,
    (character) => `\\x{${character.codePointAt(0)!.toString(16).toUpperCase()}}`,
  );
  return `utf-8; ${clean(escaped)}`;
}

/** The reply's lines; empty ones would end the field or the report. */
function diagnosticLines(recipient: DsnRecipient): string[] {
  return recipient.diagnostic
    .slice(0, diagnosticCharactersMax)
    .split(/\r?\n/)
    .map((line) => clean(line).trim())
    .filter((line) => line !== '');
}

function clean(text: string): string {
  return text.replace(unwanted, ' ').slice(0, lineCharactersMax);
}

function ascii(text: string): string {
  return text.replace(/[^\0-\x7f]/gu, '?');
}
