/**
 * One IMAP session: takes octets as they come, runs commands one at a time, tells of changes.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §2-3, §5.2-5.5, §7.
 * Limits:    `ImapLimits`. While a command runs about `unreadBytesMax` octets wait here; while the client leaves
 *            `unsentBytesMax` unread nothing more is asked for.
 * Invariant: each command gets one tagged response, in order. Mail state lives in the engine: the session keeps what
 *            it told (`SelectedMailbox`).
 */

import type { Buffer } from 'node:buffer';
import type { Answer } from '../../../actors/ask.ts';
import type { MailboxChange } from '../../../actors/asks/imap-asks.ts';
import { CommandReader } from '../../../mail/wire/imap/command-reader.ts';
import { nameIsLiteral } from '../../../mail/wire/imap/parse-append.ts';
import { parseCommandStart, tagOf } from '../../../mail/wire/imap/parse-command.ts';
import { decodeBase64 } from '../../../mail/wire/imap/parse-session.ts';
import type { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import {
  untagged,
  writeContinuation,
  writeStatus,
} from '../../../mail/wire/imap/response-status.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { SaslExchange } from '../../guard/sasl.ts';
import type { MailboxWatcher } from '../../notices/hub.ts';
import type { AskOptions } from '../session/account-asks.ts';
import { Output } from '../session/output.ts';
import { TimeOuts } from '../session/time-outs.ts';
import type { SessionTransport, TlsSessionFacts } from '../session/transport.ts';
import type { ImapAsk } from './account-asks.ts';
import { bad, type CommandEnd, faultAnswer, no, ok, type Tagged } from './answers.ts';
import { AppendIntake } from './append-intake.ts';
import { capabilityNames } from './capabilities.ts';
import { type CommandSession, endsLater, type ImapState } from './command.ts';
import { stepExchange } from './commands/log-in.ts';
import { type AnyCommand, commands } from './commands/table.ts';
import { Idling, type IdlingSession } from './idling.ts';
import type { SelectedMailbox } from './selected.ts';
import type { ImapService } from './service.ts';
import { noteChange, tellArrival, tellChanges } from './telling.ts';

/** What one turn runs at most: others have sessions too. */
const turnCommandsMax = 100;
type Phase = 'open' | 'handshake' | 'ended';

export class ImapSession implements CommandSession, IdlingSession, MailboxWatcher {
  readonly service: ImapService;
  readonly peerAddress: string;
  readonly watcher: MailboxWatcher = this;
  account: Account | undefined;
  selected: SelectedMailbox | undefined;
  isRev2 = false;
  isCondstore = false;
  isQresync = false;
  /** Coarse time of our last word; 0 while the session lasts. */
  endedMs = 0;

  readonly #transport: SessionTransport;
  readonly #output: Output;
  #reader: CommandReader;
  #tls: TlsSessionFacts | undefined;
  #phase: Phase = 'open';
  /** A command runs, or its answer waits for something. */
  #isBusy = false;
  #isReadingPaused = false;
  #commandsLeft = turnCommandsMax;
  #errorCount = 0;
  #intake: AppendIntake | undefined;
  #exchange: { readonly exchange: SaslExchange; readonly tag: string } | undefined;
  #idling: Idling | undefined;
  #after: 'end' | 'tls' | undefined;
  readonly #timeOuts: TimeOuts;

  /** `tls` is set where TLS came before the first word. */
  constructor(
    service: ImapService,
    transport: SessionTransport,
    address: string,
    tls?: TlsSessionFacts,
  ) {
    this.service = service;
    this.peerAddress = address;
    this.#transport = transport;
    this.#output = new Output(transport);
    this.#tls = tls;
    this.#reader = new CommandReader(service.policy.limits.lineBytesMax);
    this.#timeOuts = new TimeOuts(service.tickMs);
  }

  /** Sends the greeting. */
  open(): void {
    const { hostname } = this.service.policy;
    const code = `CAPABILITY ${capabilityNames(this).join(' ')}`;
    this.respond((writer) => writeStatus(writer, untagged, 'OK', code, `${hostname} ready`));
  }

  receive(chunk: Buffer): void {
    this.#timeOuts.heardMs = this.service.tickMs;
    // What comes between STARTTLS and its handshake is dropped (RFC 9051 §6.2.1).
    if (this.#phase !== 'open') return;
    this.#reader.give(chunk);
    this.#commandsLeft = turnCommandsMax;
    this.#pump();
  }

  /** The client has read what we wrote. */
  drained(): void {
    this.#output.drained();
    if (this.#phase !== 'open') return;
    this.#idling?.look();
    this.#pump();
  }

  /** The connection is gone. */
  closed(): void {
    this.#phase = 'ended';
    this.#letGo();
  }

  /** Called by the listener's sweep with coarse time. */
  sweep(nowMs: number): void {
    if (this.#phase !== 'open') return;
    const facts = {
      isLoggedIn: this.account !== undefined,
      isBusy: this.#isBusy,
      isIdling: this.#idling !== undefined,
      unsentBytes: this.#transport.unsentBytes,
    };
    const timeOut = this.#timeOuts.check(nowMs, facts, this.service.policy.limits);
    if (timeOut === 'early') this.#bye('No log-in came');
    else if (timeOut === 'idle') this.#bye('Idle for too long');
    else if (timeOut === 'stalled') this.destroy();
    else if (timeOut === 'quiet') {
      this.respond((writer) => writeStatus(writer, untagged, 'OK', '', 'Still here'));
      this.#idling?.quiet();
    }
  }

  /** Going down: ends at once, or with the command that runs. */
  drain(): void {
    if (this.#phase === 'open' && !this.#isBusy && this.#intake === undefined) {
      this.#bye('The server goes down', 'UNAVAILABLE');
    }
  }

  destroy(): void {
    this.#transport.destroy();
  }

  get isSecure(): boolean {
    return this.#tls !== undefined;
  }

  get canStartTls(): boolean {
    return this.#tls === undefined && this.#transport.canStartTls;
  }

  get isEnded(): boolean {
    return this.#phase === 'ended';
  }

  respond(write: (writer: ResponseWriter) => void): void {
    const { writer } = this.service;
    // RFC 9051 §5.1: names and strings are UTF-8 from then on.
    writer.isUtf8 = this.isRev2;
    write(writer);
    for (const piece of writer.take()) this.send(piece);
  }

  send(octets: Uint8Array): void {
    if (this.#phase !== 'open') return;
    this.#timeOuts.spokeMs = this.service.tickMs;
    this.#output.add(octets);
  }

  room(): Promise<void> | undefined {
    this.#output.flush();
    return this.isFull ? this.#output.wait() : undefined;
  }

  ask(name: ImapAsk, meta: unknown, options?: AskOptions): Promise<Answer> {
    return this.service.asks.ask(this.account!, name, meta, options);
  }

  unselect(): void {
    const { selected, account } = this;
    if (selected === undefined) return;
    this.selected = undefined;
    this.service.notices.unwatch(account!.id, selected.mailbox, this);
  }

  loggedIn(account: Account): void {
    this.account = account;
  }

  expectResponse(exchange: SaslExchange, tag: string): void {
    this.#exchange = { exchange, tag };
    this.#reader.expectLine();
  }

  startTls(): void {
    this.#after = 'tls';
  }

  idle(tag: string): void {
    this.#idling = new Idling(tag, this);
    this.#reader.expectLine();
    this.#idling.look();
  }

  end(): void {
    this.#after = 'end';
  }

  cut(): void {
    this.destroy();
    this.closed();
  }

  /** A notice of the engine. */
  changed(change: MailboxChange): void {
    const { selected } = this;
    if (selected === undefined) return;
    const wasStale = selected.isStale;
    if (noteChange(selected, change)) this.#idling?.changed(selected, change, wasStale);
  }

  async tell(mayExpunge = true): Promise<void> {
    if (!(await tellChanges(this, mayExpunge))) this.#bye('The mailbox was deleted');
  }

  tellArrival(change: MailboxChange): void {
    tellArrival(this, this.selected!, change);
  }

  endIdle(tag: string): void {
    this.#idling = undefined;
    this.#answer(tag, ok('IDLE done'));
    if (this.#isBusy) this.#goOn();
  }

  get isFull(): boolean {
    return this.#transport.unsentBytes > this.service.policy.limits.unsentBytesMax;
  }

  #pump(): void {
    while (this.#phase === 'open' && !this.#isBusy) {
      if (this.isFull) break;
      if (this.#commandsLeft-- <= 0) {
        this.#isBusy = true;
        setImmediate(() => this.#goOn());
        break;
      }
      const reading = this.#reader.next();
      if (reading === 'more') break;
      if (reading === 'command') this.#command();
      else if (reading === 'literal') this.#literal();
      else if (reading === 'line') this.#line();
      else if (reading === 'octets') {
        const { bytes, start, end } = this.#reader;
        this.#intake?.take(bytes.subarray(start, end));
        this.#commandsLeft++;
      } else if (reading === 'too-long') this.#tooLong();
      else this.#bye('What you sent cannot be read on');
    }
    this.#balanceReading();
  }

  #goOn() {
    this.#isBusy = false;
    this.#commandsLeft = turnCommandsMax;
    if (this.service.isDraining) this.drain();
    this.#pump();
  }

  /** Reads on while what waits here is little and the client reads as well. */
  #balanceReading(): void {
    if (this.#phase !== 'open') return;
    const { unreadBytesMax } = this.service.policy.limits;
    const isTooMuch = this.isFull || this.#reader.unreadBytes > unreadBytesMax;
    if (isTooMuch === this.#isReadingPaused) return;
    this.#isReadingPaused = isTooMuch;
    if (isTooMuch) this.#transport.pause();
    else this.#transport.resume();
  }

  #command() {
    const { bytes, start, end } = this.#reader;
    const cursor = this.service.cursorAt(bytes, start, end, this.isRev2);
    if (this.#intake !== undefined) {
      const intake = this.#intake;
      this.#intake = undefined;
      this.#await(undefined, intake.tag, intake.finish(cursor));
      return;
    }
    const head = parseCommandStart(cursor);
    if (head === undefined) return this.#refuse(tagOf(bytes, start, end));
    const command = commands.get(head.name);
    const { observer, name } = this.service;
    observer.command(name, command?.name ?? 'unknown');
    if (command === undefined) return this.#finish(command, head.tag, bad('Unknown command'));
    if (!command.states.includes(this.#state)) {
      return this.#finish(command, head.tag, bad('Not in this state'));
    }
    const argument = command.parse(cursor);
    if (argument === undefined) {
      return this.#finish(command, head.tag, faultAnswer(cursor.faultKind, cursor.fault));
    }
    cursor.close();
    this.#take(command, head.tag, command.run(this, argument as never, head.tag));
  }

  get #state(): ImapState {
    if (this.account === undefined) return 'early';
    return this.selected === undefined ? 'authenticated' : 'selected';
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
    end.then((ended) => {
      this.#isBusy = false;
      if (ended !== endsLater) this.#finish(command, tag, ended);
      if (!this.#isBusy) this.#goOn();
    }, this.failed);
  }

  /** Tells what changed where that is due, then ends the command. */
  #finish(command: AnyCommand | undefined, tag: string, end: CommandEnd) {
    if (this.#phase !== 'open') return;
    const { selected } = this;
    const keepsNumbers = command?.keepsNumbers === true;
    const isDue =
      selected !== undefined &&
      (command === undefined || command.changesMailbox === true || selected.isStale) &&
      !(keepsNumbers && selected.isHalfTold);
    if (!isDue || this.#after !== undefined) return this.#answer(tag, end);
    this.#isBusy = true;
    this.tell(!keepsNumbers).then(() => {
      this.#answer(tag, end);
      this.#goOn();
    }, this.failed);
  }

  #answer(tag: string, end: CommandEnd) {
    if (this.#phase !== 'open') return;
    if (typeof end === 'function') this.respond((writer) => end(writer, tag));
    else {
      const { condition, code, text } = end;
      this.respond((writer) => writeStatus(writer, tag, condition, code, text));
      if (condition === 'BAD') this.#countError();
    }
    if (this.#after === 'end') this.#end();
    else if (this.#after === 'tls') this.#handshake();
  }

  #countError(): void {
    this.#errorCount++;
    if (this.#errorCount > this.service.policy.limits.errorsMax) this.#bye('Too many errors');
  }

  #refuse(tag: string, answer?: Tagged) {
    const { cursor } = this.service;
    this.#answer(tag, answer ?? faultAnswer(cursor.faultKind, cursor.fault));
  }

  #literal() {
    const reader = this.#reader;
    const { bytes, start, end } = reader;
    const cursor = this.service.cursorAt(bytes, start, end, this.isRev2);
    if (this.#intake !== undefined) {
      const { tag } = this.#intake;
      this.#intake.drop();
      this.#intake = undefined;
      reader.refuse();
      return this.#refuse(tag, bad('One message at a time'));
    }
    const head = parseCommandStart(cursor);
    if (head === undefined) {
      reader.refuse();
      return this.#refuse(tagOf(bytes, start, end));
    }
    if (head.name === 'APPEND') {
      const intake = AppendIntake.begin(this, cursor, head.tag, reader);
      if (intake !== nameIsLiteral) return this.#beginAppend(head.tag, intake);
    }
    const { literalBytesMax, earlyLiteralBytesMax } = this.service.policy.limits;
    const bytesMax = this.account === undefined ? earlyLiteralBytesMax : literalBytesMax;
    if (reader.gatheredBytes + reader.literalBytes > bytesMax) {
      reader.refuse();
      this.#countError();
      return this.#refuse(head.tag, no('The literal is too large', 'LIMIT'));
    }
    reader.gather();
    this.#invite();
  }

  #beginAppend(tag: string, intake: AppendIntake | Tagged) {
    this.service.observer.command(this.service.name, 'APPEND');
    if (!(intake instanceof AppendIntake)) {
      this.#reader.refuse();
      return this.#refuse(tag, intake);
    }
    this.#intake = intake;
    this.#reader.stream();
    this.#invite();
  }

  #invite(): void {
    if (!this.#reader.needsContinuation) return;
    this.respond((writer) => writeContinuation(writer, 'Go on'));
  }

  /** An answer to a challenge, or DONE. */
  #line() {
    const { bytes, start, end } = this.#reader;
    const text = bytes.toString('latin1', start, end);
    if (this.#exchange !== undefined) {
      const { exchange, tag } = this.#exchange;
      this.#exchange = undefined;
      // RFC 9051 §6.2.2: a lone asterisk gives up.
      if (text === '*') return this.#refuse(tag, bad('Given up'));
      const response = decodeBase64(text);
      if (response === undefined) return this.#refuse(tag, bad('The response is not base64'));
      return this.#take(undefined, tag, stepExchange(this, exchange, response, tag));
    }
    const idling = this.#idling;
    if (idling === undefined) return;
    if (text.trim().toUpperCase() !== 'DONE') {
      this.#idling = undefined;
      return this.#refuse(idling.tag, bad('DONE was expected'));
    }
    if (idling.done()) this.endIdle(idling.tag);
    else this.#isBusy = true;
  }

  #tooLong() {
    const { bytes, start, end } = this.#reader;
    const tag = tagOf(bytes, start, end);
    this.#refuse(tag, bad('The line is too long'));
  }

  #handshake(): void {
    this.#after = undefined;
    const before = this.#output.take();
    this.#phase = 'handshake';
    this.#reader = new CommandReader(this.service.policy.limits.lineBytesMax);
    this.#transport.startTls(before, (facts) => {
      this.#tls = facts;
      this.#timeOuts.heardMs = this.service.tickMs;
      this.#phase = 'open';
    });
  }

  #bye(text: string, code = ''): void {
    if (this.#phase !== 'open') return;
    this.respond((writer) => writeStatus(writer, untagged, 'BYE', code, text));
    this.#end();
  }

  #end(): void {
    const last = this.#output.take();
    this.#phase = 'ended';
    this.endedMs = this.service.tickMs;
    this.#letGo();
    this.#transport.end(last);
  }

  /** A bug on the other side of a port: the session cannot know what became of its command. */
  readonly failed = (error: unknown): void => {
    this.service.log.error({ error: String(error) }, 'session failed');
    this.#isBusy = false;
    this.#bye('The server failed', 'SERVERBUG');
  };

  #letGo(): void {
    this.unselect();
    this.#intake?.drop();
    this.#intake = undefined;
    this.#idling = undefined;
    this.#exchange = undefined;
    this.#output.drained();
  }
}
