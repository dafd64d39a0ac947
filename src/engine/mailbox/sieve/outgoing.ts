/**
 * Messages that scripts send: what goes on to another address, answers, notices.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 5228 §4.2 (redirect), RFC 5230 §5 (answers), RFC 5436 §2.7 (notices); SRS for what goes on.
 * Limits:    `SentRates` of an account; finding out where an address leads takes `resolveMsMax`; then the delivery fails for now, and comes again.
 * Invariant: what is made here is appended with the delivery it follows from, or not at all. It is DKIM-signed as what
 *            its author's program would have sent; what goes on keeps the signatures it has.
 */

import { isAscii } from 'node:buffer';
import type { Arrival } from '../../../actors/asks/reception.ts';
import {
  type PackedRecipient,
  packEnvelope,
  unpackEnvelope,
} from '../../../actors/asks/spool-asks.ts';
import { domainOf } from '../../../base/address-parts.ts';
import { MailError } from '../../../base/errors.ts';
import type { MessageId, TenantId } from '../../../base/ids.ts';
import { secondMs } from '../../../base/units.ts';
import { fieldName, findField } from '../../../mail/formats/headers/fields.ts';
import { scanHeaders } from '../../../mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../../mail/formats/headers/unfold.ts';
import { writeAutomatic } from '../../../mail/formats/notice/automatic.ts';
import { editedMessage } from '../../../mail/sieve/message/edited.ts';
import { mailtoMessage } from '../../../mail/sieve/message/mailto.ts';
import type { Clock } from '../../../ports/clock.ts';
import { withForwardTerms } from '../../pipeline/forwarding.ts';
import type { Policy } from '../../pipeline/policy.ts';
import { redirectSeal } from '../../pipeline/redirect-seal.ts';
import { signaturesFor } from '../../pipeline/signatures.ts';
import type { MadeMessage } from '../../spool/made.ts';
import type { WrittenRedirect } from '../delivery.ts';
import type { SentRates } from './sent-rates.ts';
import type { Wanted, WantedRedirect } from './wanted.ts';

const resolveMsMax = 10 * secondMs;

export interface OutgoingParts {
  readonly policy: () => Policy;
  readonly clock: Clock;
  readonly nextId: () => MessageId;
  readonly rates: Pick<SentRates, 'take'>;
  /** Where mail for an address goes; none: nowhere. */
  readonly resolve: (address: string) => Promise<readonly PackedRecipient[]>;
}

/** The message that a script saw. */
export interface Occasion {
  readonly tenant: TenantId;
  readonly account: number;
  /** "" is the null reverse-path. */
  readonly sender: string;
  readonly recipient: string;
  /** All of it, or its beginning with the whole header. */
  readonly text: Uint8Array;
}

export type Sent = {
  readonly made: readonly MadeMessage[];
  /** Some address leads nowhere, or too much was sent lately: what was to go there stays. */
  readonly isStuck: boolean;
  /** The answer as it was sent, for a copy of it. */
  readonly answer?: Uint8Array;
  /** As sent, in the order they are wanted in; none: the message is one that nobody is told of. */
  readonly notices: readonly (Uint8Array | undefined)[];
};

/** Bodies of what goes on that are files already, in the order of redirects. */
export type RedirectBodies = readonly WrittenRedirect[] | undefined;

const messageIdName = fieldName('message-id');
const autoSubmittedName = fieldName('auto-submitted');
const referencesName = fieldName('references');
/** Of what an account sends by itself: nobody handed it in. */
const origin = ['sieve', '', '', '', ''] as const;

/** @throws MailError `not-possible-now`: nobody says where mail for an address goes */
export async function makeOutgoing(
  parts: OutgoingParts,
  occasion: Occasion,
  wanted: Wanted,
  bodies: RedirectBodies,
): Promise<Sent> {
  const made: MadeMessage[] = [];
  let isStuck = false;
  for (const [place, redirect] of wanted.redirects.entries()) {
    const message = await redirected(parts, occasion, redirect, bodies?.[place]);
    if (message === undefined) isStuck = true;
    else made.push(message);
  }
  const answer = await answerOf(parts, occasion, wanted, made);
  const notices = await sendNotices(parts, occasion, wanted, made);
  return { made, isStuck, notices, ...(answer === undefined ? {} : { answer }) };
}

/** RFC 5436 §2.7: programs' mail is told of to nobody. In the order of `wanted`; undefined: it was not sent. */
async function sendNotices(
  parts: OutgoingParts,
  occasion: Occasion,
  wanted: Wanted,
  made: MadeMessage[],
): Promise<(Uint8Array | undefined)[]> {
  const scan = scanHeaders(occasion.text);
  const field = findField(scan, autoSubmittedName);
  if (field >= 0 && !/^no\b/i.test(unfoldedValue(scan, field).trim())) return [];
  const notices: (Uint8Array | undefined)[] = [];
  for (const notice of wanted.notices) {
    const mail = mailtoMessage(notice.method)!;
    const own = await ownAddress(parts, occasion, notice.from);
    const text = signed(parts, (id, nowMs) =>
      writeAutomatic({
        ...{ from: own, to: mail.to, cc: mail.cc, nowMs, id, domain: domainOf(own) },
        kind: 'auto-notified',
        subject: notice.isDefault === true ? (mail.subject ?? notice.message) : notice.message,
        about: '',
        fields: importanceFields(notice.importance),
        text: mail.body === '' ? `${notice.message}\n` : mail.body,
      }),
    );
    const sender = occasion.sender === '' ? '' : own;
    const isSent = await send(parts, occasion, sender, mail.recipients, text, made);
    notices.push(isSent ? text.bytes : undefined);
  }
  return notices;
}

