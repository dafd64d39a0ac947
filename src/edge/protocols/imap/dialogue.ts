/**
 * What the client says, in its turn: lines and literals become commands, which run one at a time.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §2.2.1, §4.3, §5.5 (several commands in progress), §7.5.1.
 * Limits:    `ImapLimits`. While a command runs about `unreadBytesMax` octets wait here; while the client leaves
 *            `unsentBytesMax` unread no further command runs; one turn runs `turnCommandsMax`, one minute
 *            `commandsPerMinuteMax`.
 * Invariant: each command gets one tagged response, in order.
 */

import type { Buffer } from 'node:buffer';
import { CommandReader, type Reading } from '../../../mail/wire/imap/command-reader.ts';
import { parseCommandStart, tagOf } from '../../../mail/wire/imap/parse-command.ts';
import { decodeBase64 } from '../../../mail/wire/imap/parse-session.ts';
import { writeContinuation, writeStatus } from '../../../mail/wire/imap/response-status.ts';
import type { SaslExchange } from '../../guard/sasl-exchange.ts';
import { CommandPace } from '../session/command-pace.ts';
import { bad, type CommandEnd, faultAnswer, needsUids, type Tagged } from './answers.ts';
import { AppendIntake } from './append-intake.ts';
import { type CommandNews, type CommandSession, endsLater, type ImapState } from './command.ts';
import { answerExchange } from './commands/log-in.ts';
import { type AnyCommand, commands } from './commands/table.ts';
import { joinCommands, mayJoin } from './joining.ts';
import { Literals, literalTooLarge } from './literals.ts';

/** What the session is told of changes, as far as it takes turns with commands. */
export interface SpokenNews extends CommandNews {
  readonly isIdling: boolean;
  tell(mayExpunge: boolean): Promise<void>;
  /** All that came is answered. */
  rested(): void;
  /** DONE came, or (false) something else. */
  doneIdling(isDone: boolean): void;
}

/** The session as its dialogue sees it. */
export interface SpokenSession extends CommandSession {
  readonly news: SpokenNews;
  /** Words come and go: no handshake, no end. */
  readonly isOpen: boolean;
  /** The client leaves too much unread. */
  readonly isFull: boolean;
  /** The same, and `pump` is called once it has read. */
  mustWait(): boolean;
  /** The session ends, or its TLS begins, once the answer is written. */
  readonly isLeaving: boolean;
  /** Ends it where nothing is under way. */
  drain(): void;
  /** The answer is written. */
  leave(): void;
  pauseReading(isPaused: boolean): void;
  bye(text: string, code?: string): void;
  /** The session ends for what its client did: counted. */
  noteCutOff(reason: string): void;
  failed(error: unknown): void;
}

export class Dialogue {
  readonly #session: SpokenSession;
  /** Absent while the client is silent. */
  #atHand: CommandReader | undefined;
  #expectsLine = false;
  /** What was read and has not had its turn. */
  #reading: Reading | undefined;
  /** A command runs, or its answer waits for something. */
  #isBusy = false;
  #isReadingPaused = false;
  #errorCount = 0;
  #earlyCount = 0;
  readonly #pace: CommandPace;
  readonly #literals = new Literals();
  #exchange: { readonly exchange: SaslExchange; readonly tag: string } | undefined;

