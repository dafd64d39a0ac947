/**
 * Something made of files, kept as it was while they are broken.
 *
 * Runs in:   main thread.
 * Limits:    `bytesMax` of a file.
 * Invariant: files are broken only when two looks in a row find them the same and unfit: whoever writes a certificate
 *            and then its key is not taken for one who errs.
 */

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

const bytesMax = 1_048_576;

/** `unsettled`: unfit as they stand; look again soon. `broken`: they stay so, which is told once. */
export type Look = 'same' | 'changed' | 'unsettled' | 'broken';

export interface WatchedOptions<T> {
  readonly name: string;
  readonly paths: readonly string[];
  /** Throws where the texts are unfit. */
  make(texts: readonly string[]): T;
}

export class WatchedFiles<T> {
  readonly #options: WatchedOptions<T>;
  #value: T | undefined;
  #error: string | undefined;
  #digest = '';
  #unfitDigest = '';

  constructor(options: WatchedOptions<T>) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get paths(): readonly string[] {
    return this.#options.paths;
  }

  /** What the files last made that was fit. */
  get value(): T | undefined {
    return this.#value;
  }

  /** Why the files as they stand are not used. */
  get error(): string | undefined {
    return this.#error;
  }

  /** The first time. @throws Error that names the files */
  async open(): Promise<T> {
    await this.look();
    // Unfit once is unsettled, twice is broken.
    if (this.#value === undefined) await this.look();
    if (this.#value === undefined)
      throw new Error(this.#error ?? `${this.paths.join(', ')} changed while they were read`);
    return this.#value;
  }

  async look(): Promise<Look> {
    const read = await this.#read();
    const digest = createHash('sha256').update(JSON.stringify(read)).digest('hex');
    if (digest === this.#digest) {
      this.#unfitDigest = '';
      this.#error = undefined;
      return 'same';
    }
    try {
      if ('fault' in read) throw new Error(read.fault);
      this.#value = this.#options.make(read.texts);
    } catch (error) {
      return this.#unfit(digest, (error as Error).message);
    }
    this.#digest = digest;
    this.#unfitDigest = '';
    this.#error = undefined;
    return 'changed';
  }

  #unfit(digest: string, reason: string): Look {
    const isKnown = digest === this.#unfitDigest;
    this.#unfitDigest = digest;
    if (!isKnown) return 'unsettled';
    const isTold = this.#error !== undefined;
    this.#error = `${this.paths.join(', ')}: ${reason}`;
    return isTold ? 'same' : 'broken';
  }

  async #read(): Promise<{ readonly texts: readonly string[] } | { readonly fault: string }> {
    try {
      return { texts: await Promise.all(this.paths.map(readSmall)) };
    } catch (error) {
      return { fault: (error as NodeJS.ErrnoException).code ?? (error as Error).message };
    }
  }
}

async function readSmall(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > bytesMax) throw new Error(`${path} has more than ${bytesMax} bytes`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
