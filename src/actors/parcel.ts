/**
 * The wire form of many asks, and of their answers: one buffer each, transferred and never cloned.
 *
 * Runs in:   both sides; pure.
 * Limits:    `parcelCountMax` asks; 4 GB of bytes.
 * Invariant: unpacking is total: it returns what was packed or throws `ParcelError`, never anything else.
 *
 * Layout, in the machine's byte order (both ends are one process):
 *   u32 × 8   magic, count, number, bytes of metas, bytes of bodies, 0, 0, 0
 *   f64 × n   deadlines (asks only)
 *   u32 × 3n  shard, bytes of body, flags (asks) | status, bytes of body (answers: u32 × 2n)
 *   metas     one msgpack array, flat
 *   bodies    back to back
 */

import { Buffer } from 'node:buffer';
import { Packr } from 'msgpackr';
import { byteLength, emptyBytes } from '../base/bytes.ts';
import { type ErrorCode, errorCodes, type Failure } from '../base/errors.ts';
import type { ShardId } from '../base/ids.ts';
import type { Answer, ArrivedAsk, Ask } from './ask.ts';

/** "CHA" and a version: another build's parcel is refused, not guessed at. */
const asksMagic = 0x4148_4301;
const answersMagic = 0x4148_4381;
const headWords = 8;
const headBytes = headWords * 4;
/** Flat values an ask puts into the msgpack array. */
const metasPerAsk = 4;
const isLong = 1;
const isSystem = 2;

const parcelCountMax = 65_536;
const noPieces: readonly Uint8Array[] = [];

const statusPlain = 0;
const statusTrue = 1;
const statusValue = 2;
const statusFailure = 3;
const statusPending = 4;

/** An answer that comes later, by the thread's port. */
export const pendingAnswer = { ok: false, pending: true } as const;
export type PackedAnswer = Answer | typeof pendingAnswer;

/** The commonest answers, shared: they are frozen, so nobody can change another's. */
const okAnswer: Answer = Object.freeze({ ok: true, value: undefined });
const trueAnswer: Answer = Object.freeze({ ok: true, value: true });

const codeNumbers = new Map<ErrorCode, number>(errorCodes.map((code, number) => [code, number]));
const packr = new Packr({ useRecords: false, moreTypes: false });

export class ParcelError extends Error {
  override readonly name = 'ParcelError';
}

export interface ArrivedParcel {
  readonly number: number;
  readonly asks: readonly ArrivedAsk[];
}

export interface ArrivedAnswers {
  readonly number: number;
  readonly answers: readonly PackedAnswer[];
}

/** Copies the asks' bytes once; the buffer is the caller's and may be transferred. */
export function packAsks(number: number, asks: readonly Ask[]): ArrayBuffer {
  const count = asks.length;
  const flat: unknown[] = new Array(count * metasPerAsk);
  let bodyBytes = 0;
  for (let i = 0, at = 0; i < count; i++) {
    const ask = asks[i]!;
    flat[at++] = ask.name;
    flat[at++] = ask.actor;
    flat[at++] = ask.key;
    flat[at++] = ask.meta;
    bodyBytes += byteLength(ask.body);
  }
  const metas = packr.pack(flat);
  const deadlinesAt = headBytes;
  const columnsAt = deadlinesAt + count * 8;
  const metasAt = columnsAt + count * 12;
  const bytes = Buffer.allocUnsafeSlow(metasAt + metas.byteLength + bodyBytes);
  const buffer = bytes.buffer as ArrayBuffer;
  writeHead(buffer, asksMagic, count, number, metas.byteLength, bodyBytes);
  const deadlines = new Float64Array(buffer, deadlinesAt, count);
  const columns = new Uint32Array(buffer, columnsAt, count * 3);
  bytes.set(metas, metasAt);
  let bodyAt = metasAt + metas.byteLength;
  for (let i = 0, at = 0; i < count; i++) {
    const ask = asks[i]!;
    const start = bodyAt;
    for (const part of ask.body) {
      bytes.set(part, bodyAt);
      bodyAt += part.byteLength;
    }
    deadlines[i] = ask.deadlineMs;
    columns[at++] = ask.shard;
    columns[at++] = bodyAt - start;
    columns[at++] = (ask.class === 'long' ? isLong : 0) | (ask.lane === 'system' ? isSystem : 0);
  }
  return buffer;
}

