/**
 * The spool's journal records and their packed forms.
 *
 * Runs in:   engine thread; pure.
 * Invariant: records carry decisions (state, attempts, next instant), never requests: applying one twice, or an
 *            old one before a newer one again, ends in the same state.
 */

import { Packr } from 'msgpackr';
import { boundTerms } from '../../actors/asks/delivery-terms.ts';
import type { PackedEnvelope, PackedReceived } from '../../actors/asks/spool-asks.ts';
import { unpackEnvelope } from '../../actors/asks/spool-asks.ts';
import type { PackedDeparture } from '../../actors/asks/trace-asks.ts';
import type { MessageId, TenantId } from '../../base/ids.ts';
import type { JournalRecord, RecordDraft, RecordPlace, SideBody } from '../store/record.ts';
import type { RecipientState, SpoolMessage, SpoolRecipient } from './message.ts';
import { countWaiting, recipientStates, releasedMs } from './message.ts';

/** Record types of the spool's range (`store/record-types.ts`). */
export const spoolAcceptedRecord = 20;
export const spoolChangeRecord = 21;

const packr = new Packr({ useRecords: false });

/** How the message came in, as traces and logs show it: listener, protocol, peer, EHLO name, user. */
export type PackedOrigin = readonly [string, string, string, string, string];

export type PackedAccepted = readonly [
  id: string,
  acceptedMs: number,
  envelope: PackedEnvelope,
  origin: PackedOrigin,
  /** Of a report: what it reports on. Absent in records from before it was kept. */
  about?: PackedAbout,
];

export type PackedAbout = readonly [id: string, sender: string, campaign: string];

/** index, state, attempts, nextMs, reply. */
export type PackedOutcome = readonly [number, number, number, number, string];

export type PackedChange = readonly [
  id: string,
  atMs: number,
  outcomes: readonly PackedOutcome[],
  isHeld: boolean,
  isDelayTold: boolean,
  /** What events say beside it. Absent in records from before it was kept. */
  told?: PackedTold,
  /** Absent where it did not change. */
  bound?: PackedBinding,
];

/** "": none. */
type PackedBinding = readonly [campaign: string, pool: string, isPoolBound: boolean];

/** What an operator did that ends nothing; "" for all else. */
export type QueueAct = '' | 'held' | 'released' | 'retried' | 'rebound';

type PackedToldRecipient = readonly [
  address: string,
  host: string,
  hostAddress: string,
  /** Why it is on a suppression list, where that ended it. */
  suppressed?: string,
  /** Where sources are set. */
  departure?: PackedDeparture,
];

/** The recipients by place in `outcomes`. */
export type PackedTold = readonly [
  sender: string,
  campaign: string,
  act: QueueAct,
  recipients: readonly PackedToldRecipient[],
];

export function acceptedDraft(
  tenant: TenantId,
  accepted: PackedAccepted,
  body: readonly Uint8Array[] | SideBody,
): RecordDraft {
  const meta = packr.pack(accepted);
  const draft = { type: spoolAcceptedRecord, tenant, meta, unpacked: accepted };
  return 'segment' in body ? { ...draft, body: [], side: body } : { ...draft, body };
}

/** What is kept of a message as it was received. */
export function acceptedOf([envelope, arrival]: PackedReceived): PackedAccepted {
  const [id, receivedMs, listener, protocol, peerAddress, , helo, , , user] = arrival;
  return [id, receivedMs, envelope, [listener, protocol, peerAddress, helo, user]];
}

export function unpackAccepted(record: Pick<JournalRecord, 'meta'>): PackedAccepted {
  return packr.unpack(record.meta) as PackedAccepted;
}

/** The message as it was when accepted: all recipients due at once, or when it may leave (RFC 4865 §4.3). */
export function messageOf(
  accepted: PackedAccepted,
  tenant: TenantId,
  place: RecordPlace,
  parts: readonly Uint8Array[] | undefined,
): SpoolMessage {
  const [id, acceptedMs, packedEnvelope] = accepted;
  const envelope = unpackEnvelope(packedEnvelope);
  const recipients = envelope.recipients as SpoolRecipient[];
  const { terms } = envelope;
  const dueMs = releasedMs({ acceptedMs, terms });
  for (const recipient of recipients) {
    recipient.state = 'waiting';
    recipient.attempts = 0;
    recipient.nextMs = dueMs;
    recipient.reply = '';
    recipient.isOpen = false;
  }
  return {
    id: id as MessageId,
    tenant,
    acceptedMs,
    sender: envelope.sender,
    recipients,
    body: envelope.body,
    smtputf8: envelope.smtputf8,
    ret: envelope.ret,
    envid: envelope.envid ?? '',
    terms,
    place,
    bytes: place.bodyBytes,
    parts,
    waitingCount: recipients.length,
    isDone: false,
    openCount: 0,
    recordingCount: 0,
    reportingCount: 0,
    isIndexed: false,
    readyGroup: undefined,
    isHeld: false,
    isDelayTold: false,
  };
}

/** The state of some recipients after an event, as a record. */
export function changeDraft(
  message: SpoolMessage,
  indexes: readonly number[],
  atMs: number,
  act: QueueAct = '',
): RecordDraft {
  const outcomes: PackedOutcome[] = [];
  const told: PackedToldRecipient[] = [];
  for (const index of indexes) {
    const recipient = message.recipients[index]!;
    outcomes.push([
      index,
      recipientStates.indexOf(recipient.state),
      recipient.attempts,
      recipient.nextMs,
      recipient.reply,
    ]);
    told.push(toldOf(recipient));
  }
  const { id, tenant, sender, terms, isHeld, isDelayTold } = message;
  const said: PackedTold = [sender, terms?.campaign ?? '', act, told];
  const state = [id, atMs, outcomes, isHeld, isDelayTold, said] as const;
  const change: PackedChange = act === 'rebound' ? [...state, bindingOf(message)] : state;
  const meta = packr.pack(change);
  return { type: spoolChangeRecord, tenant, meta, body: [], unpacked: change };
}

function bindingOf({ terms }: SpoolMessage): PackedBinding {
  return [terms?.campaign ?? '', terms?.pool ?? '', terms?.isPoolBound === true];
}

function toldOf(recipient: SpoolRecipient): PackedToldRecipient {
  const { address, remoteHost = '', remoteAddress = '', suppressed, departure } = recipient;
  const spoken = [address, remoteHost, remoteAddress] as const;
  if (departure === undefined) return suppressed === undefined ? spoken : [...spoken, suppressed];
  const { source, egress, provider } = departure;
  return [...spoken, suppressed ?? '', [source, egress, provider]];
}

export function unpackChange(record: Pick<JournalRecord, 'meta'>): PackedChange {
  return packr.unpack(record.meta) as PackedChange;
}

/** Brings a message to the state a change record decided. */
export function applyChange(message: SpoolMessage, change: PackedChange): void {
  for (const [index, state, attempts, nextMs, reply] of change[2]) {
    const recipient = message.recipients[index];
    if (recipient === undefined) continue;
    recipient.state = recipientStates[state] as RecipientState;
    recipient.attempts = attempts;
    recipient.nextMs = nextMs;
    recipient.reply = reply;
  }
  message.isHeld = change[3];
  message.isDelayTold = change[4];
  if (change[6] !== undefined) {
    const [campaign, pool, isPoolBound] = change[6];
    message.terms = boundTerms(message.terms, { campaign, pool, isPoolBound });
  }
  message.waitingCount = countWaiting(message);
}
