/**
 * Messages kept apart: a mailbox of each account that no protocol shows.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    a list reads `messagesPerList` messages, one of new ones goes past `passedPerList`; a look for what is over
 *            goes through `accountsPerLook` accounts once in `lookMs`, and expunges `expungedPerLook` of each.
 * Invariant: a message is in quarantine or where it was released to, never in neither or both: it is moved by one
 *            record. What is expunged here cannot be had back: it would be a way around who may release it. A
 *            digest told of those that are \Seen.
 */

import type {
  HeldDue,
  HeldList,
  HeldMessage,
  PackedHeldIds,
  PackedHeldList,
  PackedOwnLevels,
  Released,
  TaughtSpam,
  TenantTaught,
} from '../../../actors/asks/quarantine-asks.ts';
import { heldTextBytesMax } from '../../../actors/asks/quarantine-asks.ts';
import { MailError } from '../../../base/errors.ts';
import type { AccountId, TenantId } from '../../../base/ids.ts';
import { minuteMs } from '../../../base/units.ts';
import { scanHeaders } from '../../../mail/formats/headers/scan.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { SpamLevels } from '../../../ports/levels.ts';
import { firstU32, quarantineKey, quarantinesFrom } from '../../store/keys.ts';
import { inboxMailbox } from '../account-actor.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { Mailboxes } from '../mailboxes.ts';
import { ownLevels, setOwnLevels } from '../outcome/own-levels.ts';
import type { DocumentRow } from '../rows/document-row.ts';
import { decodeQuarantine, type QuarantineRow } from '../rows/quarantine-row.ts';
import { systemFlags } from '../rows/uid-block.ts';
import { addId, countOf, type IdRanges } from '../rows/uid-ranges.ts';
import type { Lessons } from '../spam/lessons.ts';
import type { Owner } from '../tree.ts';
import { noteDigest } from './digest-note.ts';
import { type HeldFacts, heldFacts, matches } from './held.ts';

const messagesPerList = 100;
/** Entries alone; no text of theirs is read. */
const passedPerList = 10_000;
const entriesPerStep = 1_000;
const accountsPerPage = 500;
const accountsPerLook = 200;
const expungedPerLook = 1_000;
const lookMs = minuteMs;
/** The fields that say why are on top. */
const headBytesMax = 65_536;
const seenFlag = 1 << systemFlags.indexOf('\\Seen');

export interface QuarantineParts {
  readonly shard: MailboxShard;
  readonly mailboxes: Mailboxes;
  readonly clock: Clock;
  readonly keepMs: number;
  /** What accounts taught; undefined: nobody learns. */
  readonly lessons: Lessons | undefined;
}

export class Quarantine {
  readonly #parts: QuarantineParts;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #nextAccount = 0;
  #isLooking = false;

  constructor(parts: QuarantineParts) {
    this.#parts = parts;
  }