async function redirected(
  parts: OutgoingParts,
  { tenant, account, sender, recipient, text }: Occasion,
  { address, edits }: WantedRedirect,
  side: WrittenRedirect | undefined,
): Promise<MadeMessage | undefined> {
  const recipients = await resolved(parts, address);
  if (recipients.length === 0 || !parts.rates.take(account, recipients.length)) return undefined;
  const nowMs = parts.clock.nowMs();
  const id = parts.nextId();
  const { headerEnd } = scanHeaders(text);
  const eightBit = (side?.isSevenBit ?? isAscii(text)) ? 0 : 1;
  const isUtf8 = !isAscii(text.subarray(0, headerEnd)) || !/^[ -~]*$/.test(address + sender);
  const packed = [sender, recipients, eightBit, isUtf8, 0, ''] as const;
  const stranger: Pick<Arrival, 'trusted' | 'listener'> = { trusted: false, listener: 'lmtp' };
  const envelope = withForwardTerms(unpackEnvelope(packed), stranger, parts.policy(), nowMs);
  const body = side?.body ?? sealed(parts, recipient, editedMessage(text, edits), nowMs);
  return { accepted: [id, nowMs, packEnvelope(envelope), origin], tenant, body };
}

/** With what is known of it, where it is not too large to be at hand. */
function sealed(
  { policy }: OutgoingParts,
  recipient: string,
  edited: readonly Uint8Array[],
  nowMs: number,
): readonly Uint8Array[] {
  const own = policy();
  if (own.sealer === undefined) return [deliveredTo(recipient), ...edited];
  const message = Buffer.concat(edited);
  return [redirectSeal(message, own, nowMs), deliveredTo(recipient), message];
}

/** By it the message is known when it comes back to where it was. */
export function deliveredTo(recipient: string): Buffer {
  return Buffer.from(`Delivered-To: ${recipient.replace(/[\u0000-\u001f\u007f]/g, '?')}\r\n`);
}

async function answerOf(
  parts: OutgoingParts,
  occasion: Occasion,
  { answer }: Wanted,
  made: MadeMessage[],
): Promise<Uint8Array | undefined> {
  if (answer === undefined) return undefined;
  const scan = scanHeaders(occasion.text);
  const value = (name: Uint8Array) => {
    const field = findField(scan, name);
    return field < 0 ? '' : unfoldedValue(scan, field).trim();
  };
  const own = await ownAddress(parts, occasion, answer.from);
  const text = signed(parts, (id, nowMs) =>
    writeAutomatic({
      ...{ from: own, to: [answer.to], subject: answer.subject, kind: 'auto-replied' },
      about: value(messageIdName),
      references: value(referencesName),
      text: answer.reason,
      isMime: answer.isMime === true,
      ...{ nowMs, id, domain: domainOf(own) },
    }),
  );
  // RFC 5230 §5.1 and RFC 3834 §3.3: nobody is told of an answer that cannot be delivered.
  const isSent = await send(parts, occasion, '', [answer.to], text, made);
  return isSent ? text.bytes : undefined;
}

interface SignedText {
  readonly id: MessageId;
  readonly nowMs: number;
  readonly bytes: Buffer;
}

function signed(
  { policy, clock, nextId }: OutgoingParts,
  write: (id: string, nowMs: number) => Buffer,
): SignedText {
  const id = nextId();
  const nowMs = clock.nowMs();
  const bytes = write(id, nowMs);
  const signatures = signaturesFor(scanHeaders(bytes), [], [], policy(), nowMs);
  return { id, nowMs, bytes: Buffer.concat([...signatures, bytes]) };
}

/** False: none of them leads anywhere, or its account sent too much lately. */
async function send(
  parts: OutgoingParts,
  { tenant, account }: Occasion,
  sender: string,
  addresses: readonly string[],
  { id, nowMs, bytes }: SignedText,
  made: MadeMessage[],
): Promise<boolean> {
  const recipients: PackedRecipient[] = [];
  for (const address of addresses) recipients.push(...(await resolved(parts, address)));
  if (recipients.length === 0 || !parts.rates.take(account, recipients.length)) return false;
  const isUtf8 = !isAscii(bytes);
  const envelope = [sender, recipients, isUtf8 ? 1 : 0, isUtf8, 0, ''] as const;
  made.push({ accepted: [id, nowMs, envelope, origin], tenant, body: [bytes] });
  return true;
}

/** What a script may write as: an address that leads to its account; else the one the message came to. */
async function ownAddress(
  parts: OutgoingParts,
  { account, recipient }: Occasion,
  asked: string | undefined,
): Promise<string> {
  if (asked === undefined) return recipient;
  const plain = /<([^<>]+)>\s*$/.exec(asked)?.[1] ?? asked.trim();
  const leadsTo = await resolved(parts, plain);
  return leadsTo.some(([, to]) => to === account) ? plain : recipient;
}

async function resolved(
  { resolve, clock }: OutgoingParts,
  address: string,
): Promise<readonly PackedRecipient[]> {
  const late = new MailError('not-possible-now', 'nobody says where an address leads');
  return await new Promise((done, failed) => {
    const timer = clock.setTimer(resolveMsMax, () => failed(late));
    resolve(address)
      .then(done, failed)
      .finally(() => timer.cancel());
  });
}

/** RFC 5436 §2.4 leaves it to custom. */
function importanceFields(importance: 1 | 2 | 3): readonly (readonly [string, string])[] {
  if (importance === 2) return [];
  return [['Importance', importance === 1 ? 'high' : 'low']];
}
