/**
 * One SMTP or LMTP session: takes octets as they come, runs commands, reads messages, answers.
 *
 * Runs in:   edge (main thread); hot.
 * Specs:     RFC 5321 §3-4, RFC 2920 (PIPELINING: replies of one turn leave in one write), RFC 2033 (LMTP).
 * Limits:    `SmtpLimits`; while an answer is under way at most about `undigestedBytesMax` octets wait here, and
 *            nothing is read while the peer leaves `unsentBytesMax` of replies unread.
 * Invariant: a message is handed over once, whole and canonical, and its transaction's room goes with it.
 */

import { Buffer } from 'node:buffer';
import type { AcceptAnswer } from '../../../actors/asks/reception.ts';
import type { MessageId } from '../../../base/ids.ts';
import { replyClass } from '../../../mail/wire/smtp/reply.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { ScannedSession } from '../../../ports/session-scanners.ts';
import type { PeerFilters } from '../../filters/connection-filters.ts';
import type { Admission } from '../../guard/live-sessions.ts';
import { offeredMechanisms } from '../../guard/sasl.ts';
import type { SaslExchange } from '../../guard/sasl-exchange.ts';
import { LineReader } from '../session/line-reader.ts';
import { logInSession } from '../session/log-in-session.ts';
import type { SessionTransport, TlsSessionFacts } from '../session/transport.ts';
import { HeldOctets } from './buffers.ts';
import type { CommandSession, GreetingVerb, PeerFacts } from './command.ts';
import { continueAuth } from './commands/auth.ts';
import { commandAt } from './commands/table.ts';
import { filtersOf, isRefusedEarly } from './filters.ts';
import { eachReply, finalReply, messageOf } from './handover.ts';
import { authLineBytesMax, turnCommandsMax, writeBytesMax } from './limits.ts';
import { MessageIntake } from './message-intake.ts';
import { isProxy, maySetTerms } from './offers.ts';
import { isDrainLate, overdue } from './overdue.ts';
import { replies } from './replies.ts';
import type { SmtpService } from './service.ts';
import { openingOf, scansOf } from './stages.ts';
import { Transaction } from './transaction.ts';

type Phase = 'command' | 'data' | 'chunk' | 'handshake' | 'ended';

export class SmtpSession implements CommandSession {
  readonly service: SmtpService;
  readonly transaction = new Transaction();
  readonly peer: PeerFacts;
  greetingVerb: GreetingVerb = '';
  heloName = '';
  tls: TlsSessionFacts | undefined;
  account: Account | undefined;
  admission: Admission | undefined;
  filters: PeerFilters | undefined;
  scans: ScannedSession | undefined;
  messageCount = 0;
  isChunking = false;
  /** Coarse time of our last word; 0 while the session lasts. */
  endedMs = 0;

  readonly #transport: SessionTransport;
  /** The peer wants to end too. */
  #isAgreed = false;
  readonly #lines = new LineReader();
  readonly #intake: MessageIntake;
  readonly #realAddress: string;
  readonly #startedMs: number;
  #phase: Phase = 'command';
  #touchedMs: number;
  /** Coarse time of the first `drain`; 0 before it. */
  #drainingFromMs = 0;
  #errorCount = 0;
  /** The next line answers its challenge. */
  #exchange: SaslExchange | undefined;
  /** Replies of this turn. */
  readonly #out = new HeldOctets();
  /** Commands this turn may still run. */
  #commandsLeft = turnCommandsMax;
  /** An answer is under way: what comes is kept in `#undigested`. */
  #isWaiting = false;
  #isPaused = false;
  /** What let its account in did so before, and does no more. */
  #isOver = false;
  readonly #undigested = new HeldOctets();
  /** Of the message that was handed over and not yet answered. */
  #messageId: MessageId | undefined;
  #messageBytes = 0;
  #rcptEnds: readonly number[] = [];

  /** `tls` is set where TLS came before the first word. */
  constructor(
    service: SmtpService,
    transport: SessionTransport,
    address: string,
    port: number,
    tls?: TlsSessionFacts,
  ) {
    this.service = service;
    this.tls = tls;
    this.#transport = transport;
    this.#intake = new MessageIntake(service, this.transaction);
    this.#realAddress = address;
    this.peer = { address, port, isTrusted: false };
    this.#startedMs = service.tickMs;
    this.#touchedMs = service.tickMs;
    this.#judgePeer();
  }