/** Bodies are pieces of `buffer`: what keeps one keeps all. @throws ParcelError */
export function unpackAsks(buffer: ArrayBuffer): ArrivedParcel {
  const head = readHead(buffer, asksMagic, 20);
  const { count } = head;
  const deadlines = new Float64Array(buffer, headBytes, count);
  const columns = new Uint32Array(buffer, headBytes + count * 8, count * 3);
  const metasAt = headBytes + count * 20;
  const flat = readMetas(buffer, metasAt, head.metasBytes, count * metasPerAsk);
  const asks: ArrivedAsk[] = new Array(count);
  let bodyAt = metasAt + head.metasBytes;
  for (let i = 0; i < count; i++) {
    const name = flat[i * metasPerAsk];
    const actor = flat[i * metasPerAsk + 1];
    const key = flat[i * metasPerAsk + 2];
    if (typeof name !== 'string' || typeof actor !== 'string' || typeof key !== 'string') {
      throw new ParcelError(`ask ${i} has no name, actor or key`);
    }
    const length = columns[i * 3 + 1]!;
    const flags = columns[i * 3 + 2]!;
    checkRoom(bodyAt, length, buffer.byteLength, i);
    asks[i] = {
      shard: columns[i * 3] as ShardId,
      actor,
      name,
      key,
      class: (flags & isLong) === 0 ? 'short' : 'long',
      lane: (flags & isSystem) === 0 ? 'normal' : 'system',
      deadlineMs: deadlines[i]!,
      meta: flat[i * metasPerAsk + 3],
      body: length === 0 ? emptyBytes : Buffer.from(buffer, bodyAt, length),
    };
    bodyAt += length;
  }
  checkEnd(bodyAt, buffer.byteLength);
  return { number: head.number, asks };
}

/** One word an answer when it says only "ok", `true` or "pending"; the rest goes into one msgpack array. */
export function packAnswers(number: number, answers: readonly PackedAnswer[]): ArrayBuffer {
  const count = answers.length;
  const statuses = new Uint32Array(count * 2);
  const values: unknown[] = [];
  let bodyBytes = 0;
  for (let i = 0; i < count; i++) {
    const answer = answers[i]!;
    statuses[i * 2] = statusOf(answer, values);
    if (answer.ok && answer.body !== undefined) {
      const bytes = answer.body.byteLength + byteLength(answer.rest ?? noPieces);
      statuses[i * 2 + 1] = bytes + 1;
      bodyBytes += bytes;
    }
  }
  const metas = values.length === 0 ? emptyBytes : packr.pack(values);
  const metasAt = headBytes + count * 8;
  const bytes = Buffer.allocUnsafeSlow(metasAt + metas.byteLength + bodyBytes);
  const buffer = bytes.buffer as ArrayBuffer;
  writeHead(buffer, answersMagic, count, number, metas.byteLength, bodyBytes);
  new Uint32Array(buffer, headBytes, count * 2).set(statuses);
  bytes.set(metas, metasAt);
  if (bodyBytes > 0) {
    let bodyAt = metasAt + metas.byteLength;
    for (const answer of answers) {
      if (!answer.ok || answer.body === undefined) continue;
      bytes.set(answer.body, bodyAt);
      bodyAt += answer.body.byteLength;
      for (const piece of answer.rest ?? noPieces) {
        bytes.set(piece, bodyAt);
        bodyAt += piece.byteLength;
      }
    }
  }
  return buffer;
}

