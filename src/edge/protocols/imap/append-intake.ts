/**
 * APPEND and REPLACE: where messages go is known before their first octet comes, and then they are gathered, or
 * handed to the account's shard as they come.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §6.3.12; RFC 3502 (MULTIAPPEND); RFC 4469 (CATENATE); RFC 8508 (REPLACE); RFC 6855 §4; RFC 7889.
 * Limits:    `messageBytesMax` a message; `messagesMax`, `inlineBytesMax` and `streamsMax` a command, `allStreamsMax`
 *            a listener; the room of what is received and not yet journaled.
 * Invariant: room that was reserved is given back once, by the answer or when the session ends; texts that are not
 *            appended are let go of at their shard.
 */

import { chunkBytes, largeBodyBytesMin } from '../../../actors/asks/body-asks.ts';
import {
  type Appended,
  type BadUrl,
  imapAsks,
  type MessageGone,
  type PackedAppend,
  type PackedMessage,
  type PackedPart,
} from '../../../actors/asks/imap-asks.ts';
import type { ErrorCode, Failure } from '../../../base/errors.ts';
import { mebibyte } from '../../../base/units.ts';
import type { Cursor } from '../../../mail/wire/imap/cursor.ts';
import {
  type AppendEvent,
  type AppendState,
  type AppendStep,
  parseAppend,
  toBeGathered,
} from '../../../mail/wire/imap/parse-append.ts';
import { untagged, writeAppendUid } from '../../../mail/wire/imap/response-status.ts';
import type { SequenceSet } from '../../../mail/wire/imap/sequence-set.ts';
import type { ShardBodyStream } from '../../body-stream.ts';
import { ownerOf } from './account-asks.ts';
import {
  answerOf,
  bad,
  type CommandEnd,
  faultAnswer,
  needsUids,
  no,
  noTarget,
  ok,
  type Tagged,
} from './answers.ts';
import type { CommandSession } from './command.ts';
import { limitCode, savedMaxOf } from './commands/message-limit.ts';
import { setOf } from './commands/sets.ts';
import { keywordFault, keywordsTooMany } from './keywords.ts';
import { isOthers, type MailboxPlace, placeOf } from './places.ts';
import { viewOf } from './selected.ts';
import { badUrl, packUrl } from './urls.ts';

/** What one parcel of the shard may journal at once. */
export const messagesMax = 500;
/** Texts that travel with the command; what is more goes to files of its own. */
const inlineBytesMax = 16 * mebibyte;
const streamsMax = 16;
/** Of all sessions of a listener: large messages by SMTP need theirs as well. */
const allStreamsMax = 24;
/** What a stream holds here: a chunk under way, one that fills, what the socket brought last. */
const streamRoomBytes = 3 * chunkBytes;

/** Commands that begin before their messages came. */
const commands: ReadonlyMap<string, AppendState> = new Map([
  ['APPEND', 'append'],
  ['REPLACE', 'replace'],
  ['UID REPLACE', 'replace'],
]);

interface Message {
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly internalMs: number;
  readonly isCatenated: boolean;
  readonly parts: PackedPart[];
  /** Announced; what URLs name is not counted. */
  bytes: number;
}

export class AppendIntake {
  readonly tag: string;
  readonly name: string;
  readonly #session: CommandSession;
  #state: AppendState;
  #mailbox = '';
  #replaced: SequenceSet | undefined;
  readonly #messages: Message[] = [];
  readonly #inline: Buffer[] = [];
  #inlineBytes = 0;
  #streams: ShardBodyStream[] = [];
  /** Where the octets of the literal under way go; undefined: inline. */
  #stream: ShardBodyStream | undefined;
  #literalBytesLeft = 0;
  #reservedBytes = 0;
  /** Of the listener's. */
  #streamCount = 0;
  /** Of what is shown: octets that were parsed, and what they said, before a URL that had to be gathered. */
  #parsedBytes = 0;
  #parsedEvents = 0;

  private constructor(session: CommandSession, tag: string, name: string, state: AppendState) {
    this.#session = session;
    this.tag = tag;
    this.name = name;
    this.#state = state;
  }

  static isBegunBy(name: string): boolean {
    return commands.has(name);
  }

  /** The cursor stands behind the name. */
  static begin(session: CommandSession, tag: string, name: string): AppendIntake | Tagged {
    const state = commands.get(name)!;
    const { account, selected } = session;
    if (account === undefined) return bad('Log in first');
    if (state === 'append') return new AppendIntake(session, tag, name, state);
    if (selected === undefined) return bad('Not in this state');
    if (name === 'REPLACE' && session.isUidOnly) return needsUids;
    if (selected.isReadOnly) return no('The mailbox is read-only', 'READ-ONLY');
    return new AppendIntake(session, tag, name, state);
  }

  /** Some of it was taken: it is not begun again. */
  get isBegun(): boolean {
    return this.#parsedBytes > 0;
  }

