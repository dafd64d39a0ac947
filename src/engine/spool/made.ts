/**
 * Messages that are made in an engine thread and accepted with the record they follow from.
 *
 * Runs in: engine threads; pure.
 */

import type { TenantId } from '../../base/ids.ts';
import type { RecordDraft, SideBody } from '../store/record.ts';
import { acceptedDraft, type PackedAccepted } from './records.ts';

export interface MadeMessage {
  readonly accepted: PackedAccepted;
  readonly tenant: TenantId;
  /** In order, or a file that is written. */
  readonly body: readonly Uint8Array[] | SideBody;
}

/** The records that accept them, to be appended with the one they follow from. */
export function madeDrafts(made: readonly MadeMessage[]): RecordDraft[] {
  return made.map(({ tenant, accepted, body }) => acceptedDraft(tenant, accepted, body));
}
