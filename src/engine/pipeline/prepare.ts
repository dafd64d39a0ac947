/**
 * Makes a received message ready for the journal: checks, edits and signs it, and puts the trace field before it.
 *
 * Runs in:   engine threads (hot path: a relayed message of 1 kB costs at most 8 µs, signing aside).
 * Specs:     RFC 5321 §4.4 and §6.3 (trace, loops), RFC 6409 §6 and §8 (submission), RFC 8601 §5 (forged results),
 *            RFC 6376 §5 (signing), RFC 8689 §4 (TLS-Required).
 * Limits:    those of `PolicySnapshot`.
 * Invariant: synchronous; the body is never copied: the parts are new fields and views of the message's bytes.
 */

import { isAscii } from 'node:buffer';
import { isCampaignName } from '../../actors/asks/delivery-terms.ts';
import type { Arrival, Envelope } from '../../actors/asks/reception.ts';
import { byteLength, latin1 } from '../../base/bytes.ts';
import { type Failure, failure, type Result } from '../../base/errors.ts';
import { DateWriter } from '../../mail/formats/date/format.ts';
import { editHeader } from '../../mail/formats/headers/edit.ts';
import { fieldName, isField } from '../../mail/formats/headers/fields.ts';
import { writeReceived } from '../../mail/formats/headers/received.ts';
import { HeaderScan } from '../../mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../mail/formats/headers/unfold.ts';
import type { CanonicalForm } from '../../mail/trust/dkim/canonical.ts';
import { isForgedResult } from './forged-results.ts';
import { ownMarks } from './own-marks.ts';
import type { Policy } from './policy.ts';
import { type BodyHashes, formsToSign, signaturesFor } from './signatures.ts';
import { completeSubmission } from './submission.ts';

export interface MessageToPrepare {
  readonly body: Uint8Array;
  readonly envelope: Envelope;
  readonly arrival: Arrival;
  /**
   * Addresses a logged-in sender may use in From, in lower case; `*@domain` allows a domain. Absent: the account's
   * own and MAIL FROM; any for mail that nobody logged in for.
   */
  readonly fromAllowed?: readonly string[];
  /** Its idempotency key was read. */
  readonly idempotency?: string;
  /** Scanners looked at it: marks in it are theirs. */
  readonly isScanned?: boolean;
}

/** What is known of a message whose `body` is only its beginning, with the whole header in it. */
export interface RestOfBody {
  readonly isAscii: boolean;
  /** Of the whole body, in the forms that `unhashed` named. */
  readonly hashes?: BodyHashes;
}

export interface MessageFacts {
  /** Bytes over 127 in the header: a next hop needs SMTPUTF8 (RFC 6531 §3.6). */
  readonly isHeaderEightBit: boolean;
  /** Bytes over 127 in the body: a next hop needs 8BITMIME (RFC 6152). */
  readonly isBodyEightBit: boolean;
  /** Message-ID as it stands in the header, or "": for traces. */
  readonly messageId: string;
  readonly receivedCount: number;
  readonly signatureCount: number;
  /** RFC 8689 §4: `TLS-Required: No`, said once. */
  readonly isTlsOptional: boolean;
  /** The pool of sources that one who may relay asked for, once; "": none. Whether it may, the pool says. */
  readonly pool: string;
  /** `X-Chaski-Campaign`, said once by who may relay; "" for none. */
  readonly campaign: string;
  /** Its bounces are to find it (`DeliveryTerms.isTracked`). */
  readonly isTracked: boolean;
}

export interface PreparedMessage {
  /** In order, the whole message. */
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  /** Where the body starts in the message as it came. */
  readonly bodyStart: number;
  /** Not empty: the message has to be signed, and is not, for want of these hashes of its body. */
  readonly unhashed: readonly CanonicalForm[];
  readonly facts: MessageFacts;
}

