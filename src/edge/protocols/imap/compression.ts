/**
 * A session's octets compressed both ways, with next to nothing kept while it is silent.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 4978 (COMPRESS=DEFLATE), RFC 1951.
 * Limits:    `compressedSessionsMax` sessions; one turn inflates `turnPiecesMax`, then others have theirs. A client may
 *            send what expands `inflateRatioMax` times, and one message that expands more.
 * Invariant: each write ends byte-aligned (a sync flush), so the next one may come of a new compressor: its state
 *            lives no longer than the call. What was said last is its dictionary, or nothing is.
 */

import { Buffer } from 'node:buffer';
import { constants, deflateRawSync, type ZlibOptions } from 'node:zlib';
import { Inflater, pieceBytesMax } from '../../../mail/wire/deflate/inflater.ts';
import type { SessionTransport } from '../session/transport.ts';
import type { ImapLimits } from './limits.ts';

/** A compressor of 32 kB: of 4 kB of history, which any client's window holds. */
const deflateOptions: ZlibOptions = {
  windowBits: 12,
  memLevel: 5,
  level: 3,
  finishFlush: constants.Z_SYNC_FLUSH,
};
/** What a window of 4 kB reaches back, by zlib's rules. */
const dictionaryBytesMax = 4_096 - 262;
/** One call takes half a millisecond for as many. */
const callBytesMax = 65_536;
const turnPiecesMax = Math.floor(262_144 / pieceBytesMax);

const nothing = Buffer.alloc(0);

/** How many sessions are compressed; one for all listeners. */
export class CompressionSlots {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  take(countMax: number): boolean {
    if (this.#count >= countMax) return false;
    this.#count++;
    return true;
  }

  give(): void {
    this.#count--;
  }
}

/** `bad` and `ended` are of the stream; `ratio`: it expands to too much. */
export type CompressionFault = 'bad' | 'ended' | 'ratio';

export interface CompressedSession {
  readonly service: {
    readonly policy: {
      readonly limits: Pick<ImapLimits, 'inflateRatioMax' | 'messageBytesMax'>;
    };
  };
  /** What the client said, uncompressed. */
  said(octets: Buffer): void;
  compressionFailed(fault: CompressionFault): void;
}

export class Compression implements SessionTransport {
  readonly canStartTls = false;
  readonly #transport: SessionTransport;
  readonly #session: CompressedSession;
  readonly #inflater = new Inflater();
  /** Compressed, and not inflated yet. */
  #waiting: Buffer[] = [];
  /** The last that was said. */
  #said: Buffer = nothing;
  #isPaused = false;
  #isFeeding = false;
  /** A later turn goes on feeding. */
  #isPutOff = false;
  #isOver = false;

  constructor(transport: SessionTransport, session: CompressedSession) {
    this.#transport = transport;
    this.#session = session;
  }

  get unsentBytes(): number {
    return this.#transport.unsentBytes;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; at += callBytesMax) {
      this.#transport.write(this.#deflate(bytes.subarray(at, at + callBytesMax)));
    }
  }

  end(bytes: Uint8Array = nothing): void {
    this.write(bytes);
    this.#isOver = true;
    this.#transport.end();
  }

  destroy(): void {
    this.#isOver = true;
    this.#transport.destroy();
  }

  pause(): void {
    this.#isPaused = true;
    this.#transport.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#feed();
  }

  startTls(): void {
    // RFC 9051 §6.2.1: STARTTLS comes before log-in, and this after.
    throw new Error('no TLS within compression');
  }

  receive(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#feed();
  }

  /** The client is silent: lets go of what can be done without. */
  rest(): void {
    this.#said = nothing;
    this.#inflater.rest();
  }

  #feed(): void {
    if (this.#isFeeding || this.#isPutOff) return;
    this.#isFeeding = true;
    let piecesLeft = turnPiecesMax;
    while (!this.#isPaused && !this.#isOver && piecesLeft > 0) {
      const piece = this.#inflater.next();
      if (piece === undefined) {
        const chunk = this.#inflater.fault === undefined ? this.#waiting.shift() : undefined;
        if (chunk === undefined) break;
        this.#inflater.give(chunk);
        continue;
      }
      piecesLeft--;
      if (this.#isTooMuch()) this.#fail('ratio');
      else if (piece.length > 0) this.#session.said(piece);
    }
    this.#isFeeding = false;
    if (this.#isOver || this.#isPaused) return;
    const { fault } = this.#inflater;
    if (piecesLeft === 0) this.#putOff();
    else if (fault !== undefined) this.#fail(fault);
    else this.#transport.resume();
  }

  #putOff(): void {
    this.#isPutOff = true;
    this.#transport.pause();
    setImmediate(() => {
      this.#isPutOff = false;
      this.#feed();
    });
  }

  #isTooMuch(): boolean {
    const { inflateRatioMax, messageBytesMax } = this.#session.service.policy.limits;
    const { takenBytes, givenBytes } = this.#inflater;
    return givenBytes > messageBytesMax + takenBytes * inflateRatioMax;
  }

  #fail(fault: CompressionFault): void {
    this.#waiting = [];
    this.#session.compressionFailed(fault);
    this.#isOver = true;
  }

  #deflate(bytes: Uint8Array): Buffer {
    const said = this.#said;
    const options = said.length > 0 ? { ...deflateOptions, dictionary: said } : deflateOptions;
    const deflated = deflateRawSync(bytes, options);
    const kept = bytes.subarray(-dictionaryBytesMax);
    // A copy: a view would keep all of what it is of.
    this.#said = Buffer.concat([said.subarray(kept.byteLength - dictionaryBytesMax), kept]);
    return deflated;
  }
}
