/**
 * Large messages as their accounts' scripts want them: scripts see the beginning, and each text they ask for is a file
 * of its own, written before the delivery's record.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 5228 §2.10, RFC 5293 (edits: the header alone is written anew).
 * Limits:    scripts see `headBytesMax` of a message, in which its whole header is; its size they know. A text is in
 *            memory whole only while its summary is made, as `BodyTurns` allows.
 * Invariant: what is written and not delivered is let go by the caller.
 */

import { isAscii } from 'node:buffer';
import { createHash } from 'node:crypto';
import { concat } from '../../base/bytes.ts';
import { mebibyte } from '../../base/units.ts';
import { summarise } from '../../mail/formats/mime/summary.ts';
import { type EditedHeader, editedHeader } from '../../mail/sieve/message/edited.ts';
import type { Script } from '../../mail/sieve/run/machine.ts';
import type {
  Delivery,
  DeliveryTarget,
  FiledMessage,
  WrittenRedirect,
  WrittenText,
} from '../mailbox/delivery.ts';
import { shifted } from '../mailbox/delivery.ts';
import { hostFacts } from '../mailbox/sieve/filtered.ts';
import { type AccountFilters, keptInstead } from '../mailbox/sieve/filters.ts';
import { deliveredTo } from '../mailbox/sieve/outgoing.ts';
import type { Wanted } from '../mailbox/sieve/wanted.ts';
import { deliveryFields } from '../mailbox/trace-fields.ts';
import type { OpenShard } from '../shards.ts';
import type { SideBody } from '../store/record.ts';
import { transitAccount } from '../store/vault/vault.ts';
import type { BodyTurns } from './body-turns.ts';
import type { LargeText } from './large-delivery.ts';

const headBytesMax = mebibyte;

export interface LargeFiling {
  readonly whole: BodyTurns;
  readonly store: OpenShard['store'];
  readonly filters: AccountFilters;
  readonly delivery: Delivery;
  readonly text: LargeText;
  readonly nowMs: number;
  /** Told of each file that was written. */
  readonly written: (body: SideBody) => void;
}

export async function wantedOfLarge(
  { text, filters, delivery, nowMs }: LargeFiling,
  target: DeliveryTarget,
  scripts: readonly Script[],
): Promise<Pick<FiledMessage, 'head' | 'wanted'>> {
  const head = await beginningOf(text);
  const facts = hostFacts(delivery, target, nowMs);
  return { head, wanted: filters.run(scripts, facts, head, text.bytes) };
}

/** @throws MailError when a file cannot be written */
export async function fileLarge(
  filing: LargeFiling,
  target: DeliveryTarget,
  head: Uint8Array,
  wanted: Wanted,
): Promise<FiledMessage> {
  const { delivery } = filing;
  const texts: WrittenText[] = [];
  const redirects: WrittenRedirect[] = [];
  if (wanted.refusal !== undefined) return { wanted, head, texts, redirects };
  const fields = deliveryFields(delivery.sender, target.recipient);
  // Where what is to go on cannot, it is kept after all: its text is there then.
  const own = wanted.redirects.length > 0 ? keptInstead(wanted) : wanted;
  for (const { edits } of own.copies) {
    texts.push(await writeText(filing, target.account, fields, editedHeader(head, edits)));
  }
  for (const { edits } of wanted.redirects) {
    const edited = editedHeader(head, edits);
    const front = [deliveredTo(target.recipient), ...edited.fields];
    let isSevenBit = front.every((part) => isAscii(part));
    const look = (slice: Uint8Array) => {
      isSevenBit &&= isAscii(slice);
    };
    const body = await writeBody(filing, transitAccount, front, edited.restStart, look);
    redirects.push({ body, isSevenBit });
  }
  return { wanted, head, texts, redirects };
}

async function writeText(
  filing: LargeFiling,
  account: number,
  fields: Uint8Array,
  edited: EditedHeader,
): Promise<WrittenText> {
  const { whole, text } = filing;
  const front = [fields, ...edited.fields];
  const hash = createHash('sha256');
  for (const part of front) hash.update(part);
  const look = (slice: Uint8Array) => void hash.update(slice);
  const body = await writeBody(filing, account, front, edited.restStart, look);
  const bytes = body.bodyBytes;
  const summary = await whole.with(text.bytes, async () => {
    const parts: Uint8Array[] = [...edited.fields];
    for await (const slice of slicesFrom(text, edited.restStart)) parts.push(slice);
    return summarise(concat(parts));
  });
  const parts = shifted(summary.parts, fields.byteLength);
  return { bytes, summary: { ...summary, parts }, hash: hash.digest(), body };
}

async function writeBody(
  { store, text, written }: LargeFiling,
  account: number,
  front: readonly Uint8Array[],
  restStart: number,
  look: (slice: Uint8Array) => void,
): Promise<SideBody> {
  const frontBytes = front.reduce((sum, part) => sum + part.byteLength, 0);
  const writer = await store.openBody(frontBytes, account);
  try {
    for await (const slice of slicesFrom(text, restStart)) {
      look(slice);
      await writer.append(slice);
    }
    const body = await writer.seal(front);
    written(body);
    return body;
  } finally {
    await writer.discard();
  }
}

async function beginningOf(text: LargeText): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const slice of text.slices()) {
    const part = slice.subarray(0, headBytesMax - bytes);
    // The slice may be written over by the next.
    parts.push(Buffer.from(part));
    bytes += part.byteLength;
    if (bytes === headBytesMax) break;
  }
  return concat(parts);
}

async function* slicesFrom(text: LargeText, start: number): AsyncIterable<Uint8Array> {
  let left = start;
  for await (const slice of text.slices()) {
    if (left < slice.byteLength) yield slice.subarray(left);
    left = Math.max(0, left - slice.byteLength);
  }
}
