/**
 * The journal record of something told of a message that had left: a bounce that came by mail, a complaint, an
 * unsubscription.
 *
 * Runs in:   engine thread; pure.
 * Invariant: it changes no row. Who was told has it elsewhere (`ports/suppressions.ts`); the record is what an event
 *            can be made of again.
 */

import { Packr } from 'msgpackr';
import type { FeedbackEvent } from '../../actors/asks/trace-asks.ts';
import type { TenantId } from '../../base/ids.ts';
import { noChanges, type RecordDraft, type RecordKind } from '../store/record.ts';

/** In the spool's range (`store/record-types.ts`). */
export const feedbackToldRecord = 30;

const packr = new Packr({ useRecords: false });

export function toldDraft(event: FeedbackEvent): RecordDraft {
  const tenant = event[3] as TenantId;
  return { type: feedbackToldRecord, tenant, meta: packr.pack(event), body: [], unpacked: event };
}

export function unpackTold(meta: Uint8Array): FeedbackEvent {
  return packr.unpack(meta) as FeedbackEvent;
}

export const toldKind: RecordKind = {
  type: feedbackToldRecord,
  name: 'feedback.told',
  apply: () => noChanges,
};
