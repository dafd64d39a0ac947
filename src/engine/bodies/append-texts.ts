/**
 * Puts the text of a message together from what a client sent and what it names: small ones in memory, others in a
 * file of their shard.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 4469 §3 (CATENATE).
 * Limits:    a message is in memory whole only while its summary is made, as `BodyTurns` allows; small ones up to
 *            `memoryBytesMax` a command, what is more goes to files as large ones do.
 * Invariant: what is sealed here is on disk, file and name.
 */

import { createHash } from 'node:crypto';
import { chunkBytes, largeBodyBytesMin } from '../../actors/asks/body-asks.ts';
import { concat } from '../../base/bytes.ts';
import { MailError } from '../../base/errors.ts';
import { mebibyte } from '../../base/units.ts';
import { summarise } from '../../mail/formats/mime/summary.ts';
import { type AppendText, textOf } from '../mailbox/append.ts';
import type { RecordPlace, SideBody } from '../store/record.ts';
import type { BodyTurns } from './body-turns.ts';
import type { BodyStore, IncomingBody } from './incoming-body.ts';

/** As much as may come with a command. */
const memoryBytesMax = 16 * mebibyte;

export interface TextPart {
  readonly bytes: number;
  slices(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** The part is a file already, which may become the message. */
  readonly incoming?: IncomingBody;
}

export function partOfBytes(bytes: Uint8Array): TextPart {
  return { bytes: bytes.byteLength, slices: () => slicesOf(bytes) };
}

function* slicesOf(bytes: Uint8Array): Generator<Uint8Array, void> {
  if (bytes.byteLength <= largeBodyBytesMin) return yield bytes;
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) {
    yield bytes.subarray(at, at + chunkBytes);
  }
}

/** All that came of it is written. @throws MailError */
export async function partOfIncoming(incoming: IncomingBody): Promise<TextPart> {
  const failed = await incoming.opened();
  if (failed !== undefined) throw new MailError(failed.code, failed.detail);
  return {
    bytes: incoming.head.byteLength + (await incoming.restBytes()),
    async *slices() {
      yield incoming.head;
      yield* incoming.rest();
    },
    incoming,
  };
}

/** Of a stored message, whose segment the caller holds. */
export function partOfStored(
  shard: { read(place: RecordPlace, from: number, length: number): Promise<Uint8Array> },
  place: RecordPlace,
  from: number,
  to: number,
): TextPart {
  return {
    bytes: to - from,
    async *slices() {
      for (let at = from; at < to; at += chunkBytes) {
        yield await shard.read(place, at, Math.min(chunkBytes, to - at));
      }
    },
  };
}

/** Made anew where it is used: many such parts are never in memory together. */
export async function partMade(make: () => Promise<Uint8Array>): Promise<TextPart> {
  const { byteLength } = await make();
  return {
    bytes: byteLength,
    async *slices() {
      yield await make();
    },
  };
}

export interface TextPlace {
  readonly whole: BodyTurns;
  readonly store: BodyStore & { hasRoom(): boolean };
  /** Whose mailbox it goes to. */
  readonly account: number;
  readonly bytesMax: number;
  /** Of the command's messages before this one. */
  readonly heldBytes: number;
  /** Hears of each file that was sealed: it is let go where no append is told of it. */
  readonly sealed: (body: SideBody) => void;
}

/** @throws MailError `message-invalid`: it is empty; `message-too-large`; `disk-full`; DiskError */
export async function joinedText(
  place: TextPlace,
  parts: readonly TextPart[],
): Promise<AppendText> {
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  if (bytes === 0) throw new MailError('message-invalid', 'empty');
  if (bytes > place.bytesMax) throw new MailError('message-too-large', `${bytes} bytes`);
  const [first] = parts;
  const incoming = parts.length === 1 ? first!.incoming : undefined;
  const isHeld = bytes <= largeBodyBytesMin && place.heldBytes + bytes <= memoryBytesMax;
  if (incoming === undefined && isHeld) return textOf(await inMemory(parts));
  // Copies of stored messages come from no socket: nobody else looks whether they still fit.
  if (!place.store.hasRoom()) throw new MailError('disk-full', 'below data.diskFreeBytesMin');
  return place.whole.with(bytes, () => inFile(place, parts, bytes, incoming));
}

async function inMemory(parts: readonly TextPart[]): Promise<Uint8Array> {
  const slices: Uint8Array[] = [];
  for (const part of parts) for await (const slice of part.slices()) slices.push(slice);
  return slices.length === 1 ? slices[0]! : concat(slices);
}

async function inFile(
  { store, sealed, account }: TextPlace,
  parts: readonly TextPart[],
  bytes: number,
  arrived: IncomingBody | undefined,
): Promise<AppendText> {
  // What came in is sealed by the key of mail under way, which stays when the account's own is destroyed.
  const incoming = store.vault?.isEncrypted(account) === true ? undefined : arrived;
  const hash = createHash('sha256');
  const whole = Buffer.allocUnsafeSlow(bytes);
  const writer = incoming === undefined ? await store.openBody(0, account) : undefined;
  try {
    let at = 0;
    for (const part of parts) {
      for await (const slice of part.slices()) {
        hash.update(slice);
        whole.set(slice, at);
        at += slice.byteLength;
        await writer?.append(slice);
      }
    }
    const summary = summarise(whole);
    const body = await (writer === undefined ? incoming!.seal([incoming!.head]) : writer.seal([]));
    sealed(body);
    return { bytes, hash: hash.digest(), summary, body };
  } finally {
    await writer?.discard();
  }
}
