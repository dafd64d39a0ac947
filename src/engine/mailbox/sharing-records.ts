/**
 * Records of access lists and of what readers have seen, in their packed forms.
 *
 * Runs in:   engine threads; pure.
 * Invariant: as in `records.ts`. Both say how it is to be, not how it changes: done twice, they change nothing.
 */

import type { TenantId } from '../../base/ids.ts';
import type { JournalRecord, RecordDraft } from '../store/record.ts';
import type { FlagStep } from './decisions.ts';
import { flagsStoredDraft, mailboxRecords } from './records.ts';
import type { AclEntry } from './rows/acl-row.ts';
import { packRow, unpackRow } from './rows/packing.ts';
import { type IdRanges, packRanges, unpackRanges } from './rows/uid-ranges.ts';

/** One identifier's rights to one mailbox; neither given nor taken any: it is taken off the list. */
export interface AclSet extends AclEntry {
  readonly account: number;
  readonly modseq: number;
  readonly mailbox: number;
}

/** Messages that one reader has seen, or has not. */
export interface SeenStored {
  readonly account: number;
  readonly modseq: number;
  readonly mailbox: number;
  readonly reader: number;
  readonly uids: IdRanges;
  readonly isSeen: boolean;
}

export function aclSetDraft(tenant: TenantId, record: AclSet): RecordDraft {
  const { account, modseq, mailbox, identifier, given, taken } = record;
  const meta = packRow([account, modseq, mailbox, identifier, given, taken]);
  return { type: mailboxRecords.aclSet, tenant, meta, body: [] };
}

export function readAclSet({ meta }: JournalRecord): AclSet {
  type Packed = readonly [number, number, number, number, number, number];
  const [account, modseq, mailbox, identifier, given, taken] = unpackRow<Packed>(meta);
  return { account, modseq, mailbox, identifier, given, taken };
}

export function seenStoredDraft(tenant: TenantId, record: SeenStored): RecordDraft {
  const { account, modseq, mailbox, reader, uids, isSeen } = record;
  const meta = packRow([account, modseq, mailbox, reader, packRanges(uids), isSeen]);
  return { type: mailboxRecords.seenStored, tenant, meta, body: [] };
}

/** What one step of a STORE does to messages: of everybody, or to one reader's \Seen. */
export function flagStepDraft(
  tenant: TenantId,
  { op, flags, keywords, reader }: FlagStep,
  stored: Pick<SeenStored, 'account' | 'modseq' | 'mailbox' | 'uids'>,
): RecordDraft {
  if (reader === undefined) return flagsStoredDraft(tenant, { ...stored, op, flags, keywords });
  return seenStoredDraft(tenant, { ...stored, reader, isSeen: op === 'add' });
}

export function readSeenStored({ meta }: JournalRecord): SeenStored {
  type Packed = readonly [number, number, number, number, Uint8Array, boolean];
  const [account, modseq, mailbox, reader, uids, isSeen] = unpackRow<Packed>(meta);
  return { account, modseq, mailbox, reader, uids: unpackRanges(uids), isSeen };
}
