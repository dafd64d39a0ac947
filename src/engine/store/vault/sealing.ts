/**
 * Between a shard and its vault: gives drafts their keys, and opens records that come from the journal.
 *
 * Runs in:   the engine thread that owns the shard.
 * Invariant: a record whose key is missing is left unapplied, and the index never passes it: it is applied by the first
 *            opening that has the key. One that was shredded means nothing any more.
 */

import { unpack } from 'msgpackr';
import { assert } from '../../../base/assert.ts';
import type { JournalRecord, RecordDraft, RecordKind } from '../record.ts';
import { movedRecord } from '../record-types.ts';
import { openRecord } from './sealed-record.ts';
import type { Vault } from './vault.ts';

export interface SealingParts {
  readonly vault: Vault;
  readonly shard: number;
  readonly kindOf: (type: number) => RecordKind | undefined;
  /** Hears of a record that is not what was sealed. */
  readonly onDamage: (record: JournalRecord) => void;
}

export class Sealing {
  readonly #parts: SealingParts;
  #unappliedFrom = Number.POSITIVE_INFINITY;

  constructor(parts: SealingParts) {
    this.#parts = parts;
  }

  /** The first record that waits for its key; no position behind it may be stored. */
  get unappliedFrom(): number {
    return this.#unappliedFrom;
  }

  /** Drafts with the keys of their accounts. @throws MailError where one of them cannot be had now */
  keyed(drafts: readonly RecordDraft[]): readonly RecordDraft[] {
    if (!this.#parts.vault.isUsed) return drafts;
    return drafts.map((draft) => {
      const account = this.#accountOf(draft.type, draft.meta);
      const key = account === undefined ? undefined : this.#parts.vault.newest(account);
      return key === undefined ? draft : { ...draft, key };
    });
  }

  /** Undefined: it cannot be opened. */
  open(record: JournalRecord): JournalRecord | undefined {
    if (record.sealedBy === undefined) return record;
    const opened = openRecord(record, this.#parts.shard, this.#parts.vault);
    if (opened === 'damaged') this.#parts.onDamage(record);
    if (typeof opened !== 'string') return opened;
    return undefined;
  }

  /** As `open`, of a record to be applied. */
  openToApply(record: JournalRecord): JournalRecord | undefined {
    const opened = this.open(record);
    if (opened === undefined && this.isMissing(record)) {
      const { account } = record.sealedBy!;
      // Its key's file is gone: it must not pass for an account that was never encrypted.
      if (!this.#parts.vault.isEncrypted(account)) this.#parts.vault.miss(account);
      this.#unappliedFrom = Math.min(this.#unappliedFrom, record.place.sequence);
    }
    return opened;
  }

  /** The account was deleted: without its key what is left of it is as good as shredded, and waits for nothing. */
  end(account: number): void {
    const { vault } = this.#parts;
    if (vault.goneOf(account) === 'missing') vault.shred(account);
  }

  /** It may be opened some day. */
  isMissing({ sealedBy }: JournalRecord): boolean {
    return sealedBy !== undefined && this.#parts.vault.find(sealedBy) === 'missing';
  }

  /** Nobody will ever open it. */
  isShredded({ sealedBy }: JournalRecord): boolean {
    return sealedBy !== undefined && this.#parts.vault.find(sealedBy) === 'shredded';
  }

  #accountOf(type: number, meta: Uint8Array): number | undefined {
    if (type !== movedRecord) return this.#parts.kindOf(type)?.sealedFor?.(meta);
    const [kind, , inner] = unpack(meta) as [number, unknown, Uint8Array];
    assert(kind !== movedRecord, 'a moved record of a moved record');
    return this.#accountOf(kind, inner);
  }
}
