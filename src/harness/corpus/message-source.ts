/**
 * Gives the messages of a run, one after the other: made ahead as forms, patched with an id, a hash and a recipient.
 *
 * Runs in:   load generator, one source a group and thread.
 * Limits:    forms are kept for each kind and length of address, at most `formsCountMax` sets.
 * Invariant: no two messages of a run share an id. Forms are made before the run, as far as they may be kept: making
 *            one within it would look like a slow server.
 */

import { Buffer } from 'node:buffer';
import type { Form } from './form.ts';
import { idLength } from './form.ts';
import { mixTurn, type Weighted } from './mix.ts';
import type { Recipient, RecipientDealer } from './recipients.ts';

const formsCountMax = 256;
const runLength = 12;
const digits = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz');

/** One kind of messages in a mix. */
export interface MessageKind extends Weighted {
  /** Forms for addresses of this length; at least one. */
  make(toLength: number): readonly Form[];
}

/** A message as it leaves: belongs to one session, which has it filled anew when the last one is done with. */
export class Outgoing {
  readonly to: Recipient[] = [];
  index = 0;
  sha256 = '';
  bytes = 0;
  isEightBit = false;
  /** What goes out first: memory of this message. */
  wire: Uint8Array = noBytes;
  #room = noBytes;
  /** What follows; shared and never changed. */
  parts: readonly Uint8Array[] = [];

  /** `wire` for so many bytes, in memory that is kept: forms of one kind differ by some. */
  fit(length: number): Uint8Array {
    if (this.wire.length === length) return this.wire;
    if (this.#room.length < length) this.#room = Buffer.allocUnsafeSlow(length + spareBytes);
    this.wire = this.#room.subarray(0, length);
    return this.wire;
  }
}

const noBytes = Buffer.alloc(0);
/** By so much forms of a size may differ: doubled dots, lengths of addresses. */
const spareBytes = 256;

export interface MessageSourceOptions {
  readonly kinds: readonly MessageKind[];
  readonly recipients: RecipientDealer;
  /** Twelve characters that set the ids of one run apart from those of another in the same ledger. */
  readonly run: string;
}

export class MessageSource {
  readonly #kinds: readonly MessageKind[];
  readonly #turn: Uint32Array;
  readonly #recipients: RecipientDealer;
  /** Begins all its ids. */
  readonly run: string;
  readonly #forms: Map<number, readonly Form[]>[];
  #formsCount = 0;
  #index = 0;
  readonly #id = Buffer.alloc(idLength);

  constructor({ kinds, recipients, run }: MessageSourceOptions) {
    if (run.length !== runLength) throw new Error(`"${run}" has not ${runLength} characters`);
    this.#kinds = kinds;
    this.#turn = mixTurn(kinds);
    this.#recipients = recipients;
    this.run = run;
    this.#forms = kinds.map(() => new Map());
    this.#id.write(`${run}-00000000`, 'latin1');
    for (const length of recipients.lengths) {
      if (this.#formsCount + kinds.length > formsCountMax) break;
      for (const kind of kinds.keys()) this.#formsOf(kind, length);
    }
  }

  /** The id of the message with this number, as it stands in the message. */
  idOf(index: number): string {
    return `${this.run}-${index.toString(36).padStart(idLength - runLength - 1, '0')}`;
  }

  /** Makes the next message in `message`; what was there before is overwritten. */
  next(message: Outgoing): void {
    const index = this.#index++;
    this.#recipients.deal(message.to);
    const first = message.to[0]!;
    const forms = this.#formsOf(this.#turn[index % this.#turn.length]!, first.bytes.length);
    const form = forms[index % forms.length]!;
    const wire = message.fit(form.head.length);
    wire.set(form.head);
    for (const at of form.idAt) wire.set(this.#id, at);
    if (form.toAt !== undefined) wire.set(first.bytes, form.toAt);
    message.sha256 = form.sha256 ?? form.hashWith(this.#id);
    writeAscii(wire, message.sha256, form.hashAt);
    message.index = index;
    message.bytes = form.bytes;
    message.isEightBit = form.isEightBit;
    message.parts = form.parts;
    countUp(this.#id);
  }

  #formsOf(kind: number, toLength: number): readonly Form[] {
    const known = this.#forms[kind]!.get(toLength);
    if (known !== undefined) return known;
    if (this.#formsCount === formsCountMax) {
      for (const each of this.#forms) each.clear();
      this.#formsCount = 0;
    }
    this.#formsCount++;
    const made = this.#kinds[kind]!.make(toLength);
    this.#forms[kind]!.set(toLength, made);
    return made;
  }
}

/** The number at the end of an id, in base 36, grows by one. */
function countUp(id: Buffer): void {
  for (let at = idLength - 1; at > runLength; at--) {
    const digit = id[at]!;
    if (digit !== digits[35]) {
      id[at] = digit === digits[9] ? digits[10]! : digit + 1;
      return;
    }
    id[at] = digits[0]!;
  }
}

function writeAscii(into: Uint8Array, text: string, at: number): void {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
}
