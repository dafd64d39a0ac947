/**
 * Answers APPEND and REPLACE: finds the mailbox, puts the messages together, and has them journaled at once.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 9051 §6.3.12, RFC 3502 (all or nothing), RFC 4469 (CATENATE), RFC 8508 (REPLACE).
 * Limits:    those of `IncomingBodies`, `BodyTurns` and `joinedText`; between two parts a turn ends after `sliceMs`.
 * Invariant: a repeat is answered from what was journaled, whatever its texts and URLs have become. What is not
 *            appended leaves no file.
 */

import type { Answer, ArrivedAsk } from '../../actors/ask.ts';
import { largeBodyBytesMin } from '../../actors/asks/body-asks.ts';
import type {
  Appended,
  BadUrl,
  MessageGone,
  PackedAppend,
  PackedMessage,
  PackedPart,
  PackedUrl,
} from '../../actors/asks/imap-asks.ts';
import { failure, failureOf, MailError } from '../../base/errors.ts';
import type { MessageId } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AppendGroup, AppendOutcome, AppendTarget } from '../mailbox/append.ts';
import { made, ownerOf } from '../mailbox/imap/answering.ts';
import type { ImapDesk } from '../mailbox/imap/desk.ts';
import type { SeatedAsk, SeatedHandler } from '../mailbox/imap/guard.ts';
import { knownKeywords } from '../mailbox/imap/handlers.ts';
import { uidRangesOf } from '../mailbox/imap/messages.ts';
import { madeOf, placeOfSection } from '../mailbox/imap/sections.ts';
import { allowedFlags, targetOf } from '../mailbox/imap/shared-mailboxes.ts';
import { existing, type NumberedMailbox } from '../mailbox/mailbox-reader.ts';
import { rangesOf } from '../mailbox/rows/uid-ranges.ts';
import type { OpenShard } from '../shards.ts';
import type { SideBody } from '../store/record.ts';
import {
  joinedText,
  partMade,
  partOfBytes,
  partOfIncoming,
  partOfStored,
  type TextPart,
  type TextPlace,
} from './append-texts.ts';
import type { BodyTurns } from './body-turns.ts';
import { type IncomingBodies, unknownBody } from './incoming-bodies.ts';
import { type BodyStore, type IncomingBody, mailErrorOf } from './incoming-body.ts';

const sliceMs = 2;

type AppendShard = Pick<OpenShard, 'imap'> & {
  readonly store: Pick<OpenShard['store'], 'openBody' | 'dropBody' | 'hasRoom'> & BodyStore;
};

export interface AppendParts {
  readonly shardOf: (ask: ArrivedAsk) => AppendShard | undefined;
  readonly incoming: IncomingBodies;
  readonly whole: BodyTurns;
  readonly clock: Clock;
}

export function appendHandler(parts: AppendParts): SeatedHandler {
  return (ask) => {
    const shard = parts.shardOf(ask);
    if (shard === undefined) {
      return failure('not-possible-now', `shard ${ask.shard} is not open here`);
    }
    const work = new AppendWork(parts, shard, ask);
    // One small message is decided within the turn, and joins its parcel's group commit.
    return work.isPlain ? work.plain() : { pending: work.composed() };
  };
}

class AppendWork {
  readonly #parts: AppendParts;
  readonly #shard: AppendShard;
  readonly #desk: ImapDesk;
  readonly #ask: SeatedAsk;
  readonly #packed: PackedAppend;
  readonly #incoming = new Map<string, IncomingBody>();
  readonly #sealed: SideBody[] = [];
  readonly #holds: { release(): void }[] = [];
  #bodyAt = 0;
  /** Of messages that wait in memory for the last one. */
  #heldBytes = 0;
  #sliceEndMs = 0;

  constructor(parts: AppendParts, shard: AppendShard, ask: SeatedAsk) {
    this.#parts = parts;
    this.#shard = shard;
    this.#desk = ask.desk;
    this.#ask = ask;
    this.#packed = ask.meta as PackedAppend;
  }

  get isPlain(): boolean {
    const [, , , , messages, replaced] = this.#packed;
    const [, , , parts] = messages[0]!;
    const isOne = messages.length === 1 && parts.length === 1 && replaced === null;
    return isOne && typeof parts[0] === 'number' && parts[0] <= largeBodyBytesMin;
  }

