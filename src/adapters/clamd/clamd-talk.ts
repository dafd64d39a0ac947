/**
 * Asks ClamAV's daemon whether a message carries a virus.
 *
 * Runs in:   engine threads.
 * Specs:     clamd(8): `zINSTREAM`, `zPING`, `zVERSION`.
 * Limits:    one connection a message; chunks of `chunkBytes`; an answer of `answerBytesMax`.
 * Invariant: only `stream: OK` is clean, and only words that end with `FOUND` are a find.
 */

import { Buffer } from 'node:buffer';
import { byteLength } from '../../base/bytes.ts';
import { mebibyte } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ScanSubject } from '../../ports/content-scanner.ts';
import type { ScanPlace } from '../../settings/scanners.ts';
import type { ScanTalk, ScanTime } from '../scanning/guarded-scanner.ts';
import { ScanError, scanErrorOf } from '../scanning/scan-error.ts';
import { ScanLine } from '../scanning/scan-line.ts';
import { plainText } from '../scanning/words.ts';

const chunkBytes = 131_072;
/** Nobody sets a StreamMaxLength below it: whoever hangs up on a smaller message is no well clamd. */
const largeBytesMin = mebibyte;
const answerBytesMax = 4_096;

export class ClamdTalk implements ScanTalk {
  readonly #place: ScanPlace;
  readonly #clock: Clock;

  constructor(place: ScanPlace, clock: Clock) {
    this.#place = place;
    this.#clock = clock;
  }

  async scan({ message }: ScanSubject, time: ScanTime) {
    const said = await this.#ask('zINSTREAM\0', chunksOf(message), time);
    const found = /^stream: (.*)FOUND$/.exec(said);
    if (found !== null) {
      const name = plainText(found[1]!) || 'unnamed';
      return { kind: 'infected', names: [name] } as const;
    }
    if (said === 'stream: OK') return { kind: 'clean' } as const;
    // clamd.conf(5), StreamMaxLength: it reads no further, and says nothing of what it read.
    if (said.startsWith('INSTREAM size limit exceeded'))
      throw new ScanError('too-large', 'over its StreamMaxLength');
    const fault = said.endsWith('ERROR') ? 'unable' : 'broken';
    throw new ScanError(fault, `it said: ${plainText(said)}`);
  }

  async check(time: ScanTime): Promise<string> {
    const pong = await this.#ask('zPING\0', [], time);
    if (pong !== 'PONG') throw new ScanError('broken', `it said: ${plainText(pong)}`);
    return await this.#ask('zVERSION\0', [], time);
  }

  async close(): Promise<void> {}

  async #ask(command: string, chunks: readonly Uint8Array[], time: ScanTime): Promise<string> {
    const limits = { answerBytesMax, answersBytesMax: answerBytesMax };
    const line = await ScanLine.open(this.#place, time, this.#clock, limits);
    try {
      const isSent = await line.send([Buffer.from(command, 'latin1'), ...chunks]);
      const isLarge = byteLength(chunks) >= largeBytesMin;
      if (!isSent && isLarge) return await lastWords(line);
      return (await line.readUntil(0)).toString('latin1');
    } finally {
      line.destroy();
    }
  }
}

/**
 * It stopped listening before it had all of a large message. Over its StreamMaxLength it says why and hangs up, and
 * what it said may be lost on the way with what it did not read. Were that its fault, a few large messages would open
 * the circuit for all.
 */
async function lastWords(line: ScanLine): Promise<string> {
  try {
    return (await line.readUntil(0)).toString('latin1');
  } catch (error) {
    const { fault } = scanErrorOf(error);
    if (fault !== 'broken') throw error;
    throw new ScanError('too-large', 'it hung up before it had all', { cause: error });
  }
}

/** Each chunk under its length in four bytes, and a last one of nothing. */
function chunksOf(message: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += chunkBytes) {
    const chunk = message.subarray(at, at + chunkBytes);
    chunks.push(lengthOf(chunk.length), chunk);
  }
  chunks.push(lengthOf(0));
  return chunks;
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}
