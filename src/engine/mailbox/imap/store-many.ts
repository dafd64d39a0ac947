/**
 * STOREs that came together: decided one after the other, journaled as one group, told one by one.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9051 §5.5 (a server may run commands together where that changes no result), §6.4.6.
 * Limits:    as many as one ask brings; `toldUidsMax` messages told and `storedUidsMax` stored an answer.
 * Invariant: what a STORE tells of a message is what it stored: one that touches a message an earlier one tells of
 *            is left to the next ask. Those that do the same are one record, where that changes no message's flags.
 */

import { Buffer } from 'node:buffer';
import {
  fetchItems,
  type PackedPlainStore,
  type PackedStores,
  type StoredMany,
} from '../../../actors/asks/imap-asks.ts';
import { MailError } from '../../../base/errors.ts';
import type { AccountId, TenantId } from '../../../base/ids.ts';
import { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import type { RecordDraft } from '../../store/record.ts';
import { fewExistingUids } from '../mailbox-reader.ts';
import { flagsStoredDraft } from '../records.ts';
import type { MailboxRow } from '../rows/mailbox-row.ts';
import { countOf, type IdRanges, idsOf } from '../rows/uid-ranges.ts';
import type { Owner } from '../tree.ts';
import type { ImapDesk } from './desk.ts';
import { RowsWindow } from './fetch-rows.ts';
import { uidRangesOf } from './messages.ts';
import { type PlainStore, storeGroups } from './store-groups.ts';
import { flagModseqAfter } from './sync.ts';
import type { View } from './view.ts';

const toldUidsMax = 1_000;
/** About what one record takes. */
const storedUidsMax = 16_384;

/** @throws MailError of the first STORE; those after one that fails are left out. */
export async function storeMany(
  desk: ImapDesk,
  [[account, tenant], [mailbox, modseq, uidNext], packed, items, ...known]: PackedStores,
): Promise<{ readonly value: StoredMany; readonly body: Buffer }> {
  const [flagModseq, keywordCount, recent = []] = known;
  const view = await desk.views.view({ account, mailbox, modseq, uidNext });
  const stores = storesOf(view, packed, items);
  const owner = { account: account as AccountId, tenant: tenant as TenantId };
  const { uids, modseqs, row, isFirst } = await decide(desk, owner, mailbox, stores);
  const place = { account, mailbox };
  const { keywords } = row;
  const writer = new ResponseWriter();
  const told = stores.map((_, i) => {
    const wanted = itemsOf(packed[i]!, items);
    if (wanted === 0) return 0;
    const before = writer.bytes;
    const asked = { place, items: wanted, changedSince: -1, keywords, recent };
    const rest = new RowsWindow(desk.shard, asked, view, writer).write(uids[i]!);
    return rest === undefined ? writer.bytes - before : -1;
  });
  // Every STORE decided before this one was journaled when it was decided: nobody else changed flags since.
  const isKnown = isFirst && row.highestModseq <= flagModseq && modseqs.length > 0;
  const after = isKnown
    ? modseqs.at(-1)!
    : flagModseqAfter(desk.shard, place, flagModseq, uidNext, modseqs);
  const more = keywords.length > keywordCount ? { keywords } : {};
  return { value: { told, uids, flagModseq: after, ...more }, body: Buffer.concat(writer.take()) };
}

interface Decided {
  /** Of each STORE those that were there. */
  readonly uids: readonly IdRanges[];
  readonly modseqs: readonly number[];
  /** As it was before. */
  readonly row: MailboxRow;
  /** No other STORE was decided and not journaled. */
  readonly isFirst: boolean;
}

/** On disk together when it resolves. @throws MailError `not-found` */
function decide(
  { mailboxes, shard }: Pick<ImapDesk, 'mailboxes' | 'shard'>,
  { account, tenant }: Owner,
  mailbox: number,
  stores: readonly PlainStore[],
): Promise<Decided> {
  return mailboxes.decideBeside(account, tenant, (actor) => {
    const row = actor.mailbox(mailbox);
    if (row === undefined) throw new MailError('not-found', `mailbox ${mailbox}`);
    const isFirst = actor.besideCount <= 1;
    const modseqs: number[] = [];
    const there = stores.map(({ uids, op, flags }) => ({
      uids: fewExistingUids(shard, account, mailbox, uids),
      op,
      flags,
    }));
    const drafts = storeGroups(there).map((group): RecordDraft => {
      const modseq = actor.nextModseq();
      modseqs.push(modseq);
      return flagsStoredDraft(tenant, { account, modseq, mailbox, ...group, keywords: [] });
    });
    const value = { uids: there.map(({ uids }) => uids), modseqs, row, isFirst };
    return { drafts, mailboxes: [mailbox], value };
  });
}

/** The first of them, as many as go together. */
function storesOf(view: View, packed: readonly PackedPlainStore[], items: number): PlainStore[] {
  const stores: PlainStore[] = [];
  let told: Set<number> | undefined;
  let storedCount = 0;
  for (const one of packed) {
    const [isUid, set, op, flags] = one;
    let uids: IdRanges;
    try {
      uids = uidRangesOf(view, set, isUid);
    } catch (error) {
      if (stores.length === 0) throw error;
      return stores;
    }
    storedCount += countOf(uids);
    const isTold = itemsOf(one, items) !== 0;
    const toldCount = (told?.size ?? 0) + (isTold ? countOf(uids) : 0);
    const isTooMany = toldCount > toldUidsMax || storedCount > storedUidsMax;
    if (stores.length > 0 && (isTooMany || isAnyOf(told, uids))) return stores;
    if (isTold) {
      told ??= new Set();
      for (const uid of idsOf(uids)) told.add(uid);
    }
    stores.push({ uids, op, flags });
  }
  return stores;
}

function isAnyOf(told: ReadonlySet<number> | undefined, uids: IdRanges): boolean {
  if (told === undefined) return false;
  for (const uid of idsOf(uids)) if (told.has(uid)) return true;
  return false;
}

function itemsOf([, , , , isSilent]: PackedPlainStore, items: number): number {
  // RFC 7162 §3.1.3: who knows modseqs is told the new ones, silent or not.
  const tells = (items & fetchItems.modseq) !== 0 || !isSilent;
  return tells ? items | (isSilent ? 0 : fetchItems.flags) : 0;
}