  async plain(): Promise<Answer> {
    try {
      const target = await this.#target();
      const [, , internalMs] = this.#packed[4][0]!;
      const { keywords, ...allowed } = this.#allowed(this.#packed[4][0]!, target);
      const known = knownKeywords(keywords, target.row.keywords, false);
      const facts = { ...allowed, keywords: known, internalMs, bytes: this.#ask.body };
      const outcome = await this.#desk.mailboxes.append({ ...this.#named(target), ...facts });
      const all = outcome.ok ? { ...outcome, copies: [outcome] } : outcome;
      return answerOf(all, target);
    } catch (error) {
      return failureOf(error);
    }
  }

  async composed(): Promise<Answer> {
    try {
      this.#takeIncoming();
      const target = await this.#target();
      const named = this.#named(target);
      const { mailboxes } = this.#desk;
      const known = mailboxes.appendedBefore(named, this.#packed[4].length);
      if (known !== undefined) return answerOf(await known, target);
      const messages = await this.#messages(target);
      if ('badUrl' in messages) return { ok: true, value: messages };
      const replaced = await this.#replaced();
      if (replaced !== undefined && 'isGone' in replaced) return { ok: true, value: replaced };
      // A shard that moved meanwhile is written to by another thread.
      if (this.#parts.shardOf(this.#ask) !== this.#shard) {
        return failure('not-possible-now', 'the shard was closed meanwhile');
      }
      const group: AppendGroup = { ...named, messages };
      const all = replaced === undefined ? group : { ...group, replaced };
      const outcome = await mailboxes.appendAll(all);
      if (!outcome.ok && replaced !== undefined && !this.#isThere(replaced)) {
        return { ok: true, value: { isGone: true } };
      }
      return answerOf(outcome, target);
    } catch (error) {
      return failureOf(mailErrorOf(error));
    } finally {
      await this.#letGo();
    }
  }

  async #target(): Promise<NumberedMailbox> {
    const [owner, path] = this.#packed;
    await made(this.#desk, owner);
    return targetOf(this.#desk, owner[0], path);
  }

  #allowed([flags, keywords]: PackedMessage, { mailbox }: NumberedMailbox) {
    return allowedFlags(this.#desk, mailbox, flags, keywords);
  }

  #named({ mailbox }: NumberedMailbox): AppendTarget {
    const [owner, , id, , , , moved] = this.#packed;
    const target = { ...ownerOf(owner), mailbox, id: id as MessageId };
    if (moved === undefined) return target;
    const [account, from, uids] = moved;
    return { ...target, moved: { account, mailbox: from, uids } };
  }

  /** They are ours from here on, whatever comes of it. */
  #takeIncoming(): void {
    for (const [, , , parts] of this.#packed[4]) {
      for (const part of parts) {
        if (typeof part !== 'string') continue;
        const body = this.#parts.incoming.take(part, this.#ask.shard);
        if (body !== undefined) this.#incoming.set(part, body);
      }
    }
  }

  async #messages(target: NumberedMailbox): Promise<AppendGroup['messages'] | BadUrl> {
    const { row } = target;
    const [, , , , packed, replaced] = this.#packed;
    const named = this.#named(target);
    let bytes = 0;
    const allowed = packed.map((message) => this.#allowed(message, target));
    // Of all messages together: each would have room alone.
    const words = [...new Set(allowed.flatMap(({ keywords }) => keywords))];
    const kept = knownKeywords(words, row.keywords, false);
    const messages: AppendGroup['messages'][number][] = [];
    this.#sliceEndMs = this.#parts.clock.monotonicMs() + sliceMs;
    for (const [i, message] of packed.entries()) {
      const parts = await this.#partsOf(message);
      if ('badUrl' in parts) return parts;
      const [, , internalMs] = message;
      const { keywords, ...facts } = allowed[i]!;
      const known = keywords.map((keyword) => kept[words.indexOf(keyword)]!);
      bytes += parts.reduce((sum, part) => sum + part.bytes, 0);
      // By URLs a few octets make a message of any size: it is not written in vain.
      if (replaced === null) this.#desk.mailboxes.mustHaveRoom(named, bytes, i + 1);
      const text = await joinedText(this.#place(), parts);
      if (!('segment' in text.body)) this.#heldBytes += text.bytes;
      messages.push({ ...facts, keywords: known, internalMs, text });
      await this.#turn();
    }
    return messages;
  }

  /** Lets others run where this has run for a slice. */
  async #turn(): Promise<void> {
    const { clock } = this.#parts;
    if (clock.monotonicMs() < this.#sliceEndMs) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#sliceEndMs = clock.monotonicMs() + sliceMs;
  }

  #place(): TextPlace {
    const { whole } = this.#parts;
    const [[account], , , bytesMax] = this.#packed;
    const sealed = (body: SideBody) => void this.#sealed.push(body);
    const { store } = this.#shard;
    return { whole, store, account, bytesMax, heldBytes: this.#heldBytes, sealed };
  }

  async #partsOf([, , , packed]: PackedMessage): Promise<readonly TextPart[] | BadUrl> {
    const parts: TextPart[] = [];
    const [, , , bytesMax] = this.#packed;
    let bytes = 0;
    for (const one of packed) {
      const part = await this.#partOf(one);
      if ('badUrl' in part) return part;
      parts.push(part);
      bytes += part.bytes;
      if (bytes > bytesMax) throw new MailError('message-too-large', `over ${bytesMax} bytes`);
      await this.#turn();
    }
    return parts;
  }

  async #partOf(packed: PackedPart): Promise<TextPart | BadUrl> {
    if (typeof packed === 'number') {
      const from = this.#bodyAt;
      this.#bodyAt += packed;
      return partOfBytes(this.#ask.body.subarray(from, this.#bodyAt));
    }
    if (typeof packed !== 'string') {
      const [url] = packed;
      return (await this.#ofUrl(packed)) ?? { badUrl: url };
    }
    const body = this.#incoming.get(packed);
    if (body === undefined) throw new MailError(unknownBody.code, unknownBody.detail);
    return partOfIncoming(body);
  }

  /** Undefined: there is no such mailbox, message or section. */
  async #ofUrl([, path, uidValidity, uid, section]: PackedUrl): Promise<TextPart | undefined> {
    const { reader, tree, shard } = this.#desk;
    const [[account]] = this.#packed;
    const found = tree.find(account, path);
    if (found === undefined) return undefined;
    if (uidValidity !== 0 && uidValidity !== found.row.uidValidity) return undefined;
    const [message] = existing(shard, account, found.mailbox, [uid, uid]);
    const row = message === undefined ? undefined : reader.document(account, message.document);
    if (message === undefined || row === undefined) return undefined;
    // What was found stays readable though it is expunged meanwhile.
    this.#holds.push(shard.lease(row.place.segment));
    const parsed = await reader.parsed(account, message.document);
    const place = placeOfSection(parsed?.parts ?? [], row.size, section);
    if (place === undefined) return undefined;
    const part = partOfStored(shard, row.place, place.from, place.to);
    if (place.fields === undefined) return part;
    return await partMade(async () =>
      madeOf(await shard.read(row.place, place.from, part.bytes), place),
    );
  }

  async #replaced(): Promise<AppendGroup['replaced'] | MessageGone> {
    const [[account], , , , , replaced] = this.#packed;
    if (replaced === null) return undefined;
    const [[mailbox, modseq, uidNext], isUid, set] = replaced;
    const view = await this.#desk.views.view({ account, mailbox, modseq, uidNext });
    const [uid = 0] = uidRangesOf(view, set, isUid);
    return this.#isThere({ mailbox, uid }) ? { mailbox, uid } : { isGone: true };
  }

  #isThere({ mailbox, uid }: { readonly mailbox: number; readonly uid: number }): boolean {
    const [[account]] = this.#packed;
    return uid > 0 && !existing(this.#desk.shard, account, mailbox, [uid, uid]).next().done;
  }

  #dropSealed(): void {
    for (const body of this.#sealed.splice(0)) this.#shard.store.dropBody(body);
  }

  async #letGo(): Promise<void> {
    for (const hold of this.#holds) hold.release();
    this.#dropSealed();
    for (const body of this.#incoming.values()) await body.discard();
  }
}

function answerOf(outcome: AppendOutcome, { row }: NumberedMailbox): Answer {
  if (!outcome.ok) return outcome;
  const uids = rangesOf(outcome.copies.map(({ uid }) => uid));
  const value: Appended = { uidValidity: row.uidValidity, uids };
  return { ok: true, value };
}
