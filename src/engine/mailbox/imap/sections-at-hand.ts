/**
 * Sections of messages whose octets come at once, from the page cache: written within the turn, without a promise.
 *
 * Runs in:   the engine thread that owns the shard; hot.
 * Specs:     RFC 9051 §6.4.5.1, §7.5.2.
 * Limits:    `atHandBytesMax` of one message; more is cut and read by slices (`fetch.ts`).
 * Invariant: what was read is copied into the response before the next reading.
 */

import type { PackedSection } from '../../../actors/asks/imap-asks.ts';
import { kibibyte } from '../../../base/units.ts';
import type { PartPlace } from '../../../mail/formats/mime/part-table.ts';
import type { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import { fetchBinarySize, nextItem, startLiteral } from '../../../mail/wire/imap/response-fetch.ts';
import type { RecordPlace } from '../../store/record.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { madeOf, placeOfSection, type SectionPlace, withoutNul } from './sections.ts';

/** A literal that is cut leaves at least so much of it in an answer. */
export const atHandBytesMax = 64 * kibibyte;

/** Whether the parts of the message say where the section is. */
export function needsParts([, part, text]: PackedSection): boolean {
  return part !== '' || text !== '';
}

export class SectionsAtHand {
  readonly needsParts: boolean;
  readonly #shard: Pick<MailboxShard, 'readNow'>;
  readonly #sections: readonly PackedSection[];
  readonly #writer: ResponseWriter;

  constructor(
    shard: Pick<MailboxShard, 'readNow'>,
    sections: readonly PackedSection[],
    writer: ResponseWriter,
  ) {
    this.#shard = shard;
    this.#sections = sections;
    this.#writer = writer;
    this.needsParts = sections.some(needsParts);
  }

  /** False: one has to be waited for, and what was written of the message is to be taken back. */
  write(
    place: RecordPlace,
    size: number,
    parts: readonly PartPlace[],
    hasItemsBefore: boolean,
  ): boolean {
    const writer = this.#writer;
    let left = atHandBytesMax;
    let hasItems = hasItemsBefore;
    for (const section of this.#sections) {
      if (hasItems) nextItem(writer);
      hasItems = true;
      const at = placeOfSection(parts, size, section);
      if (at === undefined) {
        writer.text(section[0]).text(' NIL');
        continue;
      }
      const length = at.to - at.from;
      left -= length;
      const octets = left < 0 ? undefined : this.#shard.readNow(place, at.from, length);
      if (octets === undefined) return false;
      this.#tell(section, at, madeOf(octets, at));
    }
    return true;
  }

  #tell([label, , text]: PackedSection, at: SectionPlace, octets: Uint8Array): void {
    const writer = this.#writer;
    if (text === 'BINARY.SIZE') {
      fetchBinarySize(writer, label, octets.byteLength);
      return;
    }
    const isBinary = isToldAsBinary(text, at, octets);
    startLiteral(writer, label, octets.byteLength, isBinary);
    writer.copy(isBinary ? octets : withoutNul(octets));
  }
}

/** `made`: what was filtered or decoded; RFC 3516 §4.2.3: a NUL among it wants a literal8. */
export function isToldAsBinary(
  text: PackedSection[2],
  { isBinary }: SectionPlace,
  made: Uint8Array | undefined,
): boolean {
  return isBinary === true || (text === 'BINARY' && made?.includes(0) === true);
}
