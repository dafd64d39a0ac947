/**
 * The most memory a process had while it was looked at: what is its own, and what of files stands mapped in it.
 *
 * Runs in: bench. Linux only.
 */

import { readFileSync } from 'node:fs';

const lookMs = 200;

export interface MemoryFigures {
  /** Heaps, buffers, stacks: nobody but the process can give them back. */
  readonly ownBytesMax: number;
  /** Resident altogether; pages of the index's files are among them, which the kernel drops when it wants room. */
  readonly residentBytesMax: number;
}

export class MemoryWatch {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #ownBytesMax = 0;
  #residentBytesMax = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#look();
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  stop(): MemoryFigures {
    clearInterval(this.#timer);
    return { ownBytesMax: this.#ownBytesMax, residentBytesMax: this.#residentBytesMax };
  }

  #look(): void {
    const { own, resident } = memoryOf(this.#pid);
    this.#ownBytesMax = Math.max(this.#ownBytesMax, own);
    this.#residentBytesMax = Math.max(this.#residentBytesMax, resident);
  }
}

function memoryOf(pid: number): { readonly own: number; readonly resident: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1_024;
  return { own: bytes('RssAnon') + bytes('RssShmem'), resident: bytes('VmRSS') };
}