/** @throws ParcelError */
export function unpackAnswers(buffer: ArrayBuffer): ArrivedAnswers {
  const head = readHead(buffer, answersMagic, 8);
  const { count } = head;
  const columns = new Uint32Array(buffer, headBytes, count * 2);
  const metasAt = headBytes + count * 8;
  let valuesCount = 0;
  for (let i = 0; i < count; i++) {
    const status = columns[i * 2]!;
    if (status === statusValue) valuesCount++;
    else if (status === statusFailure) valuesCount += 2;
    else if (status > statusPending) throw new ParcelError(`answer ${i} has status ${status}`);
  }
  const values = readMetas(buffer, metasAt, head.metasBytes, valuesCount);
  const answers: PackedAnswer[] = new Array(count);
  let valueAt = 0;
  let bodyAt = metasAt + head.metasBytes;
  for (let i = 0; i < count; i++) {
    const status = columns[i * 2]!;
    const bodyWord = columns[i * 2 + 1]!;
    if (status === statusPending) answers[i] = pendingAnswer;
    else if (status === statusFailure) {
      answers[i] = readFailure(values[valueAt], values[valueAt + 1], i);
      valueAt += 2;
    } else if (bodyWord === 0) {
      answers[i] =
        status === statusPlain
          ? okAnswer
          : status === statusTrue
            ? trueAnswer
            : { ok: true, value: values[valueAt++] };
    } else {
      checkRoom(bodyAt, bodyWord - 1, buffer.byteLength, i);
      const value = status === statusPlain ? undefined : status === statusTrue || values[valueAt++];
      answers[i] = { ok: true, value, body: Buffer.from(buffer, bodyAt, bodyWord - 1) };
      bodyAt += bodyWord - 1;
    }
  }
  checkEnd(bodyAt, buffer.byteLength);
  return { number: head.number, answers };
}

function statusOf(answer: PackedAnswer, values: unknown[]): number {
  if (answer.ok) {
    if (answer.value === undefined) return statusPlain;
    if (answer.value === true) return statusTrue;
    values.push(answer.value);
    return statusValue;
  }
  if ('pending' in answer) return statusPending;
  values.push(codeNumbers.get(answer.code) ?? answer.code, answer.detail);
  return statusFailure;
}

function readFailure(code: unknown, detail: unknown, index: number): Failure {
  const name = typeof code === 'number' ? errorCodes[code] : undefined;
  if (name === undefined || typeof detail !== 'string') {
    throw new ParcelError(`answer ${index} fails with an unknown code`);
  }
  return { ok: false, code: name, detail };
}

function writeHead(
  buffer: ArrayBuffer,
  magic: number,
  count: number,
  number: number,
  metasBytes: number,
  bodyBytes: number,
): void {
  const words = new Uint32Array(buffer, 0, headWords);
  words[0] = magic;
  words[1] = count;
  words[2] = number;
  words[3] = metasBytes;
  words[4] = bodyBytes;
  words[5] = 0;
  words[6] = 0;
  words[7] = 0;
}

interface Head {
  readonly count: number;
  readonly number: number;
  readonly metasBytes: number;
}

function readHead(buffer: ArrayBuffer, magic: number, bytesEach: number): Head {
  if (buffer.byteLength < headBytes) throw new ParcelError('shorter than its head');
  const words = new Uint32Array(buffer, 0, headWords);
  if (words[0] !== magic) throw new ParcelError(`magic is ${words[0]!.toString(16)}`);
  const count = words[1]!;
  const metasBytes = words[3]!;
  if (count > parcelCountMax) throw new ParcelError(`${count} entries`);
  if (headBytes + count * bytesEach + metasBytes + words[4]! !== buffer.byteLength) {
    throw new ParcelError(`lengths do not add up to ${buffer.byteLength}`);
  }
  return { count, number: words[2]!, metasBytes };
}

function readMetas(buffer: ArrayBuffer, at: number, bytes: number, count: number): unknown[] {
  if (bytes === 0 && count === 0) return [];
  let metas: unknown;
  try {
    metas = packr.unpack(Buffer.from(buffer, at, bytes));
  } catch (error) {
    throw new ParcelError('metas are not msgpack', { cause: error });
  }
  if (!Array.isArray(metas) || metas.length !== count) {
    throw new ParcelError(`metas are not ${count} values`);
  }
  return metas;
}

function checkRoom(at: number, length: number, end: number, index: number): void {
  if (at + length > end) throw new ParcelError(`body ${index} runs past the end`);
}

function checkEnd(at: number, end: number): void {
  if (at !== end) throw new ParcelError(`${end - at} bytes belong to nobody`);
}
