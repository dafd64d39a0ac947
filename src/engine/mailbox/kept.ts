/**
 * Messages expunged not long ago: listed, had back, and let go for good when their time is over.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    a list answers about `entriesMax` entries out of `rowsPerList` rows; a look goes through
 *            `accountsPerLook` accounts once in `lookMs`, or lets go of messages in `batchesPerLook` appends of
 *            `rowsPerBatch` rows and about `documentsPerBatch` messages each.
 * Invariant: a message had back keeps its document's number and gets a new UID (RFC 9051 §2.3.1.1).
 */

import { type KeptInfo, type KeptList, restoredPerAskMax } from '../../actors/asks/mailbox-asks.ts';
import { MailError } from '../../base/errors.ts';
import type { AccountId, TenantId } from '../../base/ids.ts';
import { secondMs } from '../../base/units.ts';
import { headingOf } from '../../mail/formats/mime/heading.ts';
import { summarise } from '../../mail/formats/mime/summary.ts';
import type { Clock } from '../../ports/clock.ts';
import { accountRange, firstU32, keptAt, keptFrom, keptKey, tables } from '../store/keys.ts';
import type { RecordDraft } from '../store/record.ts';
import type { AccountActor } from './account-actor.ts';
import { purgedDraft, type Restored, restoredDraft } from './kept-records.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import type { Mailboxes } from './mailboxes.ts';
import type { DocumentRow } from './rows/document-row.ts';
import { decodeKept, type KeptRow } from './rows/kept-row.ts';
import { countOf, idsOf } from './rows/uid-ranges.ts';
import { type ThreadIds, threadIds } from './thread-finder.ts';
import type { MailboxTree, Owner } from './tree.ts';

const entriesMax = 200;
const rowsPerPage = 32;
const rowsPerList = 2_048;
const rowsPerBatch = 64;
const documentsPerBatch = 200;
const batchesPerLook = 16;
const accountsPerLook = 200;
const lookMs = 10 * secondMs;

/** Behind this one, newest first. */
type KeptCursor = NonNullable<KeptList['next']>;

export interface KeptParts {
  readonly shard: MailboxShard;
  readonly mailboxes: Mailboxes;
  readonly tree: MailboxTree;
  readonly clock: Clock;
}

interface Wanted {
  readonly document: number;
  readonly ids: ThreadIds;
}

export class KeptMessages {
  readonly #parts: KeptParts;
  #lookedMs = 0;
  #nextAccount = 0;
  #isLooking = false;

  constructor(parts: KeptParts) {
    this.#parts = parts;
  }

  /** What can be had back, what was expunged last first; of a mailbox by the name it has or had. */
  async list(account: number, path: string | undefined, after?: KeptCursor): Promise<KeptList> {
    const { reader } = this.#parts.mailboxes;
    const mailbox = path === undefined ? 0 : this.#parts.tree.find(account, path)?.mailbox;
    const entries: KeptInfo[] = [];
    let rowCount = 0;
    for (const { key, row } of this.#rows(account, after)) {
      if (++rowCount % rowsPerPage === 0) await new Promise((resolve) => setImmediate(resolve));
      if (rowCount === rowsPerList) return { entries, next: key };
      if (path !== undefined && row.path !== path && row.mailbox !== mailbox) continue;
      for (const document of [...idsOf(row.documents)].reverse()) {
        const found = reader.document(account, document);
        if (found?.kept?.modseq !== key.modseq) continue;
        const { size, internalMs } = found;
        const parsed = await reader.parsed(account, document);
        const heading = headingOf(parsed?.envelope);
        const { expungedMs } = row;
        const { untilMs } = key;
        entries.push({
          document,
          path: row.path,
          expungedMs,
          untilMs,
          size,
          internalMs,
          ...heading,
        });
      }
      if (entries.length >= entriesMax) return { entries, next: key };
    }
    return { entries };
  }

  /**
   * Puts them back where they were, or into `to`; mailboxes that are not there are made. Answers how many were: others
   * are gone for good, or back already. @throws MailError `account-over-quota`
   */
  async restore(owner: Owner, documents: readonly number[], to?: string): Promise<number> {
    if (documents.length > restoredPerAskMax) {
      throw new MailError('argument-invalid', `over ${restoredPerAskMax} messages`);
    }
    const byMailbox = new Map<number, Wanted[]>();
    for (const document of new Set(documents)) {
      const row = this.#keptDocument(owner.account, document);
      if (row === undefined) continue;
      const ids = await this.#threadIds(row);
      const mailbox = await this.#target(owner, row, to);
      const same = byMailbox.get(mailbox);
      if (same === undefined) byMailbox.set(mailbox, [{ document, ids }]);
      else same.push({ document, ids });
    }
    let count = 0;
    for (const [mailbox, wanted] of byMailbox) count += await this.#restore(owner, mailbox, wanted);
    return count;
  }

