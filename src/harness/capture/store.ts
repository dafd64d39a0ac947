/**
 * The captured messages: listed, searched, waited for; the oldest go when there are too many.
 *
 * Runs in:   sink.
 * Limits:    `countMax` messages and `bytesMax` bytes of them; `watchersMax` who watch, `waitersMax` who wait.
 * Invariant: ids grow with time and are never used again, within a folder over restarts, too.
 */

import type { Buffer } from 'node:buffer';
import type { Clock } from '../../ports/clock.ts';
import type { Bodies } from './bodies.ts';
import {
  type CapturedEnvelope,
  type Reading,
  readMessage,
  type Summary,
  searchTextOf,
  summaryOf,
} from './captured-message.ts';
import { isFound, type Search } from './search.ts';

export interface StoreOptions {
  readonly bodies: Bodies;
  readonly clock: Clock;
  readonly countMax: number;
  readonly bytesMax: number;
}

export type StoreEvent =
  | { readonly kind: 'added'; readonly summary: Summary }
  | { readonly kind: 'removed'; readonly ids: readonly string[] };

export interface Listing {
  readonly messages: readonly Summary[];
  /** Found in all, of which `messages` is a part. */
  readonly found: number;
  readonly isMore: boolean;
}

interface Entry {
  readonly id: string;
  readonly envelope: CapturedEnvelope;
  readonly bytes: number;
  /** Undefined until the message was read. */
  summary: Summary | undefined;
  text: string;
}

const idDigits = 12;
const watchersMax = 100;
const waitersMax = 100;

/** So many wait that no more may. */
export class CrowdedError extends Error {}

export class CaptureStore {
  readonly #options: StoreOptions;
  /** By id, oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #watchers = new Set<(event: StoreEvent) => void>();
  /** Those who wait for a message; they take no room from who watches. */
  readonly #waiting = new Set<(event: StoreEvent) => void>();
  #bytes = 0;
  #next = 1;
  /** Messages are read one after the other, in the order they came. */
  #reading: Promise<void> = Promise.resolve();
  /** Dropped because there were too many. */
  dropped = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
    for (const { id, envelope } of options.bodies.kept()) {
      const bytes = options.bodies.get(id);
      if (bytes === undefined) continue;
      this.#next = Number(id) + 1;
      this.#enter({ id, envelope, bytes: bytes.length, summary: undefined, text: '' });
    }
  }

  get count(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Kept when this returns; listed once it was read, which `settled` waits for. */
  add(envelope: CapturedEnvelope, bytes: Buffer): string {
    const id = String(this.#next++).padStart(idDigits, '0');
    this.#options.bodies.put(id, envelope, bytes);
    this.#enter({ id, envelope, bytes: bytes.length, summary: undefined, text: '' });
    return id;
  }

  /** Resolves when everything added so far was read. */
  settled(): Promise<void> {
    return this.#reading;
  }

  /** The newest first, those older than `before`. */
  list(search: Search, countMax: number, before?: string): Listing {
    const messages: Summary[] = [];
    let found = 0;
    let isMore = false;
    for (const entry of [...this.#entries.values()].reverse()) {
      if (!isIn(entry, search)) continue;
      found++;
      if (before !== undefined && entry.id >= before) continue;
      if (messages.length < countMax) messages.push(entry.summary!);
      else isMore = true;
    }
    return { messages, found, isMore };
  }

  summary(id: string): Summary | undefined {
    return this.#entries.get(id)?.summary;
  }

  source(id: string): Buffer | undefined {
    return this.#entries.has(id) ? this.#options.bodies.get(id) : undefined;
  }

  /** The message's parts, read again: they are not kept. */
  async read(id: string): Promise<Reading | undefined> {
    const bytes = this.source(id);
    return bytes === undefined ? undefined : await readMessage(bytes);
  }

  /** Removes what is found; answers how many. */
  remove(search: Search): number {
    const ids = [...this.#entries.values()].filter((entry) => isIn(entry, search));
    this.#removeAll(ids.map(({ id }) => id));
    return ids.length;
  }

  removeOne(id: string): boolean {
    if (!this.#entries.has(id)) return false;
    this.#removeAll([id]);
    return true;
  }

  /** Calls `watcher` for what comes and goes, until the function it answers is called; undefined: too many watch. */
  watch(watcher: (event: StoreEvent) => void): (() => void) | undefined {
    if (this.#watchers.size >= watchersMax) return undefined;
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * The oldest message newer than `after` that is found, now or within the time; undefined when the time is over, or
   * once `signal` says that nobody waits any more. Throws when too many wait.
   */
  async wait(
    search: Search,
    after: string,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Summary | undefined> {
    await this.settled();
    const here = this.#firstAfter(search, after);
    if (here !== undefined || signal?.aborted === true) return here;
    if (this.#waiting.size >= waitersMax) throw new CrowdedError('too many wait already');
    return await new Promise<Summary | undefined>((resolve) => {
      const done = (summary: Summary | undefined) => {
        timer.cancel();
        this.#waiting.delete(watcher);
        signal?.removeEventListener('abort', leave);
        resolve(summary);
      };
      const leave = () => done(undefined);
      signal?.addEventListener('abort', leave);
      const timer = this.#options.clock.setTimer(timeoutMs, () => done(undefined));
      const watcher = (event: StoreEvent) => {
        if (event.kind !== 'added') return;
        const found = this.#firstAfter(search, after);
        if (found !== undefined) done(found);
      };
      this.#waiting.add(watcher);
    });
  }

  #firstAfter(search: Search, after: string): Summary | undefined {
    for (const entry of this.#entries.values()) {
      if (entry.id > after && isIn(entry, search)) return entry.summary;
    }
    return undefined;
  }

  #enter(entry: Entry): void {
    this.#entries.set(entry.id, entry);
    this.#bytes += entry.bytes;
    const { countMax, bytesMax } = this.#options;
    const gone: string[] = [];
    let bytes = this.#bytes;
    for (const old of this.#entries.values()) {
      // The newest stays, however large: its size was bounded when it came.
      const isTooMany = this.#entries.size - gone.length > countMax || bytes > bytesMax;
      if (!isTooMany || old === entry) break;
      gone.push(old.id);
      bytes -= old.bytes;
    }
    this.dropped += gone.length;
    this.#removeAll(gone);
    this.#reading = this.#reading.then(() => this.#readEntry(entry));
  }

  async #readEntry(entry: Entry): Promise<void> {
    const reading = await this.read(entry.id);
    // Removed before its turn came.
    if (reading === undefined) return;
    const { id, envelope, bytes } = entry;
    let summary: Summary;
    try {
      summary = summaryOf(id, envelope, bytes, reading);
      entry.text = searchTextOf(summary, reading);
    } catch (error) {
      // One that nobody thought of must not keep those behind it from being read.
      const fault = (error as Error).message;
      summary = summaryOf(id, envelope, bytes, { email: undefined, fault });
    }
    entry.summary = summary;
    if (this.#entries.has(entry.id)) this.#tell({ kind: 'added', summary });
  }

  #removeAll(ids: readonly string[]): void {
    if (ids.length === 0) return;
    for (const id of ids) {
      this.#bytes -= this.#entries.get(id)?.bytes ?? 0;
      this.#entries.delete(id);
      this.#options.bodies.remove(id);
    }
    this.#tell({ kind: 'removed', ids });
  }

  #tell(event: StoreEvent): void {
    for (const watcher of [...this.#watchers, ...this.#waiting]) watcher(event);
  }
}

function isIn({ summary, text }: Entry, search: Search): boolean {
  return summary !== undefined && isFound({ summary, text }, search);
}