  constructor(session: SpokenSession) {
    this.#session = session;
    this.#pace = new CommandPace(session.service);
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Nothing of a command came that is not answered. */
  get isAtRest(): boolean {
    return !this.#isBusy && this.#literals.intake === undefined;
  }

  receive(chunk: Buffer): void {
    this.#reader.give(chunk);
    this.#pace.beginTurn();
    this.pump();
  }

  /** The next line is the client's answer to a challenge. */
  expectResponse(exchange: SaslExchange, tag: string): void {
    this.#exchange = { exchange, tag };
    this.#reader.expectLine();
  }

  /** The next line is DONE. */
  expectDone(): void {
    this.#reader.expectLine();
  }

  /** Whether the session is logged in has changed. */
  admitted(isLoggedIn: boolean): void {
    this.#reader.lineBytesMax = this.#lineBytesMax(isLoggedIn);
    this.#earlyCount = 0;
  }

  /** Called with coarse time: a new minute lets commands run again. */
  sweep(nowMs: number): void {
    if (this.#pace.sweep(nowMs)) this.pump();
  }

  /** What came in clear is forgotten (RFC 9051 §6.2.1). */
  startAnew(): void {
    this.#atHand = undefined;
    this.#expectsLine = false;
  }

  /** More came than what runs now. */
  get hasMore(): boolean {
    return this.#reader.unreadBytes > 0;
  }

  /** The client is silent: lets go of what can be made anew. */
  rest(): void {
    const reader = this.#atHand;
    // What was read and waits for its turn is shown by the reader.
    if (reader?.isAtRest !== true || !this.isAtRest || this.#reading !== undefined) return;
    this.#expectsLine = reader.expectsLine;
    this.#atHand = undefined;
  }

  /** Commands wait until `goOn`. */
  hold(): void {
    this.#isBusy = true;
  }

  goOn(): void {
    const session = this.#session;
    this.#isBusy = false;
    this.#pace.beginTurn();
    if (session.service.isDraining) session.drain();
    this.pump();
  }

  letGo(): void {
    this.#isBusy = false;
    this.#literals.drop();
    this.#exchange = undefined;
  }

  /** Runs what came. */
  pump(): void {
    const session = this.#session;
    const reader = this.#reader;
    while (session.isOpen && !this.#isBusy) {
      if (session.mustWait() || this.#pace.isTooBusy) break;
      if (this.#pace.isTurnOver) {
        this.#isBusy = true;
        setImmediate(() => this.goOn());
        break;
      }
      const reading = this.#reading ?? reader.next();
      this.#reading = undefined;
      if (reading === 'more') break;
      // Octets of a literal are of a command that had its turn.
      if (reading !== 'octets') this.#pace.tookTurn();
      if (reading === 'command') this.#command();
      else if (reading === 'literal') this.#literal();
      else if (reading === 'line') this.#line();
      else if (reading === 'octets') {
        const { bytes, start, end } = reader;
        this.#octets(bytes.subarray(start, end));
      } else if (reading === 'too-long') this.#tooLong();
      else {
        session.noteCutOff('unreadable');
        session.bye('What you sent cannot be read on');
      }
    }
    this.#balanceReading();
    if (!this.#isBusy) session.news.rested();
  }

  #octets(octets: Buffer): void {
    const { intake } = this.#literals;
    if (intake === undefined) return;
    intake.take(octets);
    if (!intake.isFull) return;
    this.#isBusy = true;
    intake.whenReady(() => this.goOn());
  }

  /** Writes a command's end. */
  answer(tag: string, end: CommandEnd): void {
    const session = this.#session;
    if (!session.isOpen) return;
    if (typeof end === 'function') session.respond((writer) => end(writer, tag));
    else {
      const { condition, code, text } = end;
      session.respond((writer) => writeStatus(writer, tag, condition, code, text));
      if (condition === 'BAD') this.#countError();
    }
    session.leave();
  }

  get #reader(): CommandReader {
    if (this.#atHand !== undefined) return this.#atHand;
    const reader = new CommandReader(this.#lineBytesMax(this.#session.account !== undefined));
    if (this.#expectsLine) reader.expectLine();
    this.#expectsLine = false;
    this.#atHand = reader;
    return reader;
  }

  #lineBytesMax(isLoggedIn: boolean): number {
    const { lineBytesMax, earlyLineBytesMax } = this.#session.service.policy.limits;
    return isLoggedIn ? lineBytesMax : earlyLineBytesMax;
  }

  /** Reads on while what waits here is little and the client reads as well. */
  #balanceReading(): void {
    const session = this.#session;
    if (!session.isOpen) return;
    const { unreadBytesMax } = session.service.policy.limits;
    const isTooMuch = session.isFull || this.#reader.unreadBytes > unreadBytesMax;
    if (isTooMuch === this.#isReadingPaused) return;
    this.#isReadingPaused = isTooMuch;
    session.pauseReading(isTooMuch);
  }

  #command() {
    const session = this.#session;
    const { bytes, start, end } = this.#reader;
    const cursor = session.service.cursorAt(bytes, start, end, session);
    const { intake } = this.#literals;
    if (intake !== undefined) {
      this.#literals.intake = undefined;
      return this.#await(undefined, intake.tag, intake.finish(cursor));
    }
    const head = parseCommandStart(cursor);
    this.#pace.ran();
    if (session.account === undefined && this.#isOneTooMany()) return;
    if (head === undefined) return this.#refuse(tagOf(bytes, start, end));
    const command = commands.get(head.name);
    const { observer, name } = session.service;
    if (AppendIntake.isBegunBy(head.name)) {
      observer.command(name, head.name);
      const begun = AppendIntake.begin(session, head.tag, head.name);
      if (!(begun instanceof AppendIntake)) return this.#finish(undefined, head.tag, begun);
      return this.#await(undefined, head.tag, begun.finish(cursor));
    }
    observer.command(name, command?.name ?? 'unknown');
    if (command === undefined) return this.#finish(command, head.tag, bad('Unknown command'));
    if (!command.states.includes(this.#state)) {
      return this.#finish(command, head.tag, bad('Not in this state'));
    }
    if (command.namesNumbers === true && session.isUidOnly) {
      return this.#finish(command, head.tag, needsUids);
    }
    const argument = command.parse(cursor);
    if (argument === undefined) {
      return this.#finish(command, head.tag, faultAnswer(cursor.faultKind, cursor.fault));
    }
    cursor.close();
    if (mayJoin(session, command, argument)) return this.#join(command, head.tag, argument);
    this.#take(command, head.tag, command.run(session, argument as never, head.tag));
  }

  #join(command: AnyCommand, tag: string, argument: unknown) {
    this.#isBusy = true;
    const joined = joinCommands(this.#session, this.#reader, command, { tag, argument });
    this.#reading = joined.reading;
    this.#pace.ran(joined.count - 1);
    const end = (tag: string, end: CommandEnd, isLast: boolean) => {
      if (!isLast) return this.answer(tag, end);
      this.#isBusy = false;
      this.#finish(command, tag, end);
    };
    joined.run(end).then(
      () => this.#isBusy || this.goOn(),
      (error: unknown) => this.#session.failed(error),
    );
  }

  #isOneTooMany(): boolean {
    const session = this.#session;
    this.#earlyCount++;
    if (this.#earlyCount <= session.service.policy.limits.earlyCommandsMax) return false;
    session.noteCutOff('early-commands');
    session.bye('Too many commands without a log-in');
    return true;
  }

  get #state(): ImapState {
    const { account, selected } = this.#session;
    if (account === undefined) return 'early';
    return selected === undefined ? 'authenticated' : 'selected';
  }

  #take(command: AnyCommand | undefined, tag: string, end: ReturnType<AnyCommand['run']>) {
    if (end instanceof Promise) this.#await(command, tag, end);
    else if (end !== endsLater) this.#finish(command, tag, end);
  }

  #await(
    command: AnyCommand | undefined,
    tag: string,
    end: Promise<CommandEnd | typeof endsLater>,
  ): void {
    this.#isBusy = true;
    end.then(
      (ended) => {
        this.#isBusy = false;
        if (ended !== endsLater) this.#finish(command, tag, ended);
        if (!this.#isBusy) this.goOn();
      },
      (error: unknown) => this.#session.failed(error),
    );
  }

  /** Tells what changed where that is due, then ends the command. */
  #finish(command: AnyCommand | undefined, tag: string, end: CommandEnd) {
    const session = this.#session;
    if (!session.isOpen) return;
    const { selected } = session;
    const keepsNumbers = command?.keepsNumbers === true;
    const hasContexts = selected !== undefined && selected.contexts.length > 0;
    const mayHaveChanged = command === undefined || command.changesMailbox === true;
    const isChanged = mayHaveChanged && !this.#isUpToDate();
    const isDue =
      selected !== undefined &&
      (isChanged || selected.isStale || hasContexts) &&
      (!keepsNumbers || !selected.isHalfTold || hasContexts);
    if (!isDue || session.isLeaving) return this.answer(tag, end);
    this.#isBusy = true;
    session.news.tell(!keepsNumbers).then(
      () => {
        this.answer(tag, end);
        this.goOn();
      },
      (error: unknown) => session.failed(error),
    );
  }

  /** No change came since all was told: there is no need to ask. */
  #isUpToDate(): boolean {
    const { selected, service } = this.#session;
    return (
      selected?.stamp !== undefined && selected.stamp === service.kept.stampOf(selected.owner.id)
    );
  }

  #countError(): void {
    const session = this.#session;
    this.#errorCount++;
    if (this.#errorCount <= session.service.policy.limits.errorsMax) return;
    session.noteCutOff('errors');
    session.bye('Too many errors');
  }

  #refuse(tag: string, answer?: Tagged) {
    const { cursor } = this.#session.service;
    this.answer(tag, answer ?? faultAnswer(cursor.faultKind, cursor.fault));
  }

  #literal() {
    const session = this.#session;
    const reader = this.#reader;
    const { bytes, start, end } = reader;
    const cursor = session.service.cursorAt(bytes, start, end, session);
    const refused = this.#literals.announced(session, reader, cursor);
    if (refused === undefined) return this.#invite();
    const { tag, answer } = refused;
    if (answer === literalTooLarge) this.#countError();
    this.#refuse(tag, answer);
  }