  /** Lets go of all the account has kept. Answers how many messages it was. */
  async purge({ account, tenant }: Owner): Promise<number> {
    let count = 0;
    for (;;) {
      const rows = this.#batch(account, Number.POSITIVE_INFINITY);
      if (rows.length === 0) return count;
      count += await this.#letGo(account, tenant, rows);
    }
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
    const { shard, clock } = this.#parts;
    const nowMs = clock.nowMs();
    let batches = 0;
    for (let looked = 0; looked < accountsPerLook; looked++) {
      const [first] = shard.range({ ...keptFrom(this.#nextAccount), limit: 1 });
      if (first === undefined) {
        this.#nextAccount = 0;
        return;
      }
      this.#nextAccount = firstU32(first.key);
      const tenant = decodeKept(first.value).tenant as TenantId;
      const account = this.#nextAccount as AccountId;
      for (;;) {
        const rows = this.#batch(account, nowMs);
        if (rows.length === 0) break;
        await this.#letGo(account, tenant, rows);
        // The next look goes on here, and soon.
        if (++batches === batchesPerLook) {
          this.#lookedMs = Number.NEGATIVE_INFINITY;
          return;
        }
      }
      this.#nextAccount++;
    }
  }

  /** The oldest rows whose time is over: as many as one append takes. */
  #batch(account: number, nowMs: number): KeptCursor[] {
    const range = { ...accountRange(tables.kept, account), limit: rowsPerBatch };
    const rows: KeptCursor[] = [];
    let documents = 0;
    for (const { key, value } of this.#parts.shard.range(range)) {
      const cursor = keptAt(key);
      if (cursor.untilMs > nowMs || documents >= documentsPerBatch) break;
      documents += countOf(decodeKept(value).documents);
      rows.push(cursor);
    }
    return rows;
  }

  /** How many messages went: others of the rows were had back. */
  #letGo(account: AccountId, tenant: TenantId, rows: readonly KeptCursor[]): Promise<number> {
    const { shard, mailboxes } = this.#parts;
    return mailboxes.decide(account, tenant, (actor) => {
      const drafts: RecordDraft[] = [];
      let count = 0;
      for (const { untilMs, modseq: keptModseq } of rows) {
        const value = shard.get(keptKey(account, untilMs, keptModseq));
        if (value === undefined) continue;
        for (const document of idsOf(decodeKept(value).documents)) {
          const row = mailboxes.reader.document(account, document);
          if (row?.kept?.modseq === keptModseq) count++;
        }
        const modseq = actor.nextModseq();
        drafts.push(purgedDraft(tenant, { account, modseq, untilMs, keptModseq }));
      }
      return { drafts, mailboxes: [], value: count };
    });
  }

  #restore(owner: Owner, mailbox: number, wanted: readonly Wanted[]): Promise<number> {
    const { account, tenant } = owner;
    const savedMs = this.#parts.clock.nowMs();
    return this.#parts.mailboxes.decide(account, tenant, (actor) => {
      const drafts: RecordDraft[] = [];
      let bytes = 0;
      for (const { document, ids } of wanted) {
        const row = this.#keptDocument(account, document);
        if (row === undefined) continue;
        bytes += row.size;
        const place = { account, mailbox, document, savedMs };
        drafts.push(restoredDraft(tenant, decided(actor, place, ids)));
      }
      actor.claimRoom(bytes, actor.row(), drafts.length);
      const claimed = { bytes, messages: drafts.length };
      return { drafts, mailboxes: [mailbox], claimed, value: drafts.length };
    });
  }

  #keptDocument(account: number, document: number): DocumentRow | undefined {
    const row = this.#parts.mailboxes.reader.document(account, document);
    return row?.kept === undefined ? undefined : row;
  }

  async #threadIds(row: DocumentRow): Promise<ThreadIds> {
    return threadIds(summarise(await this.#parts.mailboxes.reader.bytes(row)));
  }

  /** The mailbox it was in, by whatever name it has now; else one of the name it had. */
  async #target(owner: Owner, { kept }: DocumentRow, to: string | undefined): Promise<number> {
    const { shard, mailboxes, tree } = this.#parts;
    const { account } = owner;
    let path = to;
    if (path === undefined) {
      const value = shard.get(keptKey(account, kept!.untilMs, kept!.modseq));
      if (value === undefined) throw new MailError('not-found', 'it was let go just now');
      const row = decodeKept(value);
      if (mailboxes.reader.mailbox(account, row.mailbox) !== undefined) return row.mailbox;
      path = row.path;
    }
    return tree.find(account, path)?.mailbox ?? (await tree.create(owner, path));
  }

  *#rows(
    account: number,
    after: KeptCursor | undefined,
  ): IterableIterator<{ readonly key: KeptCursor; readonly row: KeptRow }> {
    const { from, to } = accountRange(tables.kept, account);
    let end = after === undefined ? to : keptKey(account, after.untilMs, after.modseq);
    for (;;) {
      const range = { from, to: end, reverse: true, limit: rowsPerPage };
      const found = this.#parts.shard.range(range);
      for (const { key, value } of found) yield { key: keptAt(key), row: decodeKept(value) };
      if (found.length < rowsPerPage) return;
      end = Buffer.from(found.at(-1)!.key);
    }
  }
}

function decided(
  actor: AccountActor,
  place: Pick<Restored, 'account' | 'mailbox' | 'document' | 'savedMs'>,
  ids: ThreadIds,
) {
  return {
    ...place,
    modseq: actor.nextModseq(),
    uid: actor.nextUid(place.mailbox),
    thread: actor.thread(ids),
    idHashes: ids.hashes,
    subjectHash: ids.subject,
  };
}
