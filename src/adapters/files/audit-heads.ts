/**
 * The key that signs heads of an audit log, and the heads and keys that were: `heads.jsonl` and `head.key`.
 *
 * Runs in:   main thread.
 * Limits:    once there are `headsMax` lines, the older half goes, but keys, and heads that segments begin behind.
 * Invariant: a line is durable before it is answered. A new key is in `heads.jsonl`, signed by the old one, before the
 *            old one is gone; a kill in the middle leaves one of the two, whole.
 */

import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import type { Clock } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import type { Random } from '../../ports/random.ts';
import { type AuditHead, type AuditKey, HeadKey, readHeadLine, seedBytes } from '../audit/head.ts';
import { headsFile, keyFile, linesOf } from './audit-folder.ts';
import { ifThere, readSmall, writeSmall } from './small-file.ts';

export interface AuditHeadsOptions {
  readonly disk: Disk;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly random: Pick<Random, 'bytes'>;
  readonly folder: string;
  /** The log's id. */
  readonly id: string;
}

const headsMax = 100_000;

export class AuditHeads {
  readonly #options: AuditHeadsOptions;
  readonly #keys: AuditKey[] = [];
  #heads: AuditHead[] = [];
  #key: HeadKey;
  #bytes = 0;
  /** Sequences that segments end with: their heads stay. */
  readonly #ends = new Set<number>();
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: AuditHeadsOptions, key: HeadKey) {
    this.#options = options;
    this.#key = key;
  }

  static async open(options: AuditHeadsOptions): Promise<AuditHeads> {
    const { disk, folder, random } = options;
    const path = join(folder, keyFile);
    const kept = await readKey(disk, path);
    const heads = new AuditHeads(options, kept ?? new HeadKey(random.bytes(seedBytes)));
    await heads.#read();
    await heads.#finishRotation(path);
    // Without its private half a key signs no more; nobody can sign its successor, and that shows.
    if (kept === undefined && !heads.#isCurrent()) {
      await writeSmall(disk, path, seedOf(heads.#key));
    }
    if (!heads.#isCurrent()) {
      const { id, clock } = options;
      await heads.#keep(heads.#key.introduce(id, clock.nowMs()));
    }
    return heads;
  }

  /** All keys there were, the oldest first: who checks heads needs them. */
  get keys(): readonly AuditKey[] {
    return this.#keys;
  }

  /** The newest head that is kept. */
  get last(): AuditHead | undefined {
    return this.#heads.at(-1);
  }

  /** The hash that the entry of this sequence had when a head of it was signed. */
  hashAt(sequence: number): string | undefined {
    return this.#heads.find((head) => head.sequence === sequence)?.hash;
  }

  sign(tip: { readonly sequence: number; readonly hash: string }): AuditHead {
    const { id, clock } = this.#options;
    return this.#key.signHead({ ...tip, log: id, atMs: clock.nowMs() });
  }

  keep(head: AuditHead): Promise<void> {
    return this.#inTurn(() => this.#keep(head));
  }

  /** A segment ends with this entry. */
  noteEnd(sequence: number): void {
    this.#ends.add(sequence);
  }

  /** From now on another key signs. */
  rotate(): Promise<void> {
    return this.#inTurn(() => this.#rotate());
  }

  async #rotate(): Promise<void> {
    const { disk, folder, random, clock, id } = this.#options;
    const next = new HeadKey(random.bytes(seedBytes));
    const path = join(folder, keyFile);
    // First the secret, under its second name; then the line that makes it the key; then its right name.
    await writeSmall(disk, nextPath(path), seedOf(next));
    await this.#keep(next.introduce(id, clock.nowMs(), this.#key));
    await this.#finishRotation(path);
  }

  /** Forgets heads of entries that are no more, but the one that what is left begins behind. */
  forget(upTo: number): Promise<void> {
    return this.#inTurn(async () => {
      const left = this.#heads.filter(({ sequence }) => sequence >= upTo);
      if (left.length < this.#heads.length) await this.#rewrite(left);
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  #isCurrent(): boolean {
    return this.#keys.at(-1)?.key === this.#key.fingerprint;
  }

  /** A kill may have come between a key's line and its file's right name. */
  async #finishRotation(path: string): Promise<void> {
    const { disk } = this.#options;
    const next = await readKey(disk, nextPath(path));
    if (next === undefined) return;
    if (this.#keys.at(-1)?.key !== next.fingerprint) {
      await ifThere(() => disk.remove(nextPath(path)));
      return;
    }
    await disk.rename(nextPath(path), path);
    await disk.syncFolder(this.#options.folder);
    this.#key = next;
  }

  async #read(): Promise<void> {
    const { disk, folder } = this.#options;
    const path = join(folder, headsFile);
    for await (const lines of linesOf(disk, path)) {
      for (const { text, at, isEnded } of lines) {
        if (!isEnded) continue;
        this.#bytes = at + Buffer.byteLength(text) + 1;
        const line = readHeadLine(text);
        if (line?.kind === 'key') this.#keys.push(line);
        else if (line !== undefined) this.#heads.push(line);
      }
    }
  }

  async #keep(line: AuditHead | AuditKey): Promise<void> {
    const { disk, folder } = this.#options;
    const path = join(folder, headsFile);
    const opened = await ifThere(() => disk.open(path, 'write'));
    const file = opened ?? (await disk.open(path, 'create'));
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    try {
      // Over what a kill left of a line.
      await file.truncate(this.#bytes);
      await file.write(this.#bytes, [bytes]);
      await file.sync();
    } finally {
      await file.close();
    }
    if (opened === undefined) await disk.syncFolder(folder);
    this.#bytes += bytes.length;
    if (line.kind === 'key') this.#keys.push(line);
    else this.#heads.push(line);
    if (this.#heads.length < headsMax) return;
    const half = headsMax / 2;
    await this.#rewrite(
      this.#heads.filter(({ sequence }, index) => index >= half || this.#ends.has(sequence)),
    );
  }

  async #rewrite(heads: AuditHead[]): Promise<void> {
    const { disk, folder } = this.#options;
    const lines = [...this.#keys, ...heads].map((line) => `${JSON.stringify(line)}\n`);
    const bytes = Buffer.from(lines.join(''));
    await writeSmall(disk, join(folder, headsFile), bytes);
    this.#bytes = bytes.length;
    this.#heads = heads;
  }
}

const nextPath = (path: string): string => `${path}.next`;

async function readKey(disk: Disk, path: string): Promise<HeadKey | undefined> {
  const text = Buffer.from((await readSmall(disk, path)) ?? []).toString();
  const match = /^([0-9a-f]{64})\n$/.exec(text);
  return match === null ? undefined : new HeadKey(Buffer.from(match[1]!, 'hex'));
}

function seedOf(key: HeadKey): Uint8Array {
  return Buffer.from(`${Buffer.from(key.seed).toString('hex')}\n`);
}
