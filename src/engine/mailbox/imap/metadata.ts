/**
 * Annotations as sessions ask for them: shared ones, and the reader's own.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 5464 §3 (entries), §4.2 (GETMETADATA: MAXSIZE, DEPTH), §4.3 (SETMETADATA).
 * Limits:    entries by mailbox and reader, and bytes by account, as the ask says from settings; what other readers
 *            keep for themselves is bounded for each of them, and takes nothing of the owner's room.
 * Invariant: a reader is never told another's `/private` entries.
 */

import type {
  FoundMetadata,
  MetadataValue,
  PackedMetadataLimits,
} from '../../../actors/asks/imap-asks.ts';
import { MailError } from '../../../base/errors.ts';
import {
  accountRange,
  annotationChangesKey,
  annotationRange,
  annotationReaderRange,
  readerOfAnnotation,
  tables,
} from '../../store/keys.ts';
import { annotatedDraft, readerOf } from '../annotation-records.ts';
import { annotationsOf, decodeEntryChanges } from '../rows/annotation-row.ts';
import type { Owner } from '../tree.ts';
import type { ImapDesk } from './desk.ts';

type Desk = Pick<ImapDesk, 'shard' | 'mailboxes'>;

export interface AnnotatedPlace {
  readonly account: number;
  /** 0: the server's. */
  readonly mailbox: number;
  readonly reader: number;
}

export interface WantedMetadata {
  readonly entries: readonly string[];
  /** -1: no limit. */
  readonly bytesMax: number;
  readonly depth: 0 | 1 | 'infinity';
}

export function getMetadata(
  { shard }: Pick<Desk, 'shard'>,
  { account, mailbox, reader }: AnnotatedPlace,
  { entries, bytesMax, depth }: WantedMetadata,
): FoundMetadata {
  const values = new Map<string, Uint8Array | null>();
  let longest = 0;
  for (const wanted of entries) {
    const owner = readerOf(wanted, reader);
    const range =
      depth === 0
        ? annotationRange(account, mailbox, owner, wanted)
        : annotationReaderRange(account, mailbox, owner);
    const found = annotationsOf(shard.range(range)).filter(({ entry }) =>
      isWanted(entry, wanted, depth),
    );
    for (const { entry, value } of found) {
      if (bytesMax < 0 || value.byteLength <= bytesMax) values.set(entry, value);
      else longest = Math.max(longest, value.byteLength);
    }
    // An entry that was asked for by its own name is told, though it has no value.
    if (found.length === 0 && depth === 0) values.set(wanted, null);
  }
  return { values: [...values], longest };
}

function isWanted(entry: string, wanted: string, depth: WantedMetadata['depth']): boolean {
  if (entry === wanted) return true;
  if (depth === 0 || !entry.startsWith(`${wanted}/`)) return false;
  return depth === 'infinity' || !entry.includes('/', wanted.length + 1);
}

/**
 * All of them or none; on disk when it resolves.
 * @throws MailError `not-possible-now` past the count of entries, `account-over-quota` past the account's bytes
 */
export async function setMetadata(
  { shard, mailboxes }: Desk,
  { account, tenant }: Owner,
  place: Omit<AnnotatedPlace, 'account'>,
  values: readonly MetadataValue[],
  [entriesMax, bytesMax]: PackedMetadataLimits,
): Promise<number> {
  const { mailbox, reader } = place;
  return await mailboxes.decide(account, tenant, (actor) => {
    if (mailbox !== 0 && actor.mailbox(mailbox) === undefined) {
      throw new MailError('not-found', `mailbox ${mailbox}`);
    }
    for (const owner of [0, reader]) {
      const own = values.filter(([entry]) => readerOf(entry, reader) === owner);
      const before = annotationsOf(shard.range(annotationReaderRange(account, mailbox, owner)));
      const names = new Set(before.map(({ entry }) => entry));
      const countBefore = names.size;
      for (const [entry, value] of own) {
        if (value === null) names.delete(entry);
        else names.add(entry);
      }
      // What is there may go, though there is too much of it.
      if (names.size > entriesMax && names.size > countBefore) {
        throw new MailError('not-possible-now', 'too many entries');
      }
    }
    // Shared entries take the owner's room, whoever writes them.
    for (const budget of new Set([account, reader])) {
      const isCharged = ([entry]: MetadataValue) => (readerOf(entry, reader) || account) === budget;
      const own = values.filter(isCharged);
      const added = own.reduce((sum, [, value]) => sum + (value?.byteLength ?? 0), 0);
      if (added > 0 && added + usedBytes(shard, account, place, own, budget) > bytesMax) {
        throw new MailError('account-over-quota', 'annotations');
      }
    }
    const modseq = actor.nextModseq();
    const draft = annotatedDraft(tenant, { account, modseq, mailbox, reader, values });
    return { drafts: [draft], mailboxes: mailbox === 0 ? [] : [mailbox], value: modseq };
  });
}

/** What annotations take of the room of `budget`, but for those that are about to be set anew. */
function usedBytes(
  shard: Desk['shard'],
  account: number,
  { mailbox, reader }: Omit<AnnotatedPlace, 'account'>,
  values: readonly MetadataValue[],
  budget: number,
): number {
  const sum = (rows: readonly { readonly value: Uint8Array }[]) =>
    rows.reduce((bytes, { value }) => bytes + value.byteLength, 0);
  const all = shard.range(accountRange(tables.annotation, account));
  let bytes = sum(all.filter(({ key }) => (readerOfAnnotation(key) || account) === budget));
  for (const [entry] of values) {
    bytes -= sum(shard.range(annotationRange(account, mailbox, readerOf(entry, reader), entry)));
  }
  return bytes;
}

/** Names of entries that changed after `modseq` and that the reader may see. */
export function changedEntries(
  { shard }: Pick<Desk, 'shard'>,
  { account, mailbox, reader }: AnnotatedPlace,
  modseq: number,
): readonly string[] {
  return decodeEntryChanges(shard.get(annotationChangesKey(account, mailbox)))
    .filter((change) => change.modseq > modseq)
    .filter((change) => change.reader === 0 || change.reader === reader)
    .map(({ entry }) => entry);
}
