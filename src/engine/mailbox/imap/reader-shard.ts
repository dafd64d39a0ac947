/**
 * A shard as one reader of somebody else's mailboxes sees it: \Seen, and what is counted as unseen, are the reader's.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9051 §2.3.2, RFC 4314 §2.1 (`s`).
 * Limits:    `countsMax` counts are remembered.
 * Invariant: the owner's \Seen never shows; all else is as it is. Everything that reads rows reads them through this,
 *            so no command has to know of it.
 */

import { RecentMap } from '../../../base/recent-map.ts';
import type { EntryVisit, IndexEntry, IndexRange } from '../../../ports/shard-index.ts';
import {
  firstU32,
  lastU32,
  mailboxOfKey,
  seenKey,
  seenReaderRange,
  tables,
  uidBlockKey,
} from '../../store/keys.ts';
import type { RecordDraft, RecordPlace } from '../../store/record.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { decodeMailbox, encodeMailbox } from '../rows/mailbox-row.ts';
import { existsOf, popcount, withSeen } from '../rows/uid-block.ts';

const countsMax = 10_000;

/** Messages a reader has seen, by mailbox: worked out once for each state of it. */
export class SeenCounts {
  readonly #counts = new RecentMap<string, { readonly modseq: number; readonly seen: number }>(
    countsMax,
  );

  seen(
    shard: Pick<MailboxShard, 'get' | 'range'>,
    place: { readonly account: number; readonly mailbox: number; readonly reader: number },
    modseq: number,
  ): number {
    const { account, mailbox, reader } = place;
    const key = `${account} ${mailbox} ${reader}`;
    const known = this.#counts.get(key);
    if (known?.modseq === modseq) return known.seen;
    let seen = 0;
    for (const row of shard.range(seenReaderRange(account, mailbox, reader))) {
      const block = shard.get(uidBlockKey(account, mailbox, lastU32(row.key)));
      if (block === undefined) continue;
      const exists = existsOf(block);
      seen += popcount(row.value.map((byte, i) => byte & exists[i]!));
    }
    this.#counts.set(key, { modseq, seen });
    return seen;
  }
}

/** Its rows are not what this reader sees. */
function isRewritten(key: Uint8Array): boolean {
  return key[0] === tables.uidBlock || key[0] === tables.mailbox;
}

export class ReaderShard implements MailboxShard {
  readonly #shard: MailboxShard;
  readonly #reader: number;
  readonly #counts: SeenCounts;

  constructor(shard: MailboxShard, reader: number, counts: SeenCounts) {
    this.#shard = shard;
    this.#reader = reader;
    this.#counts = counts;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const value = this.#shard.get(key);
    return value === undefined ? undefined : this.#shown(key, value);
  }

  peek(key: Uint8Array): Uint8Array | undefined {
    const value = this.#shard.peek(key);
    if (value === undefined || !isRewritten(key)) return value;
    // What was peeked at lasts until the next reading, and more is read to show it.
    return this.#shown(key, Uint8Array.from(value));
  }

  range(range: IndexRange): readonly IndexEntry[] {
    return this.#shard.range(range).map(({ key, value }) => ({
      key,
      value: this.#shown(key, value),
    }));
  }

  each(from: Uint8Array, to: Uint8Array, visit: EntryVisit): void {
    this.#shard.each(from, to, (key, value) =>
      isRewritten(key) ? visit(key, this.#shown(key, Uint8Array.from(value))) : visit(key, value),
    );
  }

  append(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]> {
    return this.#shard.append(drafts);
  }

  appendLazily(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]> {
    return this.#shard.appendLazily(drafts);
  }

  read(place: RecordPlace, from?: number, length?: number): Promise<Uint8Array> {
    return this.#shard.read(place, from, length);
  }

  readNow(place: RecordPlace, from?: number, length?: number): Uint8Array | undefined {
    return this.#shard.readNow(place, from, length);
  }

  readNear(
    places: readonly RecordPlace[],
    bytesMax: number,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#shard.readNear(places, bytesMax);
  }

  readNearNow(
    places: readonly RecordPlace[],
    bytesMax: number,
    into: Uint8Array,
  ): readonly Uint8Array[] | undefined {
    return this.#shard.readNearNow(places, bytesMax, into);
  }

  lease(segment: number): { release(): void } {
    return this.#shard.lease(segment);
  }

  releaseBody(place: RecordPlace): void {
    this.#shard.releaseBody(place);
  }

  #shown(key: Uint8Array, value: Uint8Array): Uint8Array {
    if (key[0] === tables.uidBlock) {
      const [account, mailbox] = [firstU32(key), mailboxOfKey(key)];
      return withSeen(
        value,
        this.#shard.get(seenKey(account, mailbox, this.#reader, lastU32(key))),
      );
    }
    if (key[0] !== tables.mailbox) return value;
    const row = decodeMailbox(value);
    const place = { account: firstU32(key), mailbox: mailboxOfKey(key), reader: this.#reader };
    const seen = this.#counts.seen(this.#shard, place, row.highestModseq);
    return encodeMailbox({ ...row, unseen: row.messages - seen });
  }
}