const received = fieldName('received');
const messageIdName = fieldName('message-id');
const dateName = fieldName('date');
const fromName = fieldName('from');
const senderName = fieldName('sender');
const resentFromName = fieldName('resent-from');
const resentSenderName = fieldName('resent-sender');
const bccName = fieldName('bcc');
const resultsName = fieldName('authentication-results');
const outcomeName = fieldName('x-dmarc-outcome');
const logoNames = [fieldName('bimi-location'), fieldName('bimi-indicator')];
const quarantineName = fieldName('x-quarantine');
const markNames = ownMarks.map(fieldName);
const tlsRequiredName = fieldName('tls-required');
const campaignName = fieldName('x-chaski-campaign');
const idempotencyName = fieldName('x-chaski-idempotency-key');
const poolName = fieldName('x-chaski-pool');

/** Where the fields are that preparing asks about; -1 where there is none. */
export interface KnownFields {
  receivedCount: number;
  messageId: number;
  date: number;
  from: number;
  fromCount: number;
  sender: number;
  senderCount: number;
  /** Resent-From and Resent-Sender. */
  resenders: number[];
  bcc: number[];
  results: number[];
  /** X-DMARC-Outcome, and where a logo is (the draft of BIMI, §5.6): only receivers say it. */
  outcomes: number[];
  /** `ownMarks`. */
  marks: number[];
  /** Those of them that no filter of others writes. */
  held: number[];
  tlsRequired: number;
  tlsRequiredCount: number;
  idempotency: number[];
  pools: number[];
  campaign: number[];
}

const hyphen = 45;
const letterX = 120;
const none: never[] = [];
const emptyLine = latin1('\r\n');
// One of each per thread: preparing never pauses, and keeps nothing of them.
const scan = new HeaderScan();
const dateWriter = new DateWriter();

/** RFC 9989 §5.3.1: with several authors there is no verdict, and mail programs show the one they like. */
export function hasSeveralAuthors(body: Uint8Array, policy: Policy): boolean {
  return scan.scan(body, policy.headerLimits) && knownFields(scan).fromCount > 1;
}

/** Why a message with this header is refused, whatever else is in it, or undefined. */
export function refusedHeader(body: Uint8Array, policy: Policy): Failure | undefined {
  if (!scan.scan(body, policy.headerLimits)) return failure('message-invalid', scan.fault);
  const { receivedCount } = knownFields(scan);
  return receivedCount > policy.snapshot.receivedCountMax
    ? failure('message-loops', `${receivedCount} Received fields`)
    : undefined;
}

