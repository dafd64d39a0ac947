/**
 * Events that follow from no other record: they have one of their own, and so outlive a kill as outcomes do.
 *
 * Runs in:   the engine thread that owns the shard.
 * Invariant: the record changes no row; its meta is the event up to its campaign.
 */

import { Packr } from 'msgpackr';
import type { EventNote } from '../../actors/asks/event-asks.ts';
import { type AdminEvent, eventNumbers } from '../../actors/asks/trace-asks.ts';
import type { TenantId } from '../../base/ids.ts';
import type { RecordDraft, RecordKind } from '../store/record.ts';

/** Of the spool's range (`store/record-types.ts`). */
export const notedRecord = 39;

const packr = new Packr({ useRecords: false });

/** An event whose record has no sequence yet: all its fields, the campaign last. */
export type UntoldEvent = readonly unknown[];

/** To be appended with the records it belongs to, or alone. */
export function notedDraft(tenant: TenantId, event: UntoldEvent): RecordDraft {
  return { type: notedRecord, tenant, meta: packr.pack(event), body: [], unpacked: event };
}

export function unpackNoted(meta: Uint8Array): UntoldEvent {
  return packr.unpack(meta) as UntoldEvent;
}

export function noteDraft({ atMs, tenant, what, detail, by }: EventNote): RecordDraft {
  const event = [eventNumbers.admin, atMs, '', tenant, '', [], what, detail, by, ''] as const;
  return notedDraft(tenant, event satisfies AdminEvent);
}

export const notedKind: RecordKind = {
  type: notedRecord,
  name: 'event.noted',
  apply: () => [],
};