  /** A literal is announced; what is shown begins at `start`. Undefined: its octets are to be streamed. */
  announced(
    cursor: Cursor,
    start: number,
    literalBytes: number,
  ): typeof toBeGathered | Tagged | undefined {
    const step = this.#parse(cursor, true);
    if (step === toBeGathered) return step;
    if (step === undefined) return faultAnswer(cursor.faultKind, cursor.fault);
    const refusal = this.#take(step, literalBytes);
    if (refusal !== undefined || !('isGathering' in step)) {
      this.#parsedBytes = 0;
      this.#parsedEvents = 0;
      return refusal;
    }
    // Parsed from the start each time, a thousand URLs would cost a million.
    this.#parsedBytes = cursor.at - start;
    this.#parsedEvents += step.events.length;
    return toBeGathered;
  }

  #parse(cursor: Cursor, isAtLiteral: boolean): ReturnType<typeof parseAppend> {
    cursor.at += this.#parsedBytes;
    return parseAppend(cursor, this.#state, isAtLiteral, this.#parsedEvents);
  }

  /** Keeps a view. */
  take(octets: Buffer): void {
    this.#literalBytesLeft -= octets.byteLength;
    if (this.#stream === undefined) this.#inline.push(octets);
    else {
      if (octets.byteLength > 0) this.#stream.push([octets]);
      if (this.#literalBytesLeft === 0) this.#stream.end();
    }
  }

  /** True: nothing more may be taken before `whenReady`. */
  get isFull(): boolean {
    return this.#stream?.isFull === true;
  }

  whenReady(run: () => void): void {
    const stream = this.#stream!;
    stream.whenReady(() => (stream.isFull ? this.whenReady(run) : run()));
  }

  /** The command's end came. */
  async finish(cursor: Cursor): Promise<CommandEnd> {
    try {
      const step = this.#parse(cursor, false);
      if (step === undefined) return faultAnswer(cursor.faultKind, cursor.fault);
      if (step === toBeGathered) return bad('A literal is missing');
      return this.#take(step, 0) ?? (await this.#append());
    } finally {
      this.drop();
    }
  }

  /** Gives the room back, and lets go of what was not appended. */
  drop(): void {
    for (const stream of this.#streams) stream.abort();
    this.#streams = [];
    this.#stream = undefined;
    this.#inline.length = 0;
    this.#session.service.streamCount -= this.#streamCount;
    this.#streamCount = 0;
    if (this.#reservedBytes === 0) return;
    this.#session.service.reception.release(this.#reservedBytes);
    this.#reservedBytes = 0;
  }

  #take(step: AppendStep, literalBytes: number): Tagged | undefined {
    if (this.#state === 'append' || this.#state === 'replace') {
      this.#mailbox = step.mailbox;
      this.#replaced = step.replaced;
    }
    this.#state = step.state;
    for (const event of step.events) {
      const refusal = this.#event(event, literalBytes);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  #event(event: AppendEvent, literalBytes: number): Tagged | undefined {
    if (event.kind === 'text') return this.#text(literalBytes);
    if (event.kind === 'url') {
      const packed = packUrl(this.#session, event.url);
      if (packed === undefined) return badUrl(event.url);
      this.#messages.at(-1)!.parts.push(packed);
      return undefined;
    }
    const { flags, internalMs = this.#session.service.clock.nowMs(), isCatenated } = event;
    if (event.isUtf8 && !this.#session.isUtf8Accepted) return bad('UTF8 is not enabled');
    const refusal = this.#oneTooMany();
    if (refusal !== undefined) return refusal;
    if (this.#replaced !== undefined && this.#messages.length > 0) {
      return bad('REPLACE takes one message');
    }
    const { system, keywords } = flags;
    const facts = { flags: system, keywords, internalMs, isCatenated };
    this.#messages.push({ ...facts, parts: [], bytes: 0 });
    return keywordFault(flags);
  }

  /** RFC 9738 §3.1: nothing is appended then. */
  #oneTooMany(): Tagged | undefined {
    const told = savedMaxOf(this.#session);
    const countMax = Math.min(messagesMax, told || messagesMax);
    if (this.#messages.length < countMax) return undefined;
    return no('Too many messages at once', told > 0 ? limitCode(countMax) : 'LIMIT');
  }

  /** Where a literal goes; it is refused before its octets come. */
  #text(bytes: number): Tagged | undefined {
    const { service } = this.#session;
    const message = this.#messages.at(-1)!;
    message.bytes += bytes;
    // RFC 3502 §6.3.11: a client gives up all of the command by an empty message.
    if (bytes === 0 && !message.isCatenated) return no('An empty message', 'CANNOT');
    if (message.bytes > service.policy.limits.messageBytesMax) return answerOf('message-too-large');
    this.#literalBytesLeft = bytes;
    const isSmall = bytes <= largeBodyBytesMin && this.#inlineBytes + bytes <= inlineBytesMax;
    // Streams go to the shard of the session's own account: what is for another's travels with its command.
    const isInline = isSmall || isOthers(this.#session, this.#mailbox);
    if (isInline && this.#inlineBytes + bytes > Math.max(inlineBytesMax, bytes)) {
      return no('Too much at once', 'LIMIT');
    }
    if (!isInline && this.#streams.length === streamsMax) {
      return no('Too many large messages at once', 'LIMIT');
    }
    if (!isInline && service.streamCount >= allStreamsMax) return answerOf('store-busy');
    const refusal = this.#reserve(
      isInline ? bytes : this.#streams.length > 0 ? 0 : streamRoomBytes,
    );
    if (refusal !== undefined) return answerOf(refusal);
    if (isInline) {
      this.#stream = undefined;
      this.#inlineBytes += bytes;
      message.parts.push(bytes);
      return undefined;
    }
    service.streamCount++;
    this.#streamCount++;
    this.#stream = service.asks.openText(this.#session.account!, service.reception.nextId());
    this.#streams.push(this.#stream);
    message.parts.push(this.#stream.id);
    return undefined;
  }

  #reserve(bytes: number): ErrorCode | undefined {
    if (bytes === 0) return undefined;
    const refusal = this.#session.service.reception.reserve(bytes);
    if (refusal === undefined) this.#reservedBytes += bytes;
    return refusal?.code;
  }

  async #append(): Promise<CommandEnd> {
    const failed = this.#streams.find(({ failure }) => failure !== undefined)?.failure;
    if (failed !== undefined) return answerOf(failed.code);
    const isEmpty = ({ bytes, parts }: Message) =>
      bytes === 0 && parts.every((part) => typeof part === 'number');
    if (this.#messages.some(isEmpty)) return no('An empty message', 'CANNOT');
    const session = this.#session;
    const { service } = session;
    const id = service.reception.nextId();
    const place = await placeOf(session, this.#mailbox);
    if (place === undefined) return answerOf('not-found');
    if (!this.#mayBeIn(place)) return no('Only within one account', 'CANNOT');
    const meta = this.#packed(place, id, service.policy.limits.messageBytesMax);
    const isLong = this.#streams.length > 0 || this.#messages.length > 1;
    const body = [...this.#inline];
    const kind = isLong ? 'long' : 'short';
    const options = { key: id, body, class: kind, to: place.owner } as const;
    const answer = await session.ask(imapAsks.append, meta, options);
    if (!answer.ok) return this.#refused(answer);
    session.usedMailOf(place.owner);
    // They are the shard's now.
    this.#streams = [];
    return this.#done(answer.value as Appended | BadUrl | MessageGone);
  }

  /** URLs and what is replaced are looked up by the actor that appends: they must be its own account's. */
  #mayBeIn({ owner }: MailboxPlace): boolean {
    const session = this.#session;
    const hasUrls = this.#messages.some(({ parts }) => parts.some((part) => Array.isArray(part)));
    if (hasUrls && owner.id !== session.account!.id) return false;
    return this.#replaced === undefined || owner.id === session.owner.id;
  }

  #packed({ owner: account, path }: MailboxPlace, id: string, bytesMax: number): PackedAppend {
    const session = this.#session;
    const messages = this.#messages.map(
      ({ flags, keywords, internalMs, parts }): PackedMessage => [
        flags,
        keywords,
        internalMs,
        parts,
      ],
    );
    const owner = ownerOf(account);
    if (this.#replaced === undefined) {
      return [owner, path, id, bytesMax, messages, null];
    }
    const selected = session.selected!;
    const { set, isUids } = setOf(this.#replaced, this.name === 'UID REPLACE', selected);
    const replaced = [viewOf(selected), isUids, set] as const;
    return [owner, path, id, bytesMax, messages, replaced];
  }

  #refused(failure: Failure): Tagged {
    const { code } = failure;
    if (code === 'not-found') return noTarget(failure);
    if (code === 'argument-invalid') return bad('No such message number');
    const hasKeywords = this.#messages.some(({ keywords }) => keywords.length > 0);
    return hasKeywords && code === 'not-possible-now' ? keywordsTooMany : answerOf(code);
  }

  #done(value: Appended | BadUrl | MessageGone): CommandEnd {
    if ('badUrl' in value) return badUrl(value.badUrl);
    if ('isGone' in value) return no('The message is gone', 'EXPUNGEISSUED');
    const { uidValidity, uids } = value;
    if (this.#replaced === undefined) {
      return (writer, tag) => writeAppendUid(writer, tag, uidValidity, uids, 'APPEND done');
    }
    // RFC 8508 §3.3: told before the old message's EXPUNGE.
    this.#session.respond((writer) => {
      writeAppendUid(writer, untagged, uidValidity, uids, 'Replaced');
    });
    return ok('REPLACE done');
  }
}