/** Never throws and never waits. `nowMs` is the date of the trace field. */
export function prepare(
  message: MessageToPrepare,
  policy: Policy,
  nowMs: number,
  rest?: RestOfBody,
): Result<PreparedMessage> {
  const { body, arrival } = message;
  if (!scan.scan(body, policy.headerLimits)) return failure('message-invalid', scan.fault);
  const isHeaderless = hasNoHeader(scan);
  if (rest !== undefined && !isHeaderless && !isHeaderEnded(scan)) {
    return failure('message-invalid', 'header-too-large');
  }
  // The whole message is its body then: an empty line is put before it, or its first line would join the trace field.
  if (isHeaderless) scan.scan(body, policy.headerLimits, 0, 0);
  const known = knownFields(scan);
  const { receivedCountMax } = policy.snapshot;
  if (known.receivedCount > receivedCountMax) {
    return failure('message-loops', `${known.receivedCount} Received fields`);
  }
  let removed = isBelieved(message) ? none : forgedFields(message, known, policy);
  if (known.idempotency.length > 0 && arrival.trusted && arrival.listener !== 'lmtp') {
    // Taken without it, a repeat would be another message, and nobody would know.
    if (message.idempotency === undefined) return failure('message-invalid', 'idempotency key');
    removed = [...removed, ...known.idempotency].sort((a, b) => a - b);
  }
  const asked = askedFields(message, known);
  if (asked.length > 0) removed = [...removed, ...asked].sort((a, b) => a - b);
  const campaign = asked.length > 0 ? campaignOf(known) : '';
  let added: readonly Uint8Array[] = [];
  let messageId = known.messageId < 0 ? '' : unfoldedValue(scan, known.messageId);
  if (isSubmission(message)) {
    const completed = completeSubmission(message, scan, known, policy, dateWriter.write(nowMs));
    if (!completed.ok) return completed;
    removed = [...removed, ...known.bcc].sort((a, b) => a - b);
    added = completed.added;
    if (messageId === '') messageId = completed.messageId;
  }
  const offered = policy.marks?.unsubscribeFields(message, scan, campaign) ?? none;
  if (offered.length > 0) added = [...added, ...offered];
  const parts = editHeader(scan, removed, added);
  if (isHeaderless) parts.splice(added.length, 0, emptyLine);
  // What comes by LMTP was taken from its author by another server of ours, and signed there if at all.
  const mustSign = arrival.trusted && arrival.listener !== 'lmtp' && policy.signers.size > 0;
  const unhashed = mustSign && rest !== undefined ? unhashedForms(added, policy, rest) : none;
  const signatures =
    mustSign && unhashed.length === 0
      ? signaturesFor(scan, removed, added, policy, nowMs, rest?.hashes)
      : [];
  parts.unshift(trace(message, policy, nowMs), ...signatures);
  const isAllAscii = isAscii(body);
  const facts: MessageFacts = {
    isHeaderEightBit: !isAllAscii && !isAscii(body.subarray(0, scan.headerEnd)),
    isBodyEightBit:
      (!isAllAscii && !isAscii(body.subarray(scan.bodyStart))) || rest?.isAscii === false,
    messageId,
    receivedCount: known.receivedCount,
    signatureCount: signatures.length,
    isTlsOptional: isTlsOptional(known),
    pool: asked.length > 0 ? poolOf(known) : '',
    campaign,
    isTracked: mayName(message) && policy.marks?.tracks(message) === true,
  };
  const { bodyStart } = scan;
  return { ok: true, parts, bytes: byteLength(parts), bodyStart, unhashed, facts };
}

/** Another server of ours wrote down what it found; accounts and API keys hand in what anybody wrote. */
function isBelieved({ arrival: { trusted, user, listener } }: MessageToPrepare): boolean {
  return trusted && user === undefined && listener !== 'http';
}

/** Fields that are our word alone. */
function forgedFields(
  { arrival, isScanned = false }: MessageToPrepare,
  { results, outcomes, marks, held }: KnownFields,
  policy: Policy,
): readonly number[] {
  if (results.length + outcomes.length + marks.length === 0) return none;
  const forged = results.filter((field) => isForgedResult(scan, field, policy.authservIds));
  // Strangers' mail that nobody scans here may have passed a filter before us, which scripts of accounts know.
  const unsaid = isScanned ? none : arrival.trusted ? marks : held;
  return [...forged, ...outcomes, ...unsaid].sort((a, b) => a - b);
}

/** Who may relay says of what a message is part; from others the field is text like any. */
function mayName({ arrival }: MessageToPrepare): boolean {
  return arrival.trusted && arrival.listener !== 'lmtp';
}

/** Fields that ask something of us, and do not leave. */
function askedFields(message: MessageToPrepare, { pools, campaign }: KnownFields) {
  if (pools.length + campaign.length === 0 || !mayName(message)) return none;
  return [...pools, ...campaign];
}

/** "" for none, for several, and for what no campaign is called. */
function campaignOf({ campaign }: KnownFields): string {
  const name = campaign.length === 1 ? unfoldedValue(scan, campaign[0]!).trim() : '';
  return isCampaignName(name) ? name : '';
}

function isTlsOptional({ tlsRequired, tlsRequiredCount }: KnownFields): boolean {
  return tlsRequiredCount === 1 && /^no$/i.test(unfoldedValue(scan, tlsRequired).trim());
}

function poolOf({ pools }: KnownFields): string {
  return pools.length === 1 ? unfoldedValue(scan, pools[0]!).trim() : '';
}

function isHeaderEnded({ headerEnd, bodyStart }: HeaderScan): boolean {
  return bodyStart > headerEnd;
}

function unhashedForms(added: readonly Uint8Array[], policy: Policy, { hashes }: RestOfBody) {
  return formsToSign(scan, added, policy).filter((form) => hashes?.has(form) !== true);
}

