/**
 * What threads of a mailbox are made of, kept once it was read: from rows, and where those are of old from headers.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Specs:     RFC 5256 §3 (which ids count: References, or the first of In-Reply-To).
 * Limits:    about 60 bytes a message are kept, in the memory that all shards of the thread share; one mailbox is
 *            read at a time, `groupCount` messages together.
 * Invariant: none of it ever changes for a message, so what was read stays right; new messages are read when asked for.
 *            Ids and subjects are hashes of 53 bits: equal ones of unequal texts only show messages as one thread.
 */

import { view } from '../../../base/bytes.ts';
import { FieldFinder } from '../../../mail/formats/headers/field-finder.ts';
import { threadHashes } from '../../../mail/formats/headers/thread-ids.ts';
import { headerText, unfold } from '../../../mail/formats/headers/unfold.ts';
import { tables } from '../../store/keys.ts';
import type { RecordPlace } from '../../store/record.ts';
import { DerivedMap, type DerivedMemory } from '../derived-memory.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { DocumentRows } from '../rows/document-rows.ts';
import { readHeaders } from './header-reader.ts';
import { Membership, membersOf } from './members.ts';
import { MessageRows, type ThreadFields } from './message-rows.ts';
import type { Place } from './messages.ts';
import { inSlices, type Slices } from './slices.ts';
import { ThreadColumns } from './thread-columns.ts';
import type { ThreadMessages } from './thread-messages.ts';
import type { View } from './view.ts';

const groupCount = 128;

interface Kept {
  readonly columns: ThreadColumns;
  /** All messages below it that were not gone are in the columns. */
  uidNext: number;
}

export interface ThreadSet {
  /** Of the set, ascending. */
  readonly uids: Uint32Array;
  readonly messages: ThreadMessages;
}

export class ThreadInputs {
  readonly #shard: MailboxShard;
  readonly #kept: DerivedMap<Kept>;
  readonly #finders = ['message-id', 'references', 'in-reply-to'].map(
    (name) => new FieldFinder(name),
  );
  #reading: Promise<unknown> = Promise.resolve();

  constructor(shard: MailboxShard, memory: DerivedMemory) {
    this.#shard = shard;
    this.#kept = new DerivedMap(memory);
  }

  close(): void {
    this.#kept.close();
  }

  /** Of the messages of `set`; `live` is the mailbox as it is now. */
  of(place: Place, set: View, live: View, slices: Slices): Promise<ThreadSet> {
    const read = this.#reading.then(async () => {
      const { columns } = await this.#upTo(place, live, slices);
      const isWanted = new Membership(set);
      return inSlices(
        slices,
        columns.select((uid) => isWanted.has(uid)),
      );
    });
    this.#reading = read.catch(() => {});
    return read;
  }

  async #upTo(place: Place, live: View, slices: Slices): Promise<Kept> {
    const key = `${place.account} ${place.mailbox}`;
    let kept = this.#kept.get(key);
    // Half of it is gone: reading the rest anew costs less than keeping it.
    if (kept === undefined || kept.columns.count > 2 * live.count + groupCount) {
      kept = { columns: new ThreadColumns(), uidNext: 0 };
    }
    if (kept.uidNext < live.uidNext) {
      // Read in part, they would not do.
      this.#kept.delete(key);
      await this.#read(kept.columns, place, live, kept.uidNext, slices);
      kept.uidNext = live.uidNext;
      this.#kept.set(key, kept, kept.columns.bytes);
    }
    return kept;
  }

  async #read(
    columns: ThreadColumns,
    place: Place,
    live: View,
    from: number,
    slices: Slices,
  ): Promise<void> {
    const { uids, documents } = await membersOf(this.#shard, place, live, slices, from);
    const rows = new MessageRows(this.#shard, place.account);
    const documentRows = new DocumentRows(this.#shard, place.account);
    for (let start = 0; start < uids.length; start += groupCount) {
      const group: GroupMessage[] = [];
      await inSlices(slices, columns.ready());
      const aways: number[] = [];
      const end = Math.min(uids.length, start + groupCount);
      documentRows.each(tables.parsed, documents, start, end, (i, row) => {
        const fields = rows.walkedTo(documents[i]!, row).threadFields();
        if (fields === undefined) aways.push(group.length);
        const ids = fields?.ids;
        // UIDs ascend: what waits for its header or its row comes first.
        if (fields !== undefined && ids !== undefined && group.length === 0) {
          const { isReplyOrForward, sentMs, subject } = fields;
          columns.add({ uid: uids[i]!, isReplyOrForward, sentMs, subject, ids });
        } else group.push({ uid: uids[i]!, document: documents[i]!, fields });
        return true;
      });
      if (slices.isOver) await slices.next();
      if (group.length === 0) continue;
      for (const i of aways) group[i]!.fields = await this.#awayFields(rows, group[i]!.document);
      const headers = await this.#headersOf(rows, group);
      for (const { uid, document, fields } of group) {
        const ids = fields?.ids ?? headers.get(document);
        if (fields !== undefined && ids !== undefined) columns.add({ uid, ...fields, ids });
      }
      if (slices.isOver) await slices.next();
    }
    columns.trim();
  }

  /** Of a row that stands in the journal. */
  async #awayFields(rows: MessageRows, document: number): Promise<ThreadFields | undefined> {
    const place = rows.open(document).awayPlace();
    if (place === undefined) return undefined;
    const [away] = await this.#shard.readNear([place], place.bodyBytes);
    return away === undefined ? undefined : rows.open(document, away).threadFields();
  }

  /** Hashes of ids, by document: of those whose rows do not have them. The ones that are gone are left out. */
  async #headersOf(
    rows: MessageRows,
    group: readonly GroupMessage[],
  ): Promise<ReadonlyMap<number, readonly number[]>> {
    const found = new Map<number, readonly number[]>();
    const documents: number[] = [];
    const places: RecordPlace[] = [];
    for (const { document, fields } of group) {
      if (fields === undefined || fields.ids !== undefined) continue;
      const place = rows.open(document).row?.place;
      if (place === undefined) continue;
      documents.push(document);
      places.push(place);
    }
    if (places.length === 0) return found;
    const headers = await readHeaders(this.#shard, places);
    for (const [i, document] of documents.entries()) {
      const header = headers[i];
      found.set(document, header === undefined ? [0] : this.#idsOf(header));
    }
    return found;
  }

  #idsOf(header: Uint8Array): readonly number[] {
    const [messageId, references, inReplyTo] = this.#finders.map((finder) => {
      finder.open(view(header));
      if (!finder.next()) return undefined;
      return unfold(headerText(header, finder.valueStart, finder.valueEnd));
    });
    return threadHashes({ messageId, references, inReplyTo });
  }
}

interface GroupMessage {
  readonly uid: number;
  readonly document: number;
  /** Undefined: its row stands in the journal, or it is gone. */
  fields: ThreadFields | undefined;
}
