/**
 * One message's rows, field by field, as somebody asks for them: for searches and sorts of many messages.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Invariant: nothing of a row is kept but what was asked for; one object serves many messages.
 */

import { Buffer } from 'node:buffer';
import { assert } from '../../../base/assert.ts';
import { view } from '../../../base/bytes.ts';
import { octetsHash, unpackThreadHashes } from '../../../mail/formats/headers/thread-ids.ts';
import { tables } from '../../store/keys.ts';
import type { RecordPlace } from '../../store/record.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { type PlacedFacts, placedFacts } from '../rows/document-row.ts';
import { decodeParsed } from '../rows/parsed-row.ts';
import { RowCursor } from '../rows/row-cursor.ts';
import { RowKey } from '../rows/row-key.ts';

const hasSentBit = 8;
const isReplyBit = 4;
/** Fields of a parsed row behind its kind and before BODY: envelope, body structure. */
const fieldsBeforeBody = 2;
/** Fields of a parsed row behind its kind and before its bits: envelope, body structure, body, parts, preview. */
const fieldsBeforeBits = 5;
/** And before its texts: bits, date. */
const fieldsBeforeTexts = fieldsBeforeBits + 2;

/** Fields of a row, its kind with them, before its ids. */
const fieldsBeforeIds = 14;
const textsBehindSubject = 5;

/** Texts of a parsed row behind its dates, by what they sort. */
export const sortTexts = {
  SUBJECT: 0,
  DISPLAYFROM: 1,
  DISPLAYTO: 2,
  FROM: 3,
  TO: 4,
  CC: 5,
} as const;

/** What threads are made of. */
export interface ThreadFields {
  readonly isReplyOrForward: boolean;
  readonly sentMs: number;
  /** The base subject's hash; 0: it is empty. */
  readonly subject: number;
  /** As `threadHashes` has them; undefined: the header tells. */
  readonly ids: readonly number[] | undefined;
}

const emptyEnvelope = Buffer.from('(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)', 'latin1');
const emptyEnvelopeRow = Buffer.concat([Buffer.of(0), emptyEnvelope]);

export class MessageRows {
  readonly #shard: MailboxShard;
  readonly #key: RowKey;
  readonly #cursor = new RowCursor();
  /** Good until the next read of any row. */
  envelopeRow: Buffer = emptyEnvelopeRow;
  envelopeEnd = emptyEnvelopeRow.length;
  #document = 0;
  #row: PlacedFacts | undefined;
  #isRead = false;
  /** The parsed row, where it was read already. */
  #given: Uint8Array | undefined;
  /** It is of a walk: good until the next read of any row. */
  #isWalked = false;

  constructor(shard: MailboxShard, account: number) {
    this.#shard = shard;
    this.#key = new RowKey(account);
  }

  /** `away`: its parsed row, where that was read from the journal. */
  open(document: number, away?: Uint8Array): this {
    this.#document = document;
    this.#isRead = false;
    this.#row = undefined;
    this.#given = away;
    this.#isWalked = false;
    return this;
  }

  /** `row`: its parsed row, as a walk shows it. */
  walkedTo(document: number, row: Uint8Array | undefined): this {
    this.open(document, row);
    this.#isWalked = true;
    return this;
  }

  get document(): number {
    return this.#document;
  }

