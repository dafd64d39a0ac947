/**
 * A shard in memory for tests: append, apply, read, with none of the journal's machinery.
 *
 * Appends of one turn settle together in the next; a test may make them fail, with or without leaving the records.
 * Bodies in files of their own are kept by number; `openBodies` counts those neither named by a record nor let go.
 */

import { MemoryIndex } from '../../src/adapters/memory/memory-index.ts';
import { byteLength, concat } from '../../src/base/bytes.ts';
import { MailError } from '../../src/base/errors.ts';
import { kibibyte } from '../../src/base/units.ts';
import type {
  JournalRecord,
  RecordDraft,
  RecordKind,
  RecordPlace,
  SideBody,
} from '../../src/engine/store/record.ts';
import type { BodyWriter } from '../../src/engine/store/side/body-writer.ts';
import type {
  EntryVisit,
  IndexChange,
  IndexEntry,
  IndexRange,
} from '../../src/ports/shard-index.ts';

export type AppendFault = 'lost' | 'written';

const sideNumberMin = 2 ** 31;
const nowBytesMax = 128 * kibibyte;

export class FakeShard {
  readonly index = new MemoryIndex();
  readonly records: JournalRecord[] = [];
  readonly released: RecordPlace[] = [];
  /** Faults of the next appends, first to last. */
  readonly faults: (AppendFault | undefined)[] = [];
  readonly sides = new Map<number, Buffer>();
  openBodies = 0;
  indexLag = 0;
  /** Whether a body can be read at once. */
  isWarm: (place: RecordPlace) => boolean = () => true;
  readonly #now = new Uint8Array(nowBytesMax);
  readonly #kinds = new Map<number, RecordKind>();

  constructor(kinds: readonly RecordKind[]) {
    for (const kind of kinds) this.#kinds.set(kind.type, kind);
  }

  append(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]> {
    const fault = this.faults.shift();
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        if (fault === 'lost') return reject(new MailError('store-failed', 'lost'));
        const places = drafts.map((draft) => this.#write(draft));
        if (fault === 'written') reject(new MailError('store-failed', 'written'));
        else resolve(places);
      });
    });
  }

  appendLazily(drafts: readonly RecordDraft[]): Promise<readonly RecordPlace[]> {
    return this.append(drafts);
  }

  /** Told what reads see from now on. */
  onChanges: (changes: readonly IndexChange[]) => void = () => {};

  write(changes: readonly IndexChange[]): void {
    void this.index.commit(changes);
    this.onChanges(changes);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.index.get(key);
  }

  peek(key: Uint8Array): Uint8Array | undefined {
    return this.index.peek(key);
  }

  range(range: IndexRange): readonly IndexEntry[] {
    return this.index.range(range);
  }

  each(from: Uint8Array, to: Uint8Array, visit: EntryVisit): void {
    this.index.each(from, to, visit);
  }

  async read(place: RecordPlace, from = 0, length = place.bodyBytes - from): Promise<Uint8Array> {
    const side = this.sides.get(place.segment);
    if (side !== undefined) return side.subarray(from, from + length);
    return this.records[place.sequence]!.body.slice(from, from + length);
  }

  /** Into one buffer that the next such read writes over: who keeps it is found out. */
  readNow(place: RecordPlace, from = 0, length = place.bodyBytes - from): Uint8Array | undefined {
    if (!this.isWarm(place) || this.sides.has(place.segment)) return undefined;
    const body = this.records[place.sequence]!.body.subarray(from, from + length);
    if (body.byteLength > this.#now.byteLength) return undefined;
    this.#now.fill(0xff).set(body);
    return this.#now.subarray(0, body.byteLength);
  }

  async readNear(places: readonly RecordPlace[], bytesMax: number): Promise<readonly Uint8Array[]> {
    return places.map(({ sequence }) => this.records[sequence]!.body.slice(0, bytesMax));
  }

  readNearNow(
    places: readonly RecordPlace[],
    bytesMax: number,
    into: Uint8Array,
  ): readonly Uint8Array[] | undefined {
    let used = 0;
    const found: Uint8Array[] = [];
    // Of what was there before nothing may be left: who keeps it is found out.
    into.fill(0xff);
    for (const place of places) {
      if (!this.isWarm(place) || this.sides.has(place.segment)) return undefined;
      const body = this.records[place.sequence]!.body.subarray(0, bytesMax);
      if (used + body.byteLength > into.byteLength) return undefined;
      into.set(body, used);
      found.push(into.subarray(used, used + body.byteLength));
      used += body.byteLength;
    }
    return found;
  }

  lease(): { release(): void } {
    return { release() {} };
  }

  /** As `BodyWriter`, in memory. */
  async openBody(frontBytesMax: number): Promise<BodyWriter> {
    const rest: Uint8Array[] = [];
    const { sides } = this;
    this.openBodies++;
    let isEnded = false;
    const end = () => {
      if (!isEnded) this.openBodies--;
      isEnded = true;
    };
    const writer = {
      frontBytesMax,
      get restBytes() {
        return byteLength(rest);
      },
      append: async (bytes: Uint8Array) => void rest.push(Buffer.from(bytes)),
      read: async (from: number, length: number) => concat(rest).subarray(from, from + length),
      seal: async (front: readonly Uint8Array[]): Promise<SideBody> => {
        end();
        const body = concat([...front, ...rest]);
        const segment = sideNumberMin + sides.size;
        sides.set(segment, body);
        const facts = { bodyOffset: 0, frontCrc: 0, restCrc: 0, frontBytes: byteLength(front) };
        return { segment, bodyBytes: body.length, ...facts };
      },
      discard: async () => end(),
    };
    return writer as unknown as BodyWriter;
  }

  dropBody(): void {}

  status(): { readonly readOnlyReason?: string } {
    return {};
  }

  hasRoom(): boolean {
    return true;
  }

  placeNow(place: RecordPlace): RecordPlace {
    return place;
  }

  releaseBody(place: RecordPlace): void {
    this.released.push(place);
  }

  /** Applies a record as replay does. */
  apply(record: JournalRecord): void {
    const kind = this.#kinds.get(record.type);
    if (kind === undefined) throw new Error(`no kind for record type ${record.type}`);
    void this.index.commit(kind.apply(record, this));
    kind.restore?.(record, this);
  }

  /** Bodies the kinds say are live. */
  livePlaces(): RecordPlace[] {
    return [...this.#kinds.values()].flatMap((kind) => [...(kind.livePlaces?.(this) ?? [])]);
  }

  #write(draft: RecordDraft): RecordPlace {
    const body = concat(draft.body);
    const sequence = this.records.length;
    const { side } = draft;
    const place: RecordPlace = {
      sequence,
      segment: side?.segment ?? 1,
      offset: sequence * 100,
      bytes: 100 + body.length,
      bodyOffset: sequence * 100 + 50,
      bodyBytes: side?.bodyBytes ?? body.length,
    };
    const record = { place, type: draft.type, tenant: draft.tenant, meta: draft.meta, body };
    this.records.push(record);
    this.write(this.#kinds.get(draft.type)!.apply(record, this));
    return place;
  }
}
