/**
 * One IMAP session: its life from the greeting to the end, and what it believes.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9051 §3, §5.3-5.4.
 * Limits:    `ImapLimits`. While the client leaves `unsentBytesMax` unread nothing more is asked for.
 * Invariant: mail state lives in the engine: the session keeps what it told (`SelectedMailbox`).
 */

import type { Buffer } from 'node:buffer';
import type { Answer } from '../../../actors/ask.ts';
import {
  accountIn,
  type ImapAsk,
  type PackedRead,
  readBy,
} from '../../../actors/asks/imap-asks.ts';
import { assert } from '../../../base/assert.ts';
import type { AccountId } from '../../../base/ids.ts';
import type { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import { untagged, writeStatus } from '../../../mail/wire/imap/response-status.ts';
import type { Account, Eventually } from '../../../ports/account-directory.ts';
import { identifierOf } from '../../../ports/groups.ts';
import type { Admission } from '../../guard/live-sessions.ts';
import type { SaslExchange } from '../../guard/sasl-exchange.ts';
import { TimeOuts } from '../session/time-outs.ts';
import type { SessionTransport, TlsSessionFacts } from '../session/transport.ts';
import type { ImapAskOptions, KeptAskOptions } from './account-asks.ts';
import { capabilityNames } from './capabilities.ts';
import type { CompressionFault } from './compression.ts';
import { type ConnectedSession, Connection } from './connection.ts';
import { Dialogue, type SpokenSession } from './dialogue.ts';
import { News, type NewsSession } from './news.ts';
import { closeRecent } from './recent.ts';
import type { SelectedMailbox } from './selected.ts';
import type { ImapService } from './service.ts';

type Phase = 'open' | 'handshake' | 'ended';

export class ImapSession implements SpokenSession, NewsSession, ConnectedSession {
  readonly service: ImapService;
  readonly peerAddress: string;
  readonly news: News;
  account: Account | undefined;
  admission: Admission | undefined;
  selected: SelectedMailbox | undefined;
  isRev2 = false;
  isUtf8Accepted = false;
  isCondstore = false;
  isQresync = false;
  isUidOnly = false;
  isMetadata = false;
  /** Coarse time of our last word; 0 while the session lasts. */
  endedMs = 0;

  readonly #connection: Connection;
  readonly #dialogue: Dialogue;
  #timeOuts: TimeOuts;
  /** Whose mail it used, of others. */
  #usedOwners: Set<AccountId> | undefined;
  #phase: Phase = 'open';

  /** `tls` is set where TLS came before the first word. */
  constructor(
    service: ImapService,
    transport: SessionTransport,
    address: string,
    tls?: TlsSessionFacts,
  ) {
    this.service = service;
    this.peerAddress = address;
    this.#connection = new Connection(this, transport, tls);
    this.#dialogue = new Dialogue(this);
    this.news = new News(this, this.#dialogue);
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
    if (this.#phase === 'open') this.#connection.receive(chunk);
  }

  said(octets: Buffer): void {
    if (this.#phase === 'open') this.#dialogue.receive(octets);
  }

  /** The client has read what we wrote. */
  drained(): void {
    this.#connection.drained();
    if (this.#phase !== 'open') return;
    this.news.look();
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
    else if (timeOut === 'quiet') this.news.quiet();
    else if (this.#timeOuts.isSilent(nowMs)) {
      this.#connection.rest();
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
    this.#connection.destroy();
  }

  get tls(): TlsSessionFacts | undefined {
    return this.#connection.tls;
  }

  get canStartTls(): boolean {
    return this.#connection.canStartTls;
  }

  get mayLogIn(): boolean {
    return this.tls !== undefined || this.service.policy.clearNetworks.has(this.peerAddress);
  }

  get isLoggedIn(): boolean {
    return this.account !== undefined;
  }

  get isBusy(): boolean {
    return this.#dialogue.isBusy;
  }

  get isIdling(): boolean {
    return this.news.isIdling;
  }

  get unsentBytes(): number {
    return this.#connection.unsentBytes;
  }

  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  get isEnded(): boolean {
    return this.#phase === 'ended';
  }

  get isFull(): boolean {
    return this.#connection.isFull;
  }

  mustWait(): boolean {
    return this.#connection.mustWait();
  }

  get isLeaving(): boolean {
    return this.#connection.isLeaving;
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
    this.#connection.send(octets);
  }

  room(): Promise<void> | undefined {
    return this.#connection.room();
  }

  ask(name: ImapAsk, meta: unknown, options: ImapAskOptions = {}): Promise<Answer> {
    const about = accountIn(meta);
    const isOwn = about === this.account!.id;
    const { to = isOwn ? this.account! : this.owner, ...rest } = options;
    assert(about === to.id, 'an ask goes to the account it is about');
    const read = this.#read(meta);
    const { asks } = this.service;
    if (!(read instanceof Promise)) return asks.ask(to, name, read, rest);
    return read.then((late) => asks.ask(to, name, late, rest));
  }

  async askKept(name: ImapAsk, meta: unknown, { weigh, ...options }: KeptAskOptions = {}) {
    const read = this.#read(meta);
    const question = JSON.stringify([name, read instanceof Promise ? await read : read]);
    const ask = () => this.ask(name, meta, options);
    return await this.service.kept.ask(accountIn(meta), question, ask, weigh);
  }

  /** Whose mailboxes they are decides by itself for the owner: groups are not looked up. */
  #read(meta: unknown): Eventually<PackedRead> {
    const account = this.account!;
    if (accountIn(meta) === account.id) return readBy(account, meta);
    const groups = this.service.accounts.groupsOf(account.id);
    if (groups instanceof Promise) {
      return groups.then((late) => readBy(account, meta, late.map(identifierOf)));
    }
    return readBy(account, meta, groups.map(identifierOf));
  }

  /** The first time of each owner but the session's own account. */
  usedMailOf(owner: Account): void {
    const reader = this.account!;
    if (owner.id === reader.id || this.#usedOwners?.has(owner.id) === true) return;
    this.#usedOwners ??= new Set();
    this.#usedOwners.add(owner.id);
    const { witness, name: listener } = this.service;
    witness.sharedMail({ reader, owner, listener, peer: this.peerAddress });
  }

  get owner(): Account {
    return this.selected?.owner ?? this.account!;
  }

  unselect(): void {
    const { selected } = this;
    if (selected === undefined) return;
    this.selected = undefined;
    closeRecent(this, selected);
    this.service.notices.unwatch(selected.owner.id, selected.mailbox, this.news);
  }

  loggedIn(account: Account, admission: Admission): void {
    this.account = account;
    this.admission = admission;
    this.service.logIn.live?.enter(this);
    this.#dialogue.admitted(true);
  }

  /** RFC 9051 §7.1.5: at any time. */
  accessEnded(): void {
    this.bye('You are logged out');
  }

  loggedOut(): void {
    this.service.logIn.live?.leave(this);
    this.#usedOwners = undefined;
    this.unselect();
    this.news.end();
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
    this.#connection.turnTo('tls');
  }

  compress(): 'begun' | 'active' | 'full' | 'too-early' {
    return this.#connection.compress(this.#dialogue.hasMore);
  }

  compressionFailed(fault: CompressionFault): void {
    this.noteCutOff(`compression-${fault}`);
    this.bye('What you sent cannot be inflated');
  }

  end(): void {
    this.#connection.turnTo('end');
  }

  cut(): void {
    this.destroy();
    this.closed();
  }

  pauseReading(isPaused: boolean): void {
    this.#connection.pauseReading(isPaused);
  }

  leave(): void {
    const turn = this.#connection.leave();
    if (turn === 'end') this.#end();
    else if (turn === 'tls') this.#handshake();
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
    const reading = this.#connection.sweep(nowMs);
    if (reading === 'read') this.drained();
    else if (reading === 'slow') this.#cutOff('slow');
  }

  #cutOff(reason: 'stalled' | 'slow'): void {
    this.noteCutOff(reason);
    this.cut();
  }

  #handshake(): void {
    this.#phase = 'handshake';
    this.#dialogue.startAnew();
    this.#connection.startTls(() => {
      this.#timeOuts.heardMs = this.service.tickMs;
      this.#phase = 'open';
    });
  }

  #end(): void {
    const last = this.#connection.take();
    this.#phase = 'ended';
    this.endedMs = this.service.tickMs;
    this.#letGo();
    this.#connection.end(last);
  }

  #letGo(): void {
    this.service.logIn.live?.leave(this);
    this.unselect();
    this.#dialogue.letGo();
    this.news.end();
    this.#connection.letGo();
  }
}