  /** Undefined: the message is gone. */
  get row(): PlacedFacts | undefined {
    if (!this.#isRead) {
      if (this.#isWalked) this.#given = undefined;
      const value = this.#shard.peek(this.#key.of(tables.document, this.#document));
      this.#row = value === undefined ? undefined : placedFacts(value, this.#cursor);
      this.#isRead = true;
    }
    return this.#row;
  }

  get size(): number {
    return this.row?.size ?? 0;
  }

  get internalMs(): number {
    return this.row?.internalMs ?? 0;
  }

  get thread(): number {
    return this.row?.thread ?? 0;
  }

  /** Good until the next read of any row. Undefined: it stands in the journal. */
  get envelope(): Buffer | undefined {
    const row = this.#parsed();
    if (row === 'away') return undefined;
    return row === 'missing' ? emptyEnvelope : view(ours(row, row.bytes()));
  }

  /**
   * As `envelope`, in a row that holds more: a view of its own costs as much as the look-up. 0: it stands in the
   * journal; else where in `envelopeRow` it begins; `envelopeEnd` is where it ends.
   */
  envelopeAt(): number {
    const value = this.#given ?? this.#shard.peek(this.#key.of(tables.parsed, this.#document));
    if (value === undefined) {
      this.envelopeRow = emptyEnvelopeRow;
      this.envelopeEnd = emptyEnvelopeRow.length;
      return 1;
    }
    const row = this.#cursor.open(value);
    if (row.number() === 1) return 0;
    const length = ours(row, row.passBytes());
    this.envelopeRow = view(value);
    this.envelopeEnd = row.at;
    return row.at - length;
  }

  /** BODY, good until the next read of any row. Undefined: it stands in the journal, or nowhere. */
  get body(): Buffer | undefined {
    const row = this.#parsed();
    if (typeof row === 'string') return undefined;
    return view(ours(row, row.skip(fieldsBeforeBody).bytes()));
  }

  /** The internal date where there is no other. Undefined: it stands in the journal. */
  get sentMs(): number | undefined {
    const row = this.#parsed();
    if (row === 'away') return undefined;
    return row === 'missing' ? this.internalMs : this.#sentMs(row);
  }

  /** Undefined: it stands in the journal. */
  sortText(text: (typeof sortTexts)[keyof typeof sortTexts]): string | undefined {
    const row = this.#parsed();
    if (row === 'away') return undefined;
    return row === 'missing' ? '' : ours(row, row.skip(fieldsBeforeTexts + text).text());
  }

  /** Undefined: they stand in the journal. */
  threadFields(): ThreadFields | undefined {
    const row = this.#parsed();
    if (row === 'away') return undefined;
    if (row === 'missing') {
      return { isReplyOrForward: false, sentMs: this.internalMs, subject: 0, ids: undefined };
    }
    const hasIds = row.fields > fieldsBeforeIds;
    const bits = row.skip(fieldsBeforeBits).number();
    const sentMs = row.number();
    const length = row.passBytes();
    const subject = length === 0 ? 0 : octetsHash(row.bytesOfRow, row.at - length, row.at);
    const packed = hasIds ? row.skip(textsBehindSubject).passBytes() : 0;
    const ids = hasIds ? unpackThreadHashes(row.bytesOfRow, row.at - packed, packed) : undefined;
    assert(!row.isLost, 'a parsed row is one of ours');
    return {
      isReplyOrForward: (bits & isReplyBit) !== 0,
      subject,
      ids,
      // Read last: it asks for another row, and the cursor's bytes end there.
      sentMs: (bits & hasSentBit) === 0 ? this.internalMs : sentMs,
    };
  }

  /** Where the parsed row stands, if not here. */
  awayPlace(): RecordPlace | undefined {
    const value = this.#shard.peek(this.#key.of(tables.parsed, this.#document));
    // Few do: looking at the kind alone costs a tenth.
    if (value === undefined || this.#cursor.open(value).number() !== 1) return undefined;
    const row = decodeParsed(value);
    return row.kind === 'record' ? row.place : undefined;
  }

  #sentMs(row: RowCursor): number {
    const bits = row.skip(fieldsBeforeBits).number();
    const sentMs = ours(row, row.number());
    return (bits & hasSentBit) === 0 ? this.internalMs : sentMs;
  }

  /** Behind the row's kind. */
  #parsed(): RowCursor | 'away' | 'missing' {
    const value = this.#given ?? this.#shard.peek(this.#key.of(tables.parsed, this.#document));
    if (value === undefined) return 'missing';
    const row = this.#cursor.open(value);
    return row.number() === 1 ? 'away' : row;
  }
}

/** What was read; a row that cannot be is broken. */
function ours<Field>(row: RowCursor, field: Field): Field {
  assert(!row.isLost, 'a parsed row is one of ours');
  return field;
}
