/**
 * One IMAP session: its life from the greeting to the end, what it believes, and the telling of changes.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §3, §5.2-5.4, §7.
 * Limits:    `ImapLimits`. While the client leaves `unsentBytesMax` unread nothing more is asked for.
 * Invariant: mail state lives in the engine: the session keeps what it told (`SelectedMailbox`).
 */

import type { Buffer } from 'node:buffer';
import type { Answer } from '../../../actors/ask.ts';
import {
  accountIn,
  type ImapAsk,
  type MailboxChange,
  readBy,
} from '../../../actors/asks/imap-asks.ts';
import { assert } from '../../../base/assert.ts';
import type { NotifyCommand } from '../../../mail/wire/imap/parse-notify.ts';
import type { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import { untagged, writeStatus } from '../../../mail/wire/imap/response-status.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { SaslExchange } from '../../guard/sasl.ts';
import type { MailboxWatcher } from '../../notices/hub.ts';
import { Output } from '../session/output.ts';
import { TimeOuts } from '../session/time-outs.ts';
import type { SessionTransport, TlsSessionFacts } from '../session/transport.ts';
import { Unsent } from '../session/unsent.ts';
import type { ImapAskOptions, KeptAskOptions } from './account-asks.ts';
import { bad, type CommandEnd, ok } from './answers.ts';
import { capabilityNames } from './capabilities.ts';
import { type CompressedSession, Compression, type CompressionFault } from './compression.ts';
import { Dialogue, type SpokenSession } from './dialogue.ts';
import { Idling, type IdlingSession } from './idling.ts';
import { type NotifiedSession, Notifying } from './notifying.ts';
import { closeRecent } from './recent.ts';
import type { SelectedMailbox } from './selected.ts';
import type { ImapService } from './service.ts';
import { noteChange, tellArrival, tellChanges } from './telling.ts';

type Phase = 'open' | 'handshake' | 'ended';

export class ImapSession
  implements SpokenSession, IdlingSession, NotifiedSession, CompressedSession, MailboxWatcher
{
  readonly service: ImapService;
  readonly peerAddress: string;
  readonly watcher: MailboxWatcher = this;
  account: Account | undefined;
  selected: SelectedMailbox | undefined;
  isRev2 = false;
  isUtf8Accepted = false;
  isCondstore = false;
  isQresync = false;
  isUidOnly = false;
  isMetadata = false;
  /** Coarse time of our last word; 0 while the session lasts. */
  endedMs = 0;
  idling: Idling | undefined;
  /** Since the client said NOTIFY. */
  #notifying: Notifying | undefined;

  #transport: SessionTransport;
  #compression: Compression | undefined;
  readonly #output: Output;
  readonly #dialogue: Dialogue;
  #timeOuts: TimeOuts;
  #tls: TlsSessionFacts | undefined;
  #phase: Phase = 'open';
  readonly #unsent: Unsent;
  #after: 'end' | 'tls' | 'compression' | undefined;

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
    this.#unsent = new Unsent(service);
    this.#tls = tls;
    this.#dialogue = new Dialogue(this);
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
    if (this.#compression === undefined) this.#dialogue.receive(chunk);
    else this.#compression.receive(chunk);
  }

  said(octets: Buffer): void {
    if (this.#phase === 'open') this.#dialogue.receive(octets);
  }

  /** The client has read what we wrote. */
  drained(): void {
    this.#output.drained();
    if (this.#phase !== 'open') return;
    this.#look();
    this.#dialogue.pump();
  }

  /** The connection is gone. */
  closed(): void {
    this.#phase = 'ended';
    this.#letGo();
  }

  /** Called by the listener's sweep with coarse time. */
  sweep(nowMs: number): void {
    if (this.#phase !== 'open') return;
    this.#sweepUnsent(nowMs);
    this.#dialogue.sweep(nowMs);
    const timeOut = this.#timeOuts.check(nowMs, this, this.service.policy.limits);
    if (timeOut === 'early') this.bye('No log-in came');
    else if (timeOut === 'idle') this.bye('Idle for too long');
    else if (timeOut === 'stalled') this.#cutOff('stalled');
    else if (timeOut === 'quiet') {
      this.respond((writer) => writeStatus(writer, untagged, 'OK', '', 'Still here'));
      if (this.#notifying === undefined) this.idling?.quiet();
      else this.#lookAtAll(this.#notifying);
    } else if (this.#timeOuts.isSilent(nowMs)) {
      this.#compression?.rest();
      this.#dialogue.rest();
    }
  }

  /** Going down: ends at once, or with the command that runs. */
  drain(): void {
    if (this.#phase === 'open' && this.#dialogue.isAtRest) {
      this.bye('The server goes down', 'UNAVAILABLE');
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

  get mayLogIn(): boolean {
    return this.isSecure || this.service.policy.clearNetworks.has(this.peerAddress);
  }

  get isLoggedIn(): boolean {
    return this.account !== undefined;
  }

  get isBusy(): boolean {
    return this.#dialogue.isBusy;
  }

  get isIdling(): boolean {
    return this.idling !== undefined;
  }

  get unsentBytes(): number {
    return this.#transport.unsentBytes;
  }

  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  get isEnded(): boolean {
    return this.#phase === 'ended';
  }

  get isFull(): boolean {
    return this.#unsent.isFull(this.#transport.unsentBytes);
  }

  mustWait(): boolean {
    return this.#unsent.mustWait(this.#transport.unsentBytes);
  }

  get isLeaving(): boolean {
    return this.#after !== undefined;
  }

  respond(write: (writer: ResponseWriter) => void): void {
    const { writer } = this.service;
    // RFC 9051 §5.1: names and strings are UTF-8 from then on.
    writer.isUtf8 = this.isRev2 || this.isUtf8Accepted;
    write(writer);
    for (const piece of writer.take()) this.send(piece);
  }

  send(octets: Uint8Array): void {
    if (this.#phase !== 'open') return;
    this.#timeOuts.spokeMs = this.service.tickMs;
    this.#unsent.sent(octets.byteLength);
    this.#output.add(octets);
  }

  room(): Promise<void> | undefined {
    this.#output.flush();
    return this.mustWait() ? this.#output.wait() : undefined;
  }

  ask(name: ImapAsk, meta: unknown, options: ImapAskOptions = {}): Promise<Answer> {
    const about = accountIn(meta);
    const isOwn = about === this.account!.id;
    const { to = isOwn ? this.account! : this.owner, ...rest } = options;
    assert(about === to.id, 'an ask goes to the account it is about');
    return this.service.asks.ask(to, name, readBy(this.account!, meta), rest);
  }

  askKept(name: ImapAsk, meta: unknown, { weigh, ...options }: KeptAskOptions = {}) {
    const question = JSON.stringify([name, readBy(this.account!, meta)]);
    const ask = () => this.ask(name, meta, options);
    return this.service.kept.ask(accountIn(meta), question, ask, weigh);
  }

  get owner(): Account {
    return this.selected?.owner ?? this.account!;
  }

  unselect(): void {
    const { selected } = this;
    if (selected === undefined) return;
    this.selected = undefined;
    closeRecent(this, selected);
    this.service.notices.unwatch(selected.owner.id, selected.mailbox, this);
  }

  loggedIn(account: Account): void {
    this.account = account;
    this.#dialogue.admitted(true);
  }

  loggedOut(): void {
    this.unselect();
    this.#notifying?.end();
    this.#notifying = undefined;
    // RFC 8437 §3: what was enabled is so no more. TLS and compression are the connection's.
    this.isRev2 = false;
    this.isUtf8Accepted = false;
    this.isCondstore = false;
    this.isQresync = false;
    this.isUidOnly = false;
    this.isMetadata = false;
    this.account = undefined;
    this.#timeOuts = new TimeOuts(this.service.tickMs);
    this.#dialogue.admitted(false);
  }

  expectResponse(exchange: SaslExchange, tag: string): void {
    this.#dialogue.expectResponse(exchange, tag);
  }

  startTls(): void {
    this.#after = 'tls';
  }

  idle(tag: string): void {
    this.idling = new Idling(tag, this);
    this.#dialogue.expectDone();
    this.#look();
  }

  doneIdling(isDone: boolean): void {
    const { idling } = this;
    if (idling === undefined) return;
    const end = isDone ? ok('IDLE done') : bad('DONE was expected');
    if (idling.done(end)) this.endIdle(idling.tag, end);
    else this.#dialogue.hold();
  }

  endIdle(tag: string, end: CommandEnd): void {
    this.idling = undefined;
    this.#dialogue.answer(tag, end);
    if (this.#dialogue.isBusy) this.#dialogue.goOn();
  }

  compress(): 'begun' | 'active' | 'full' | 'too-early' {
    if (this.#compression !== undefined) return 'active';
    if (this.#dialogue.hasMore) return 'too-early';
    const { compressionSlots, policy } = this.service;
    if (!compressionSlots.take(policy.limits.compressedSessionsMax)) return 'full';
    this.#compression = new Compression(this.#transport, this);
    this.#after = 'compression';
    return 'begun';
  }

  compressionFailed(fault: CompressionFault): void {
    this.noteCutOff(`compression-${fault}`);
    this.bye('What you sent cannot be inflated');
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
    if (!noteChange(selected, change)) return;
    if (this.#notifying === undefined) this.idling?.changed(selected, change, wasStale);
    else this.#lookAt(this.#notifying);
  }

  async tell(mayExpunge = true): Promise<void> {
    const { selected } = this;
    const uidNext = selected?.uidNext ?? 0;
    if (!(await tellChanges(this, { mayExpunge, tellsFlags: true }))) this.mailboxGone();
    else if (selected !== undefined) await this.#notifying?.tellNew(selected, uidNext);
  }

  mailboxGone(): void {
    this.bye('The mailbox was deleted, or too much of it changed');
  }

  async notify(command: NotifyCommand): Promise<'begun' | 'overflow' | 'failed'> {
    const begun = await Notifying.begin(this, command);
    if (!(begun instanceof Notifying)) return begun;
    this.#notifying?.end();
    this.#notifying = begun;
    if (this.isEnded) begun.end();
    return 'begun';
  }

  /** Between commands, and while the client idles: a response under way is not broken into. */
  notifySoon(): void {
    const notifying = this.#notifying;
    if (notifying?.isDue !== true || !this.#dialogue.isAtRest) return;
    if (this.#phase !== 'open' || this.mustWait()) return;
    this.#dialogue.hold();
    notifying.tell().then(
      () => this.#dialogue.goOn(),
      (error: unknown) => this.failed(error),
    );
  }

  rested(): void {
    if (this.#notifying !== undefined) this.notifySoon();
  }

  /** Tells what is due, if the client is to hear of it now. */
  #look(): void {
    if (this.#notifying === undefined) this.idling?.look();
    else if (this.selected?.isStale === true) this.#lookAt(this.#notifying);
    else this.notifySoon();
  }

  #lookAt(notifying: Notifying): void {
    notifying.selectedChanged();
    this.notifySoon();
  }

  #lookAtAll(notifying: Notifying): void {
    notifying.quiet();
    if (this.selected !== undefined) this.selected.isStale = true;
    this.notifySoon();
  }

  tellArrival(change: MailboxChange): void {
    tellArrival(this, this.selected!, change);
  }

  pauseReading(isPaused: boolean): void {
    if (isPaused) {
      this.#unsent.watch(this.#transport.unsentBytes);
      this.#transport.pause();
    } else this.#transport.resume();
  }

  leave(): void {
    if (this.#after === 'end') this.#end();
    else if (this.#after === 'tls') this.#handshake();
    else if (this.#after === 'compression') {
      this.#after = undefined;
      this.#transport = this.#compression!;
      this.#output.goThrough(this.#transport);
    }
  }

  bye(text: string, code = ''): void {
    if (this.#phase !== 'open') return;
    this.respond((writer) => writeStatus(writer, untagged, 'BYE', code, text));
    this.#end();
  }

  noteCutOff(reason: string): void {
    const { observer, log, name } = this.service;
    observer.cutOff(name, reason);
    log.info({ peer: this.peerAddress, reason }, 'session cut off');
  }

  /** A bug on the other side of a port: the session cannot know what became of its command. */
  failed(error: unknown): void {
    this.service.log.error({ error: String(error) }, 'session failed');
    this.bye('The server failed', 'SERVERBUG');
  }

  #sweepUnsent(nowMs: number): void {
    const reading = this.#unsent.sweep(nowMs, this.#transport.unsentBytes);
    if (reading === 'read') this.drained();
    else if (reading === 'slow') this.#cutOff('slow');
  }

  #cutOff(reason: 'stalled' | 'slow'): void {
    this.noteCutOff(reason);
    this.cut();
  }

  #handshake(): void {
    this.#after = undefined;
    const before = this.#output.take();
    this.#phase = 'handshake';
    this.#dialogue.startAnew();
    this.#transport.startTls(before, (facts) => {
      this.#tls = facts;
      this.#timeOuts.heardMs = this.service.tickMs;
      this.#phase = 'open';
    });
  }

  #end(): void {
    const last = this.#output.take();
    this.#phase = 'ended';
    this.endedMs = this.service.tickMs;
    this.#letGo();
    this.#transport.end(last);
  }

  #letGo(): void {
    this.unselect();
    if (this.#compression !== undefined) {
      this.#compression = undefined;
      this.service.compressionSlots.give();
    }
    this.#dialogue.letGo();
    this.idling = undefined;
    this.#notifying?.end();
    this.#notifying = undefined;
    this.#unsent.end();
    this.#output.drained();
  }
}
