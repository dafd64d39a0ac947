/**
 * Where captured messages lie: in memory, or as files of a folder that outlive the sink.
 *
 * Runs in:   sink.
 * Limits:    none of its own: `CaptureStore` bounds what is kept.
 * Invariant: in a folder a message is whole or not there: its envelope is written last, and removed first.
 */

import { Buffer } from 'node:buffer';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CapturedEnvelope } from './captured-message.ts';

export interface Bodies {
  put(id: string, envelope: CapturedEnvelope, bytes: Buffer): void;
  get(id: string): Buffer | undefined;
  remove(id: string): void;
  /** What an earlier sink left, oldest first. */
  kept(): readonly { readonly id: string; readonly envelope: CapturedEnvelope }[];
}

export class MemoryBodies implements Bodies {
  readonly #bodies = new Map<string, Buffer>();

  put(id: string, _envelope: CapturedEnvelope, bytes: Buffer): void {
    // A copy of its own: a small message would hold the whole chunk it came in.
    this.#bodies.set(id, Buffer.from(bytes));
  }

  get(id: string): Buffer | undefined {
    return this.#bodies.get(id);
  }

  remove(id: string): void {
    this.#bodies.delete(id);
  }

  kept(): readonly [] {
    return [];
  }
}

const idPattern = /^(\d{12})\.json$/;

export class FolderBodies implements Bodies {
  readonly #folder: string;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
  }

  put(id: string, envelope: CapturedEnvelope, bytes: Buffer): void {
    writeFileSync(this.#file(id, 'eml'), bytes, { mode: 0o600 });
    const half = this.#file(id, 'part');
    writeFileSync(half, JSON.stringify(envelope), { mode: 0o600 });
    renameSync(half, this.#file(id, 'json'));
  }

  get(id: string): Buffer | undefined {
    try {
      return readFileSync(this.#file(id, 'eml'));
    } catch {
      return undefined;
    }
  }

  remove(id: string): void {
    rmSync(this.#file(id, 'json'), { force: true });
    rmSync(this.#file(id, 'eml'), { force: true });
  }

  kept(): readonly { readonly id: string; readonly envelope: CapturedEnvelope }[] {
    const found: { id: string; envelope: CapturedEnvelope }[] = [];
    for (const name of readdirSync(this.#folder).sort()) {
      const id = idPattern.exec(name)?.[1];
      if (id === undefined) continue;
      try {
        const text = readFileSync(this.#file(id, 'json'), 'utf8');
        found.push({ id, envelope: JSON.parse(text) as CapturedEnvelope });
      } catch {
        // Not one of ours, or removed meanwhile.
      }
    }
    return found;
  }

  #file(id: string, ending: string): string {
    return join(this.#folder, `${id}.${ending}`);
  }
}