function isSubmission({ arrival, fromAllowed }: MessageToPrepare): boolean {
  return (
    arrival.listener === 'submission' || arrival.user !== undefined || fromAllowed !== undefined
  );
}

/** Whether the first line is no field at all. */
function hasNoHeader(header: HeaderScan): boolean {
  return header.count > 0 && header.nameEnd(0) === header.nameStart(0);
}

function trace(message: MessageToPrepare, policy: Policy, nowMs: number): Uint8Array {
  const { arrival, envelope } = message;
  const { recipients } = envelope;
  return writeReceived({
    helo: arrival.helo,
    peerAddress: arrival.peerAddress,
    hostname: policy.snapshot.hostname,
    protocol: arrival.protocol,
    id: arrival.id,
    recipient: recipients.length === 1 ? recipients[0]!.address : '',
    cipher: arrival.tls?.cipher ?? '',
    priority: envelope.terms?.priority ?? 0,
    date: dateWriter.write(nowMs),
  });
}

const noFields: KnownFields = {
  receivedCount: 0,
  messageId: -1,
  date: -1,
  from: -1,
  fromCount: 0,
  sender: -1,
  senderCount: 0,
  resenders: none,
  bcc: none,
  results: none,
  outcomes: none,
  marks: none,
  held: none,
  tlsRequired: -1,
  tlsRequiredCount: 0,
  idempotency: none,
  pools: none,
  campaign: none,
};

function knownFields(header: HeaderScan): KnownFields {
  const known: KnownFields = { ...noFields };
  for (let field = 0; field < header.count; field++) {
    if (isMark(header, field)) {
      known.marks = [...known.marks, field];
      if (isField(header, field, quarantineName)) known.held = [...known.held, field];
      continue;
    }
    switch (header.nameEnd(field) - header.nameStart(field)) {
      case 3:
        if (isField(header, field, bccName)) known.bcc = [...known.bcc, field];
        break;
      case 4:
        if (isField(header, field, dateName)) known.date = field;
        else if (isField(header, field, fromName)) {
          known.from = field;
          known.fromCount++;
        }
        break;
      case 6:
        if (isField(header, field, senderName)) {
          known.sender = field;
          known.senderCount++;
        }
        break;
      case 11:
        if (isField(header, field, resentFromName)) known.resenders = [...known.resenders, field];
        break;
      case 12:
        if (isField(header, field, tlsRequiredName)) {
          known.tlsRequired = field;
          known.tlsRequiredCount++;
        }
        break;
      case 13:
        if (isField(header, field, resentSenderName)) known.resenders = [...known.resenders, field];
        else if (isField(header, field, poolName)) known.pools = [...known.pools, field];
        else if (isLogo(header, field)) known.outcomes = [...known.outcomes, field];
        break;
      case 14:
        if (isLogo(header, field)) known.outcomes = [...known.outcomes, field];
        break;
      case 8:
        if (isField(header, field, received)) known.receivedCount++;
        break;
      case 10:
        if (isField(header, field, messageIdName)) known.messageId = field;
        break;
      case 15:
        if (isField(header, field, outcomeName)) known.outcomes = [...known.outcomes, field];
        break;
      case 17:
        if (isField(header, field, campaignName)) known.campaign = [...known.campaign, field];
        break;
      case 24:
        if (isField(header, field, idempotencyName)) {
          known.idempotency = [...known.idempotency, field];
        }
        break;
      case 22:
        if (isField(header, field, resultsName)) known.results = [...known.results, field];
        break;
    }
  }
  return known;
}

function isMark(header: HeaderScan, field: number): boolean {
  const start = header.nameStart(field);
  // All begin with "X-", and few others do.
  if (header.bytes[start + 1] !== hyphen || (header.bytes[start]! | 32) !== letterX) return false;
  return markNames.some((name) => isField(header, field, name));
}

function isLogo(header: HeaderScan, field: number): boolean {
  return logoNames.some((name) => isField(header, field, name));
}