  async list([account, fromId, search, isNew]: PackedHeldList): Promise<HeldList> {
    const { reader } = this.#parts.mailboxes;
    const row = this.#row(account);
    if (row === undefined) return { messages: [] };
    const from = isNew ? this.#firstNew(account, row.mailbox, fromId) : { uid: fromId };
    if (from.uid === undefined) return { messages: [], ...from };
    const entries = reader.messages(account, row.mailbox, from.uid, messagesPerList);
    const messages: HeldMessage[] = [];
    for (const { uid, document, flags } of entries) {
      if (isNew && flags.includes('\\Seen')) continue;
      const found = reader.document(account, document);
      if (found === undefined) continue;
      // Both at once: their places are good for this turn.
      const beginning = reader.bytes(found, headBytesMax);
      const [text, parsed] = await Promise.all([beginning, reader.parsed(account, document)]);
      const facts = heldFacts(text, parsed?.envelope);
      if (matches(facts, search)) messages.push(this.#told(uid, found, facts));
    }
    const isCut = entries.length === messagesPerList;
    return isCut ? { messages, next: entries.at(-1)!.uid + 1 } : { messages };
  }

  /** Of kind `policy` the header alone: the rest may be what harms. @throws MailError `not-found` */
  async text(account: number, id: number): Promise<{ bytes: number; text: Uint8Array }> {
    const found = this.#document(account, id);
    if (found === undefined) throw new MailError('not-found', `no message ${id} in quarantine`);
    const text = await this.#parts.mailboxes.reader.bytes(found, heldTextBytesMax);
    const isOpen = heldFacts(text).kind === 'spam';
    return {
      bytes: found.size,
      text: isOpen ? text : text.subarray(0, scanHeaders(text).bodyStart),
    };
  }

  async release([account, tenant, ids, isForced]: PackedHeldIds): Promise<Released> {
    const { reader } = this.#parts.mailboxes;
    const row = this.#row(account);
    const uids: number[] = [];
    let refused = 0;
    for (const id of sorted(ids)) {
      const found = row === undefined ? undefined : this.#document(account, id);
      if (found === undefined) continue;
      const isOpen = isForced || heldFacts(await reader.bytes(found, headBytesMax)).kind === 'spam';
      if (isOpen) addId(uids, id);
      else refused++;
    }
    if (row === undefined || uids.length === 0) return { count: 0, refused };
    const from = { mailbox: row.mailbox, uids };
    const owner = [account as AccountId, tenant as TenantId] as const;
    // Nobody has read it but the digest.
    const step = { op: 'remove', flags: seenFlag, keywords: [] } as const;
    const unread = (moved: IdRanges) => [{ offsets: [0, countOf(moved) - 1], step }];
    const move = [from, inboxMailbox, true, { flagsOf: unread }] as const;
    const { sources } = await this.#parts.mailboxes.copy(...owner, ...move);
    return { count: countOf(sources), refused };
  }

  async remove([account, tenant, ids]: PackedHeldIds): Promise<number> {
    const row = this.#row(account);
    if (row === undefined) return 0;
    const uids: number[] = [];
    for (const id of sorted(ids)) addId(uids, id);
    const owner = [account as AccountId, tenant as TenantId] as const;
    return countOf(await this.#parts.mailboxes.expunge(...owner, row.mailbox, uids, false));
  }

  due(fromAccount: number): HeldDue {
    const { shard, mailboxes } = this.#parts;
    const range = { ...quarantinesFrom(fromAccount), limit: accountsPerPage };
    const rows = shard.range(range);
    const accounts = rows.flatMap(({ key, value }) => {
      const account = firstU32(key);
      const { tenant, mailbox } = decodeQuarantine(value);
      const unseen = mailboxes.reader.mailbox(account, mailbox)?.unseen ?? 0;
      return unseen === 0 ? [] : [[account, tenant, unseen] as const];
    });
    const isCut = rows.length === accountsPerPage;
    return isCut ? { accounts, next: firstU32(rows.at(-1)!.key) + 1 } : { accounts };
  }

  /** Up to which message the digest of that day tells. On disk when it resolves. */
  async telling(
    account: AccountId,
    tenant: TenantId,
    day: number,
    uidMax: number,
  ): Promise<number> {
    const row = this.#row(account);
    if (row === undefined) return 0;
    return await noteDigest(this.#parts, { account, tenant }, row.mailbox, { day, uidMax });
  }

  async told(account: AccountId, tenant: TenantId, uidMax: number): Promise<void> {
    const row = this.#row(account);
    if (row === undefined) return;
    const { mailbox } = row;
    const step = { op: 'add', flags: seenFlag, keywords: [] } as const;
    await this.#parts.mailboxes.storeFlags(account, tenant, {
      ...step,
      ...{ mailbox, uids: [1, uidMax] },
    });
  }

  levels(account: number): Partial<SpamLevels> {
    return ownLevels(this.#parts.shard, account);
  }

  taught(account: number): TaughtSpam {
    return this.#parts.lessons?.taught(account) ?? { ham: 0, spam: 0 };
  }

  /** All the account taught. On disk when it resolves. */
  async forget(owner: Owner): Promise<void> {
    await this.#parts.lessons?.forget(owner);
  }

  async tenantTaught(tenant: TenantId): Promise<TenantTaught> {
    const taught = await this.#parts.lessons?.tenantTaught(tenant);
    return taught ?? { accounts: 0, ham: 0, spam: 0 };
  }

  /** All its accounts on this shard taught. On disk when it resolves. */
  async forgetTenant(tenant: TenantId): Promise<void> {
    await this.#parts.lessons?.forgetTenant(tenant);
  }

  close(): void {
    this.#parts.lessons?.close();
  }

  /** -1: the level above says. */
  setLevels([account, tenant, junk, apart]: PackedOwnLevels): Promise<void> {
    const owner = { account: account as AccountId, tenant: tenant as TenantId };
    return setOwnLevels(this.#parts.mailboxes, owner, {
      ...(junk < 0 ? {} : { junkPercent: junk }),
      ...(apart < 0 ? {} : { quarantinePercent: apart }),
    });
  }

  /** Called often; looks once in `lookMs` for what is over. */
  sweep(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#isLooking || nowMs < this.#lookedMs + lookMs) return;
    this.#lookedMs = nowMs;
    this.#isLooking = true;
    // What could not be written is found again by the next look.
    this.#look()
      .catch(() => {})
      .finally(() => {
        this.#isLooking = false;
      });
  }

  async #look(): Promise<void> {
    const { shard } = this.#parts;
    const range = { ...quarantinesFrom(this.#nextAccount), limit: accountsPerLook };
    const rows = shard.range(range).map(({ key, value }) => [firstU32(key), value] as const);
    let isMore = false;
    for (const [account, value] of rows) {
      // One that cannot be written holds up no other, and is found again by a later look.
      const over = this.#expungeOver(account, decodeQuarantine(value)).catch(() => false);
      isMore = (await over) || isMore;
    }
    this.#nextAccount = rows.length < accountsPerLook ? 0 : rows.at(-1)![0] + 1;
    if (isMore || this.#nextAccount > 0) this.#lookedMs = Number.NEGATIVE_INFINITY;
  }

  /** Whether there may be more. UIDs rise with time. */
  async #expungeOver(account: number, { tenant, mailbox }: QuarantineRow): Promise<boolean> {
    const { mailboxes, clock, keepMs } = this.#parts;
    const { reader } = mailboxes;
    const beforeMs = clock.nowMs() - keepMs;
    const isOver = ({ document }: { readonly document: number }) =>
      (reader.document(account, document)?.internalMs ?? 0) <= beforeMs;
    // Most have nothing that is over, and one message says so.
    if (!reader.messages(account, mailbox, 1, 1).some(isOver)) return false;
    const uids: number[] = [];
    for (const entry of reader.messages(account, mailbox, 1, expungedPerLook)) {
      if (!isOver(entry)) break;
      addId(uids, entry.uid);
    }
    await mailboxes.expunge(account as AccountId, tenant as TenantId, mailbox, uids, false);
    return countOf(uids) === expungedPerLook;
  }

  /** No `uid`: none from there on, or none before `next`. */
  #firstNew(
    account: number,
    mailbox: number,
    from: number,
  ): { readonly uid: number } | { readonly uid?: undefined; readonly next?: number } {
    const { reader } = this.#parts.mailboxes;
    let next = from;
    for (let passed = 0; passed < passedPerList; passed += entriesPerStep) {
      const entries = reader.messages(account, mailbox, next, entriesPerStep);
      const found = entries.find(({ flags }) => !flags.includes('\\Seen'));
      if (found !== undefined) return { uid: found.uid };
      if (entries.length < entriesPerStep) return {};
      next = entries.at(-1)!.uid + 1;
    }
    return { next };
  }

  #told(id: number, { size, internalMs }: DocumentRow, facts: HeldFacts): HeldMessage {
    const untilMs = internalMs + this.#parts.keepMs;
    return { id, heldMs: internalMs, untilMs, bytes: size, ...facts };
  }

  #row(account: number): QuarantineRow | undefined {
    const value = this.#parts.shard.get(quarantineKey(account));
    return value === undefined ? undefined : decodeQuarantine(value);
  }

  #document(account: number, id: number): DocumentRow | undefined {
    const { reader } = this.#parts.mailboxes;
    const row = this.#row(account);
    if (row === undefined) return undefined;
    const [entry] = reader.messages(account, row.mailbox, id, 1);
    return entry?.uid === id ? reader.document(account, entry.document) : undefined;
  }
}

function sorted(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}