  /** Sends the greeting. */
  open() {
    this.filters = filtersOf(this);
    this.scans = scansOf(this);
    const opening = openingOf(this);
    if (opening === undefined) return this.#greet(undefined);
    this.#isWaiting = true;
    this.#flush();
    opening.then(this.#greet, this.#fail);
  }

  /** Octets from the peer. The session keeps views of them where they are a message's text. */
  receive(chunk: Buffer) {
    this.#touchedMs = this.service.tickMs;
    if (this.#isWaiting || this.#isPaused) return this.#keep(chunk);
    this.#commandsLeft = turnCommandsMax;
    this.#digest(chunk);
    this.#flush();
  }

  /** The peer has read what we wrote. */
  drained() {
    if (!this.#isPaused || this.#phase === 'ended') return;
    this.#isPaused = false;
    this.#digestKept();
  }

  /** The connection is gone; an answer still under way is of no interest. */
  closed(): void {
    this.#phase = 'ended';
    this.scans?.end();
    this.#forget();
  }

  /** Called by the listener's sweep with coarse time: ends a session that is idle, slow or too old. */
  sweep(nowMs: number) {
    if (this.#isWaiting || this.#phase === 'ended') return;
    const isEarly = this.service.logIn?.isRequired === true && this.account === undefined;
    const times = { startedMs: this.#startedMs, touchedMs: this.#touchedMs, isEarly };
    const dataFromMs = this.#intake.fromMs;
    const reply = overdue(nowMs, { ...times, dataFromMs }, this.service.policy.limits);
    if (reply !== undefined) this.#cut(reply);
  }

  /**
   * Going down; called at once and with each sweep. A message whose text is coming may end within `drainDataMsMax`; an
   * envelope alone is no reason to wait (RFC 5321 §3.8: 421 may come at any time).
   */
  drain() {
    if (this.#isWaiting || this.#phase === 'ended' || this.#phase === 'handshake') return;
    const isTextComing = this.#phase !== 'command' || this.isChunking;
    this.#drainingFromMs ||= this.service.tickMs;
    if (!isTextComing || isDrainLate(this.service, this.#drainingFromMs))
      this.#cut(replies.draining);
  }

  /** Ends without a word. */
  destroy(): void {
    this.#transport.destroy();
  }

  get canStartTls(): boolean {
    return this.tls === undefined && this.#transport.canStartTls;
  }

  get canXclient(): boolean {
    return isProxy(this.service, this.#realAddress);
  }

  get canLogIn(): boolean {
    return this.service.logIn !== undefined && this.tls !== undefined && this.account === undefined;
  }

  get mechanisms(): readonly string[] {
    return offeredMechanisms(logInSession(this.service, this.peer.address, this.tls));
  }

  /** RFC 8689 §3: under TLS only. */
  get canRequireTls(): boolean {
    return this.tls !== undefined && this.service.dialect === 'smtp';
  }

  get canSetTerms(): boolean {
    return maySetTerms(this);
  }

  get isEnded(): boolean {
    return this.#phase === 'ended';
  }

  reply(reply: Buffer) {
    // A directory or a log-in may answer after the peer left.
    if (this.#phase === 'ended') return;
    this.service.observer.reply(this.service.name, replyClass(reply));
    this.#out.add(reply);
  }

  refuse(reply: Buffer) {
    this.#errorCount++;
    if (this.#errorCount > this.service.policy.limits.errorsMax) this.end(replies.errorsTooMany);
    else this.reply(reply);
  }

  end(reply: Buffer) {
    this.reply(reply);
    this.#phase = 'ended';
    this.endedMs = this.service.tickMs;
    this.#forget();
  }

  quit(): void {
    this.#isAgreed = true;
    this.end(replies.bye);
  }

  beginData(): void {
    this.#intake.begin('dots');
    this.#phase = 'data';
  }

  beginChunk(bytes: number, isLast: boolean, refusal: Buffer | undefined): void {
    const intake = this.#intake;
    if (!this.isChunking) {
      intake.begin(this.transaction.mail?.body === 'binarymime' ? 'binary' : 'counted');
    }
    if (refusal === undefined) this.isChunking = true;
    else intake.refuse(refusal);
    intake.chunkBytesLeft = bytes;
    intake.chunkIsLast = isLast;
    this.#phase = 'chunk';
    if (bytes === 0) this.#endChunk();
  }

  resetTransaction(): void {
    this.transaction.abort(this.service.reception);
    this.scans?.reset();
    this.isChunking = false;
    this.#intake.end();
  }

  startTls(): void {
    this.#phase = 'handshake';
    this.#forget();
    this.service.observer.reply(this.service.name, 2);
    const before = Buffer.concat([...this.#out.take(), replies.startTls]);
    this.#transport.startTls(before, (facts) => {
      this.tls = facts;
      this.#touchedMs = this.service.tickMs;
      this.#phase = 'command';
    });
  }

  beginExchange(exchange: SaslExchange): void {
    this.#exchange = exchange;
  }

  loggedIn(account: Account, admission: Admission): void {
    this.account = account;
    this.admission = admission;
    this.peer.isTrusted = true;
    this.service.logIn?.live?.enter(this);
  }

  /** RFC 5321 §3.8: 421 at any time, but not in place of the answer to what was handed over. */
  accessEnded(): void {
    this.#isOver = true;
    if (!this.#isWaiting && this.#phase !== 'ended') this.#cut(replies.accessEnded);
  }

  restart(): void {
    this.#forget();
    this.#judgePeer();
    this.filters = filtersOf(this);
    this.scans = scansOf(this);
  }

  readonly #greet = (refusal: Buffer | undefined): void => {
    this.#isWaiting = false;
    if (this.#phase === 'ended') return;
    if (this.#undigested.bytes > 0 && isRefusedEarly(this)) this.end(replies.talkedEarly);
    else if (refusal !== undefined) this.end(refusal);
    else this.reply(this.service.banner);
    this.#digestKept();
  };

  #digest(chunk: Buffer) {
    let at = 0;
    while (at < chunk.length) {
      // What comes between STARTTLS and its handshake is dropped here (RFC 3207 §4.2).
      if (this.#phase === 'ended' || this.#phase === 'handshake') return;
      if (this.#out.bytes > writeBytesMax) this.#flush();
      if (this.#isWaiting || this.#isPaused) {
        return this.#keep(at === 0 ? chunk : chunk.subarray(at));
      }
      if (this.#phase === 'data') {
        at = this.#readData(chunk, at);
      } else if (this.#phase === 'chunk') {
        at = this.#intake.readChunk(chunk, at);
        if (this.#intake.chunkBytesLeft === 0) this.#endChunk();
      } else {
        at = this.#readLine(chunk, at);
      }
      this.#heedStream();
    }
  }

  /** A large message's shard lags behind: its peer is read from again once it has caught up. */
  #heedStream() {
    if (!this.#intake.isFull || this.#isWaiting || this.#phase === 'ended') return;
    this.#isWaiting = true;
    this.#intake.whenReady(this.#resume);
  }

  #readData(chunk: Buffer, from: number): number {
    const end = this.#intake.readData(chunk, from);
    if (end < 0) return chunk.length;
    this.#phase = 'command';
    const { refusal } = this.#intake;
    if (refusal === undefined) this.#handOver();
    else this.#refuseMessage(refusal);
    return end;
  }

  #endChunk(): void {
    const intake = this.#intake;
    this.#phase = 'command';
    if (intake.chunkIsLast && this.isChunking) {
      intake.finishChunks();
      if (intake.refusal === undefined) this.#handOver();
      else this.#refuseMessage(intake.refusal);
    } else if (intake.refusal === undefined) {
      this.reply(replies.chunkOk);
    } else {
      this.refuse(intake.refusal);
      if (!this.isChunking) intake.end();
    }
  }

  /** Runs the command of the line at `from`; answers the offset after it. */
  #readLine(chunk: Buffer, from: number): number {
    const { limits } = this.service.policy;
    const lineBytesMax = this.canLogIn
      ? Math.max(limits.commandLineBytesMax, authLineBytesMax)
      : limits.commandLineBytesMax;
    const lines = this.#lines;
    const end = lines.read(chunk, from, lineBytesMax);
    if (lines.finding === 'line') this.#runLine(lines.take(), lines.from, lines.to);
    else if (lines.finding === 'too-long') this.refuse(replies.lineTooLong);
    else if (lines.finding === 'bare-newline') this.refuse(replies.bareNewline);
    if (--this.#commandsLeft === 0 && !this.#isWaiting) {
      this.#isWaiting = true;
      setImmediate(this.#resume);
    }
    return end;
  }

  #runLine(line: Buffer, from: number, to: number) {
    const { service } = this;
    if (this.#exchange !== undefined) {
      const exchange = this.#exchange;
      this.#exchange = undefined;
      return this.#await(continueAuth(this, exchange, line, from, to));
    }
    const command = commandAt(service.dialect, line, from, to);
    service.observer.command(service.name, command?.name ?? 'unknown');
    if (command === undefined) return this.refuse(replies.unknownCommand);
    if (this.greetingVerb === '' && command.isEarly !== true) {
      return this.refuse(replies.helloFirst);
    }
    this.#await(command.run(this, line, from + command.name.length, to));
  }

  #await(running: void | Promise<void>): void {
    if (running === undefined) return;
    this.#isWaiting = true;
    running.then(this.#resume, this.#fail);
  }

  #handOver(): void {
    const { reception, dialect } = this.service;
    const message = messageOf(this, this.#intake.reader, this.#intake.takeStream());
    this.#messageId = message.arrival.id;
    this.#messageBytes = message.bodyBytes;
    this.messageCount++;
    this.#rcptEnds = this.transaction.rcptEnds;
    const heldBytes = this.transaction.handOver();
    this.isChunking = false;
    this.#intake.end();
    this.#isWaiting = true;
    if (dialect === 'smtp') reception.accept(message, heldBytes).then(this.#answered, this.#fail);
    else reception.acceptEach(message, heldBytes).then(this.#answeredEach, this.#fail);
  }

  readonly #answered = (answer: AcceptAnswer): void => {
    this.scans?.reset();
    this.service.observer.message(this.service.name, this.#messageBytes, answer.ok);
    if (this.#phase === 'ended') return;
    if (!answer.ok && answer.code === 'draining') this.end(replies.draining);
    else this.reply(finalReply(answer, this.#messageId!));
    this.#resume();
  };

  readonly #answeredEach = (answers: readonly AcceptAnswer[]): void => {
    const isTaken = answers.some(({ ok }) => ok);
    this.service.observer.message(this.service.name, this.#messageBytes, isTaken);
    if (this.#phase === 'ended') return;
    for (const reply of eachReply(answers, this.#rcptEnds, this.#messageId!)) this.reply(reply);
    this.#resume();
  };

  /** RFC 2033 §4.2: LMTP refuses once for each recipient, so that the count of replies stays right. */
  #refuseMessage(refusal: Buffer) {
    const { observer, name, dialect } = this.service;
    observer.message(name, this.#intake.reader.bytes, false);
    const repeats = dialect === 'lmtp' ? this.transaction.rcptCount : 1;
    this.resetTransaction();
    for (let i = 1; i < repeats; i++) this.reply(refusal);
    this.refuse(refusal);
  }

  readonly #resume = (): void => {
    this.#isWaiting = false;
    if (this.#isOver && this.#phase !== 'ended') this.end(replies.accessEnded);
    if (this.#phase === 'ended') this.#flush();
    else this.#digestKept();
  };

  /** A bug on the other side of a port: the session cannot know what became of its command. */
  readonly #fail = (error: unknown): void => {
    this.#isWaiting = false;
    this.service.log.error({ error: String(error) }, 'session failed');
    if (this.#phase === 'ended') return;
    this.end(replies.failed);
    this.#flush();
  };

  #keep(chunk: Buffer) {
    if (this.#phase === 'ended') return;
    this.#undigested.add(chunk);
    if (this.#undigested.bytes > this.service.policy.limits.undigestedBytesMax) {
      this.#transport.pause();
    }
  }

  #digestKept() {
    this.#commandsLeft = turnCommandsMax;
    for (const chunk of this.#undigested.bytes > 0 ? this.#undigested.take() : []) {
      if (this.#isWaiting || this.#isPaused) this.#keep(chunk);
      else this.#digest(chunk);
    }
    this.#flush();
    if (this.#undigested.bytes === 0 && !this.#isPaused && this.#phase !== 'ended') {
      this.#transport.resume();
    }
  }

  /** RFC 2920 §3.2: all replies of a turn in one write. */
  #flush() {
    const isLast = this.#phase === 'ended';
    if (this.#out.bytes === 0) return;
    const out = this.#out.take();
    const bytes = out.length === 1 ? out[0]! : Buffer.concat(out);
    if (isLast) return this.#transport.end(bytes, this.#isAgreed);
    this.#transport.write(bytes);
    if (this.#transport.unsentBytes > this.service.policy.limits.unsentBytesMax) {
      this.#isPaused = true;
      this.#transport.pause();
    }
  }

  #cut(reply: Buffer): void {
    this.end(reply);
    this.#flush();
  }

  /** Nothing the peer said or sent before counts any longer. */
  #forget(): void {
    this.resetTransaction();
    this.greetingVerb = '';
    this.heloName = '';
    this.service.logIn?.live?.leave(this);
    this.account = undefined;
    this.#lines.clear();
    this.#exchange = undefined;
    this.#undigested.clear();
  }

  #judgePeer() {
    const { dialect, policy } = this.service;
    // LMTP clients were let in by the listener's allow list, as peers of our own system.
    this.peer.isTrusted = dialect === 'lmtp' || policy.relayNetworks.has(this.peer.address);
  }
}