  #invite(): void {
    if (!this.#reader.needsContinuation) return;
    this.#session.respond((writer) => writeContinuation(writer, 'Go on'));
  }

  /** An answer to a challenge, or DONE. */
  #line() {
    const session = this.#session;
    const { bytes, start, end } = this.#reader;
    const text = bytes.toString('latin1', start, end);
    if (this.#exchange !== undefined) {
      const { exchange, tag } = this.#exchange;
      this.#exchange = undefined;
      // RFC 9051 §6.2.2: a lone asterisk gives up.
      if (text === '*') return this.#refuse(tag, bad('Given up'));
      const response = decodeBase64(text);
      if (response === undefined) return this.#refuse(tag, bad('The response is not base64'));
      return this.#take(undefined, tag, answerExchange(session, exchange, response, tag));
    }
    session.news.doneIdling(text.trim().toUpperCase() === 'DONE');
  }

  #tooLong() {
    const { bytes, start, end } = this.#reader;
    const answer = bad('The line is too long');
    if (this.#session.news.isIdling) return this.#session.news.doneIdling(false);
    if (this.#exchange !== undefined) {
      const { tag } = this.#exchange;
      this.#exchange = undefined;
      return this.#refuse(tag, answer);
    }
    const tag = this.#literals.intake?.tag ?? tagOf(bytes, start, end);
    this.#literals.drop();
    this.#refuse(tag, answer);
  }
}
