/**
 * The events that a journal record tells: the same each time it is read, so that those a kill cost are made again.
 *
 * Runs in:   the engine thread that owns the shard (hot path: two records a message).
 * Limits:    an event names `recipientsPerEvent` recipients; further ones stand in further events.
 * Invariant: a pure function of the record. What it tells is numbered from 0 within the record.
 */

import {
  eventNumbers,
  type FeedbackEvent,
  type PackedEvent,
} from '../../actors/asks/trace-asks.ts';
import type { TenantId } from '../../base/ids.ts';
import { feedbackToldRecord, unpackTold } from '../feedback/records.ts';
import { type RecipientState, recipientStates } from '../spool/message.ts';
import {
  type PackedAccepted,
  type PackedChange,
  type PackedTold,
  type QueueAct,
  spoolAcceptedRecord,
  spoolChangeRecord,
  unpackAccepted,
  unpackChange,
} from '../spool/records.ts';
import { notedRecord, type UntoldEvent, unpackNoted } from './noted.ts';

export const recipientsPerEvent = 64;

/** What is known of a record, just written or read again. */
export interface TellingRecord {
  readonly type: number;
  readonly tenant: TenantId;
  readonly sequence: number;
  readonly bodyBytes: number;
  readonly meta: Uint8Array;
  /** What `meta` packs, where somebody has it. */
  readonly unpacked: unknown;
}

export type Emit = (event: PackedEvent, part: number) => void;

export function tellRecord(record: TellingRecord, emit: Emit): void {
  switch (record.type) {
    case spoolAcceptedRecord:
      tellAccepted(record, (record.unpacked as PackedAccepted) ?? unpackAccepted(record), emit);
      return;
    case spoolChangeRecord:
      tellChange(record, (record.unpacked as PackedChange) ?? unpackChange(record), emit);
      return;
    case feedbackToldRecord: {
      const [...said] = (record.unpacked as FeedbackEvent) ?? unpackTold(record.meta);
      emit([...said, said[7], record.sequence, 0] as unknown as PackedEvent, 0);
      return;
    }
    case notedRecord: {
      const noted = (record.unpacked as UntoldEvent) ?? unpackNoted(record.meta);
      emit([...noted, record.sequence, 0] as unknown as PackedEvent, 0);
    }
  }
}

function tellAccepted(
  { tenant, sequence, bodyBytes }: TellingRecord,
  [id, acceptedMs, [sender, to, , , , , terms], origin, about]: PackedAccepted,
  emit: Emit,
): void {
  const campaign = terms?.[5] ?? '';
  const [listener, protocol, peer, helo, user] = origin;
  let part = 0;
  for (let from = 0; from < to.length; from += recipientsPerEvent) {
    const named: string[] = [];
    const end = Math.min(to.length, from + recipientsPerEvent);
    for (let i = from; i < end; i++) named.push(to[i]![0]);
    const head = [eventNumbers.accepted, acceptedMs, id, tenant, sender, named] as const;
    const more = [bodyBytes, to.length, listener, protocol, peer, helo, user] as const;
    emit([...head, ...more, campaign, sequence, part], part);
    part++;
  }
  if (about === undefined) return;
  const [ofId, ofSender, ofCampaign] = about;
  const head = [eventNumbers.bounced, acceptedMs, ofId, tenant, ofSender, []] as const;
  emit([...head, id, ofCampaign, sequence, part], part);
}

function tellChange(record: TellingRecord, change: PackedChange, emit: Emit): void {
  const [id, atMs, outcomes, , , told] = change;
  // From before an outcome could be told by itself.
  if (told === undefined) return;
  const [sender, campaign, act, recipients] = told;
  const { tenant, sequence } = record;
  if (act === 'rebound') {
    tellRebound(record, change, told, emit);
    return;
  }
  if (act !== '') {
    tellAct(record, change, told, act, emit);
    return;
  }
  for (let part = 0; part < outcomes.length; part++) {
    const [, stateNumber, attempts, nextMs, reply] = outcomes[part]!;
    const [address, host, hostAddress, suppressed = '', departure] = recipients[part]!;
    if (suppressed !== '') {
      const head = [eventNumbers.suppressed, atMs, id, tenant, sender, [address]] as const;
      emit([...head, suppressed, campaign, reply, '', campaign, sequence, part], part);
      continue;
    }
    const state = recipientStates[stateNumber] as RecipientState;
    const isWaiting = state === 'waiting';
    const kind = eventNumbers[isWaiting ? 'deferred' : state];
    const next = isWaiting ? nextMs : 0;
    const head = [kind, atMs, id, tenant, sender, [address]] as const;
    const tail = [campaign, sequence, part] as const;
    const event = [...head, host, hostAddress, reply, attempts, next, ...tail] as const;
    emit(departure === undefined ? event : [...event, departure], part);
  }
}

/** Put off, let go or hurried: one event for as many recipients as fit. */
function tellAct(
  { tenant, sequence }: TellingRecord,
  [id, atMs, outcomes, isHeld]: PackedChange,
  [sender, campaign, , recipients]: PackedTold,
  act: Exclude<QueueAct, '' | 'rebound'>,
  emit: Emit,
): void {
  let part = 0;
  for (let from = 0; from < outcomes.length; from += recipientsPerEvent) {
    const [, , attempts, nextMs, reply] = outcomes[from]!;
    const named = recipients.slice(from, from + recipientsPerEvent).map(([address]) => address);
    const head = [eventNumbers[act], atMs, id, tenant, sender, named] as const;
    const next = isHeld ? 0 : nextMs;
    emit([...head, '', '', reply, attempts, next, campaign, sequence, part], part);
    part++;
  }
}

/** An operator gave it another campaign or pool. */
function tellRebound(
  { tenant, sequence }: TellingRecord,
  [id, atMs, , , , , bound]: PackedChange,
  [sender, campaign]: PackedTold,
  emit: Emit,
): void {
  const pool = bound?.[1] ?? '';
  const detail = [`campaign ${campaign || 'none'}`, `pool ${pool || 'by rule'}`].join(', ');
  const head = [eventNumbers.admin, atMs, id, tenant, sender, []] as const;
  emit([...head, 'rebound', detail, '', campaign, sequence, 0], 0);
}
