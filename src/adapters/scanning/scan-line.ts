/**
 * A connection to a scanner that is written to and read from in turn, with an end to all of it.
 *
 * Runs in:   engine threads.
 * Limits:    `connectMsMax` until it stands, `endMs` for everything; `answerBytesMax` unread bytes at a time and
 *            `answersBytesMax` in all, from one `rest` to the next.
 * Invariant: whoever waits is told once: the first of an answer, the end of the connection, the end of the time. What
 *            came before the end is read before the end is.
 */

import { Buffer } from 'node:buffer';
import { connect, type Socket } from 'node:net';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { ScanPlace } from '../../settings/scanners.ts';
import type { ScanTime } from './guarded-scanner.ts';
import { ScanError, scanErrorOf } from './scan-error.ts';

export interface LineLimits {
  readonly answerBytesMax: number;
  readonly answersBytesMax: number;
}

/** Sent at once: a scanner that answers early is heard before all of a message went out. */
const sliceBytes = 262_144;

export class ScanLine {
  readonly #socket: Socket;
  readonly #limits: LineLimits;
  #timer: Timer | undefined;
  #unread: Buffer = Buffer.alloc(0);
  #readBytes = 0;
  #fault: ScanError | undefined;
  #isEnded = false;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket, limits: LineLimits) {
    this.#socket = socket;
    this.#limits = limits;
    socket.on('data', (bytes) => this.#onData(bytes));
    socket.on('error', (error) => this.#fail(scanErrorOf(error)));
    socket.on('drain', () => this.#wakeUp());
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#isEnded = true;
        this.#wakeUp();
      });
    }
  }

  /** @throws ScanError */
  static async open(
    place: ScanPlace,
    time: ScanTime,
    clock: Clock,
    limits: LineLimits,
  ): Promise<ScanLine> {
    if (time.signal.aborted) throw new ScanError('closed', 'it is closed');
    const socket = connect({ ...place, noDelay: true });
    const line = new ScanLine(socket, limits);
    const leftMs = Math.max(0, time.endMs - clock.monotonicMs());
    const late = () => line.#fail(new ScanError('unreachable', 'no connection in time'));
    line.#timer = clock.setTimer(Math.min(leftMs, time.connectMsMax), late);
    const close = () => line.#fail(new ScanError('closed', 'it is closed'));
    time.signal.addEventListener('abort', close, { once: true });
    socket.once('close', () => time.signal.removeEventListener('abort', close));
    socket.once('connect', () => line.#wakeUp());
    while (socket.connecting) await line.#change();
    line.#timer.cancel();
    if (line.#fault !== undefined) throw line.#fault;
    line.allowUntil(time.endMs, clock);
    return line;
  }

  /**
   * Sends as much as the other side takes. False: it went or answered before it had all, and what it said can be read.
   * @throws ScanError
   */
  async send(parts: readonly Uint8Array[]): Promise<boolean> {
    // Short parts travel with the long ones behind them.
    this.#socket.cork();
    for (const part of parts) {
      for (let at = 0; at < part.length; at += sliceBytes) {
        if (this.#isOver()) return false;
        const hasRoom = this.#socket.write(part.subarray(at, at + sliceBytes));
        if (!hasRoom && !(await this.#drained())) return false;
      }
    }
    this.#socket.uncork();
    return !this.#isOver();
  }

  async #drained(): Promise<boolean> {
    this.#socket.uncork();
    while (this.#socket.writableLength > 0) {
      if (this.#isOver()) return false;
      await this.#change();
    }
    this.#socket.cork();
    return true;
  }

  /** Up to the byte, which is read and left out. @throws ScanError */
  async readUntil(byte: number): Promise<Buffer> {
    let at = this.#unread.indexOf(byte);
    while (at < 0) {
      await this.#more();
      at = this.#unread.indexOf(byte);
    }
    const found = this.#unread.subarray(0, at);
    this.#unread = this.#unread.subarray(at + 1);
    return found;
  }

  /** @throws ScanError */
  async readExactly(length: number): Promise<Buffer> {
    if (length > this.#limits.answerBytesMax)
      throw new ScanError('broken', `an answer of ${length} bytes`);
    while (this.#unread.length < length) await this.#more();
    const found = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    return found;
  }

  /** What came, and where nothing did the next that comes. @throws ScanError */
  async readSome(): Promise<Buffer> {
    while (this.#unread.length === 0) await this.#more();
    const found = this.#unread;
    this.#unread = Buffer.alloc(0);
    return found;
  }

  /** Whatever comes until the other side ends. @throws ScanError */
  async readToEnd(): Promise<Buffer> {
    while (!this.#isEnded || this.#fault !== undefined) await this.#more();
    return this.#unread;
  }

  /** It ended, or said something that nobody asked for: no question can be asked by it. */
  get isGone(): boolean {
    return this.#isEnded || this.#fault !== undefined || this.#unread.length > 0;
  }

  /** No question is open: it may stand without an end. */
  rest(): void {
    this.#timer?.cancel();
    this.#readBytes = 0;
  }

  /** The next question has its own end. */
  allowUntil(endMs: number, clock: Clock): void {
    this.#timer?.cancel();
    const over = () => this.#fail(new ScanError('timed-out', 'no answer in time'));
    this.#timer = clock.setTimer(Math.max(0, endMs - clock.monotonicMs()), over);
  }

  /** Ends at once, in both directions. */
  destroy(): void {
    this.#timer?.cancel();
    this.#socket.destroy();
  }

  /** Sends what was sent and ends in order; the other side is given `lingerMs` to end, too. */
  end(clock: Clock): void {
    this.#timer?.cancel();
    this.#timer = clock.setTimer(lingerMs, () => this.#socket.destroy());
    this.#socket.once('close', () => this.#timer?.cancel());
    this.#socket.end();
  }

  /** An early answer, an end or a fault: no reason to send more. */
  #isOver(): boolean {
    // What the line's own end did is thrown; what the other side did may have words, which are read first.
    if (this.#fault !== undefined && isOwn(this.#fault)) throw this.#fault;
    const isGone = this.#isEnded || this.#fault !== undefined;
    // A write that failed says so to the stream at once, and to its listeners later.
    return isGone || !this.#socket.writable || this.#unread.length > 0;
  }

  async #more(): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#isEnded) throw new ScanError('broken', 'it ended within its answer');
    await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #onData(bytes: Buffer): void {
    const { answerBytesMax, answersBytesMax } = this.#limits;
    this.#readBytes += bytes.length;
    const isOver =
      this.#unread.length + bytes.length > answerBytesMax + 4 || this.#readBytes > answersBytesMax;
    if (isOver) this.#fail(new ScanError('broken', 'an answer without end'));
    else {
      this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
      this.#wakeUp();
    }
  }

  #fail(fault: ScanError): void {
    this.#fault ??= fault;
    this.destroy();
    this.#wakeUp();
  }
}

const lingerMs = 1_000;

function isOwn({ fault, cause }: ScanError): boolean {
  return cause === undefined || fault === 'closed';
}
