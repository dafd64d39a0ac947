/**
 * What threads of a mailbox are made of, kept once it was read: subjects from rows, ids from headers.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Specs:     RFC 5256 §3 (which ids count: References, or the first of In-Reply-To).
 * Limits:    about 60 bytes a message are kept, in the memory that all shards of the thread share; one mailbox is
 *            read at a time, `groupCount` messages together.
 * Invariant: none of it ever changes for a message, so what was read stays right; new messages are read when asked for.
 *            Ids and subjects are hashes of 53 bits: equal ones of unequal texts only show messages as one thread.
 */

import { fieldName, findField } from '../../../mail/formats/headers/fields.ts';
import { threadIdList } from '../../../mail/formats/headers/message-ids.ts';
import { HeaderScan } from '../../../mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../../mail/formats/headers/unfold.ts';
import type { RecordPlace } from '../../store/record.ts';
import { DerivedMap, type DerivedMemory } from '../derived-memory.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { readHeaders } from './header-reader.ts';
import { Membership, membersOf } from './members.ts';
import { MessageRows, type SubjectFields } from './message-rows.ts';
import type { Place } from './messages.ts';
import { inSlices, type Slices } from './slices.ts';
import { ThreadColumns } from './thread-columns.ts';
import type { ThreadMessages } from './thread-messages.ts';
import type { View } from './view.ts';

const groupCount = 128;

const names = {
  messageId: fieldName('message-id'),
  inReplyTo: fieldName('in-reply-to'),
  references: fieldName('references'),
} as const;

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
    const scan = new HeaderScan();
    for (let start = 0; start < uids.length; start += groupCount) {
      const group: GroupMessage[] = [];
      for (let i = start; i < Math.min(uids.length, start + groupCount); i++) {
        const found = await this.#fieldsOf(rows, documents[i]!);
        if (found !== undefined) group.push({ uid: uids[i]!, ...found });
        if (slices.isOver) await slices.next();
      }
      const headers = await readHeaders(
        this.#shard,
        group.map(({ body }) => body),
      );
      await inSlices(slices, columns.ready());
      for (const [i, { uid, fields }] of group.entries()) {
        const { id, references } = idsOf(scan, headers[i]);
        columns.add({ uid, ...fields, id, references });
        if (slices.isOver) await slices.next();
      }
    }
    columns.trim();
  }

  async #fieldsOf(rows: MessageRows, document: number) {
    const body = rows.open(document).row?.place;
    if (body === undefined) return undefined;
    let fields = rows.subjectFields();
    if (fields === undefined) {
      const place = rows.awayPlace();
      const [away] =
        place === undefined ? [] : await this.#shard.readNear([place], place.bodyBytes);
      fields = away === undefined ? undefined : rows.open(document, away).subjectFields();
    }
    return fields === undefined ? undefined : { body, fields };
  }
}

interface GroupMessage {
  readonly uid: number;
  readonly body: RecordPlace;
  readonly fields: SubjectFields;
}

interface MessageIds {
  /** "" where there is none. */
  readonly id: string;
  readonly references: readonly string[];
}

function idsOf(scan: HeaderScan, header: Uint8Array | undefined): MessageIds {
  if (header === undefined) return { id: '', references: [] };
  scan.scan(header);
  const [id = ''] = idsIn(scan, names.messageId);
  const references = idsIn(scan, names.references);
  return {
    id,
    references: references.length > 0 ? references : idsIn(scan, names.inReplyTo).slice(0, 1),
  };
}

function idsIn(scan: HeaderScan, name: Uint8Array): readonly string[] {
  const field = findField(scan, name);
  return field < 0 ? [] : threadIdList(unfoldedValue(scan, field));
}
