/**
 * One message's rows, field by field, as somebody asks for them: for searches and sorts of many messages.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Invariant: nothing of a row is kept but what was asked for; one object serves many messages.
 */

import { Buffer } from 'node:buffer';
import { tables } from '../../store/keys.ts';
import type { RecordPlace } from '../../store/record.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { PackedScan } from '../rows/packed-scan.ts';
import { decodeParsed } from '../rows/parsed-row.ts';

const hasSentBit = 8;
const isReplyBit = 4;
/** Fields of a parsed row behind its kind and before its bits: envelope, body structure, body, parts, preview. */
const fieldsBeforeBits = 5;
/** And before its texts: bits, date. */
const fieldsBeforeTexts = fieldsBeforeBits + 2;

/** Of a document's row, what searches and sorts look at. */
interface DocumentFields {
  readonly place: RecordPlace;
  readonly size: number;
  readonly internalMs: number;
  readonly thread: number;
}

/** Texts of a parsed row behind its dates, by what they sort. */
export const sortTexts = {
  SUBJECT: 0,
  DISPLAYFROM: 1,
  DISPLAYTO: 2,
  FROM: 3,
  TO: 4,
  CC: 5,
} as const;

/** What SORT by text and THREAD by subject ask for. */
export interface SubjectFields {
  readonly isReplyOrForward: boolean;
  readonly sentMs: number;
  readonly baseSubject: string;
}

export class MessageRows {
  readonly #shard: MailboxShard;
  readonly #key = Buffer.alloc(9);
  readonly #scan = new PackedScan();
  #document = 0;
  #row: DocumentFields | undefined;
  #isRead = false;
  /** A parsed row read from the journal. */
  #away: Uint8Array | undefined;

  constructor(shard: MailboxShard, account: number) {
    this.#shard = shard;
    this.#key.writeUInt32BE(account, 1);
  }

  open(document: number, away?: Uint8Array): this {
    this.#document = document;
    this.#isRead = false;
    this.#row = undefined;
    this.#away = away;
    return this;
  }

  get document(): number {
    return this.#document;
  }

  /** Undefined: the message is gone. */
  get row(): DocumentFields | undefined {
    if (!this.#isRead) {
      const value = this.#shard.peek(this.#keyIn(tables.document));
      this.#row = value === undefined ? undefined : documentFields(this.#scan.open(value));
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
    const scan = this.#parsed();
    if (scan === 'away') return undefined;
    return scan === 'missing' ? emptyEnvelope : scan.binary();
  }

  /** The internal date where there is no other. Undefined: it stands in the journal. */
  get sentMs(): number | undefined {
    const scan = this.#parsed();
    if (scan === 'away') return undefined;
    return scan === 'missing' ? this.internalMs : this.#sentMs(scan);
  }

  /** Undefined: it stands in the journal. */
  sortText(text: (typeof sortTexts)[keyof typeof sortTexts]): string | undefined {
    const scan = this.#parsed();
    if (scan === 'away') return undefined;
    return scan === 'missing' ? '' : scan.skip(fieldsBeforeTexts + text).text();
  }

  /** Undefined: they stand in the journal. */
  subjectFields(): SubjectFields | undefined {
    const scan = this.#parsed();
    if (scan === 'away') return undefined;
    if (scan === 'missing') {
      return { isReplyOrForward: false, sentMs: this.internalMs, baseSubject: '' };
    }
    const bits = scan.skip(fieldsBeforeBits).number();
    const sentMs = scan.number();
    const baseSubject = scan.text();
    return {
      isReplyOrForward: (bits & isReplyBit) !== 0,
      // Read last: it asks for another row, and the scan's bytes end there.
      sentMs: (bits & hasSentBit) === 0 ? this.internalMs : sentMs,
      baseSubject,
    };
  }

  /** Where the parsed row stands, if not here. */
  awayPlace(): RecordPlace | undefined {
    const value = this.#shard.peek(this.#keyIn(tables.parsed));
    if (value === undefined) return undefined;
    const row = decodeParsed(value);
    return row.kind === 'record' ? row.place : undefined;
  }

  /** One key for all reads: none of them keeps it. */
  #keyIn(table: number): Buffer {
    this.#key[0] = table;
    this.#key.writeUInt32BE(this.#document, 5);
    return this.#key;
  }

  #sentMs(scan: PackedScan): number {
    const bits = scan.skip(fieldsBeforeBits).number();
    const sentMs = scan.number();
    return (bits & hasSentBit) === 0 ? this.internalMs : sentMs;
  }

  /** Behind the row's kind. */
  #parsed(): PackedScan | 'away' | 'missing' {
    const value = this.#away ?? this.#shard.peek(this.#keyIn(tables.parsed));
    if (value === undefined) return 'missing';
    const scan = this.#scan.open(value);
    return scan.number() === 1 ? 'away' : scan;
  }
}

function documentFields(scan: PackedScan): DocumentFields {
  const [sequence, segment, offset] = [scan.number(), scan.number(), scan.number()];
  const [bytes, bodyOffset, bodyBytes] = [scan.number(), scan.number(), scan.number()];
  const place = { sequence, segment, offset, bytes, bodyOffset, bodyBytes };
  return { place, size: scan.number(), internalMs: scan.number(), thread: scan.number() };
}

const emptyEnvelope = Buffer.from('(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)', 'latin1');
