/**
 * Reads a journal on from a place in it, parcel by parcel, while its shard goes on writing.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    one window of a segment is in memory (`journal/scan.ts`).
 * Invariant: records come in the order of their sequences, each once: those that were copied when a new epoch began
 *            are told from their first place or from the copy, never from both.
 */

import type { Disk } from '../../ports/disk.ts';
import { segmentHeaderBytes } from './journal/format.ts';
import type { Journal, JournalPosition } from './journal/journal.ts';
import type { JournalRecord } from './record.ts';
import { walkSegment } from './replay.ts';

/** Records of one parcel; `position` is behind it. Awaited when it gives a promise. */
export type ParcelVisit = (
  records: readonly JournalRecord[],
  position: JournalPosition,
) => Promise<void> | undefined;

type OpenRecord = (record: JournalRecord) => JournalRecord | undefined;

export class Following {
  readonly #disk: Disk;
  readonly #journal: Journal;
  readonly #open: OpenRecord | undefined;

  /** `open`: of records that may be sealed; those it cannot open are left out. */
  constructor(disk: Disk, journal: Journal, open?: OpenRecord) {
    this.#disk = disk;
    this.#open = open;
    this.#journal = journal;
  }

  /** Where the next record goes. */
  get position(): JournalPosition {
    return this.#journal.position;
  }

  /**
   * Visits everything that is on disk behind `after` as this is called. Answers how many records behind it are gone.
   * @throws DiskError, MailError
   */
  async read(after: JournalPosition, visit: ParcelVisit): Promise<number> {
    let { sequence } = after;
    let goneCount = 0;
    for (const segment of this.#journal.segments.all()) {
      if (segment.lastSequence <= sequence) continue;
      const { number, header, end } = segment;
      goneCount += Math.max(0, header.firstSequence - 1 - sequence);
      const isStart = number === after.segment && (end === undefined || after.offset <= end);
      const from = isStart ? after.offset : segmentHeaderBytes;
      const see = (records: readonly JournalRecord[], offset: number) => {
        const news = records.filter(({ place }) => place.sequence > sequence);
        sequence = news.at(-1)?.place.sequence ?? sequence;
        const shown = this.#open === undefined ? news : opened(news, this.#open);
        return visit(shown, { epoch: header.epoch, segment: number, offset, sequence });
      };
      await walkSegment({ disk: this.#disk, segment, from, to: end, visit: see });
    }
    return goneCount;
  }
}

function opened(records: readonly JournalRecord[], open: OpenRecord): readonly JournalRecord[] {
  const found: JournalRecord[] = [];
  for (const record of records) {
    const one = open(record);
    if (one !== undefined) found.push(one);
  }
  return found;
}
