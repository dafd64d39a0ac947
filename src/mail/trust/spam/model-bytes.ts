/**
 * A model as bytes: what a file or a row holds.
 *
 * Runs in:   engine threads, jobs and the CLI; pure.
 * Layout:    magic, version, places used, counts, remembered messages; then place, z, n and how often it was seen
 *            in spam and in ham, of each used place; then
 *            SHA-256 of all before. Little-endian.
 * Limits:    `modelBytesMax`. Invariant: bytes that are not a whole model are refused, never half read.
 */

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { concat, view } from '../../../base/bytes.ts';
import { featuresMax, tableBits, tableSize } from './features.ts';
import { type Memory, rememberedMax, SpamModel } from './model.ts';

/** Another where features are gathered or hashed otherwise: an old model would then say nonsense. */
const modelVersion = 3;
const magic = 0x4d505343;
const headBytes = 24;
const placeBytes = 20;
const digestBytes = 32;
const memoryBytesMax = rememberedMax * (2 + 4 * featuresMax);
export const modelBytesMax = headBytes + tableSize * placeBytes + 2 * memoryBytesMax + digestBytes;

export type ModelDamage = 'not-a-model' | 'other-version' | 'damaged';

/** Bytes that hold no model, and why. */
export class ModelFault extends Error {
  readonly damage: ModelDamage;

  constructor(damage: ModelDamage) {
    super(`the model cannot be read: ${damage}`);
    this.name = 'ModelFault';
    this.damage = damage;
  }
}

export function writeModel({ z, n, inSpam, inHam, ham, spam }: SpamModel): Uint8Array {
  const used: number[] = [];
  for (let place = 0; place < tableSize; place++) {
    if (z[place] !== 0 || n[place] !== 0 || inSpam[place]! + inHam[place]! > 0) used.push(place);
  }
  const head = Buffer.alloc(headBytes);
  const words = [magic, modelVersion * 256 + tableBits, used.length, ham.count, spam.count];
  words.forEach((word, i) => {
    head.writeUInt32LE(Math.min(word, 0xffffffff), i * 4);
  });
  head.writeUInt16LE(ham.messages.length, 20);
  head.writeUInt16LE(spam.messages.length, 22);
  const table = Buffer.alloc(used.length * placeBytes);
  used.forEach((place, i) => {
    table.writeUInt32LE(place, i * placeBytes);
    table.writeFloatLE(z[place]!, i * placeBytes + 4);
    table.writeFloatLE(n[place]!, i * placeBytes + 8);
    table.writeFloatLE(inSpam[place]!, i * placeBytes + 12);
    table.writeFloatLE(inHam[place]!, i * placeBytes + 16);
  });
  const memories = [...ham.messages, ...spam.messages].map((places) => {
    const bytes = Buffer.alloc(2 + places.length * 4);
    bytes.writeUInt16LE(places.length, 0);
    places.forEach((place, i) => {
      bytes.writeUInt32LE(place, 2 + i * 4);
    });
    return bytes;
  });
  const whole = concat([head, table, ...memories]);
  return concat([whole, createHash('sha256').update(whole).digest()]);
}

/** @throws ModelFault */
export function readModel(bytes: Uint8Array): SpamModel {
  const all = view(bytes);
  if (all.length < 8 || all.readUInt32LE(0) !== magic) throw new ModelFault('not-a-model');
  if (all.readUInt32LE(4) !== modelVersion * 256 + tableBits) throw new ModelFault('other-version');
  const end = all.length - digestBytes;
  if (end < headBytes || all.length > modelBytesMax) throw new ModelFault('damaged');
  const digest = createHash('sha256').update(all.subarray(0, end)).digest();
  if (!digest.equals(all.subarray(end))) throw new ModelFault('damaged');
  const model = new SpamModel();
  const used = all.readUInt32LE(8);
  if (used > tableSize || headBytes + used * placeBytes > end) throw new ModelFault('damaged');
  let at = headBytes;
  for (let i = 0; i < used; i++, at += placeBytes) {
    const place = all.readUInt32LE(at);
    const [z, n] = [all.readFloatLE(at + 4), all.readFloatLE(at + 8)];
    const [inSpam, inHam] = [all.readFloatLE(at + 12), all.readFloatLE(at + 16)];
    const areCounts = inSpam >= 0 && inHam >= 0 && Number.isFinite(inSpam + inHam);
    if (place >= tableSize || !Number.isFinite(z) || !(n >= 0) || !areCounts) {
      throw new ModelFault('damaged');
    }
    model.z[place] = z;
    model.n[place] = n;
    model.inSpam[place] = inSpam;
    model.inHam[place] = inHam;
  }
  model.ham.count = all.readUInt32LE(12);
  model.spam.count = all.readUInt32LE(16);
  at = readMemory(all, at, end, model.ham, all.readUInt16LE(20));
  at = readMemory(all, at, end, model.spam, all.readUInt16LE(22));
  if (at !== end) throw new ModelFault('damaged');
  return model;
}

function readMemory(all: Buffer, from: number, end: number, memory: Memory, most: number): number {
  if (most > rememberedMax || most > memory.count) throw new ModelFault('damaged');
  let at = from;
  for (let i = 0; i < most; i++) {
    const length = at + 2 <= end ? all.readUInt16LE(at) : featuresMax + 1;
    if (length > featuresMax || at + 2 + length * 4 > end) throw new ModelFault('damaged');
    const places = new Uint32Array(length);
    for (let j = 0; j < length; j++) {
      const place = all.readUInt32LE(at + 2 + j * 4);
      if (place >= tableSize) throw new ModelFault('damaged');
      places[j] = place;
    }
    memory.messages.push(places);
    at += 2 + length * 4;
  }
  return at;
}
