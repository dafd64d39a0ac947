/**
 * One listening address: accepts connections within caps and allow lists, reads the proxy's header and negotiates
 * TLS where it comes first, and hands over sockets that are ready for a session.
 *
 * Runs in:   edge (main thread).
 * Limits:    `connectionsMax`, `connectionsPerAddressMax` (refused with 421); `preambleMsMax` for header and handshake.
 * Invariant: behind a proxy all policy sees the real peer: without a good header from a listed proxy there is no
 *            session.
 */

import { Buffer } from 'node:buffer';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type NetworkSet, plainAddress } from '../../base/networks.ts';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import { type ConnectionCaps, ConnectionCounts } from '../guard/connection-counts.ts';
import type { SessionObserver } from '../protocols/session/observer.ts';
import type { TlsSessionFacts } from '../protocols/session/transport.ts';
import { replies } from '../protocols/smtp/replies.ts';
import { parseProxyHeader } from './proxy-header.ts';
import { destroying, factsOf, type TlsSource, tlsSocketOptions } from './tls.ts';

/** Connections the kernel holds that we have not accepted. */
const backlogMax = 1_024;

/** How long a refused peer may take to read why. */
const refusalMsMax = 2 * secondMs;
const preambleMsMax = 30 * secondMs;

/** One for all: ten thousand sessions have ten thousand of each listener that is made for them. */
function ignored(): void {}

type Refusals = Pick<typeof replies, 'peerNotAllowed' | 'connectionsTooMany' | 'banned'>;

export interface AcceptedConnection {
  readonly socket: Socket;
  /** The real peer's, behind a proxy too. */
  readonly address: string;
  readonly port: number;
  /** Set where TLS came before the first word. */
  readonly tls: TlsSessionFacts | undefined;
}

export interface AcceptorOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly limits: ConnectionCaps;
  /** Shared by the listeners whose connections are counted together; absent: this one's alone. */
  readonly counts?: ConnectionCounts;
  /** Peers that may connect at all; absent: any. */
  readonly allowNetworks?: NetworkSet;
  /** Proxies; when not empty, only they may connect and their header is required. */
  readonly proxyNetworks: NetworkSet;
  /** Peers whose connections are counted in all only, not by address: our own networks. */
  readonly uncountedNetworks?: NetworkSet;
  /** Whether the real peer is turned away now; absent: nobody is. */
  readonly isBanned?: (address: string) => boolean;
  /** TLS from the first octet on. */
  readonly implicitTls?: TlsSource;
  /** What a refused peer is told, in its protocol's words; absent: in SMTP's. */
  readonly refusals?: Refusals;
  readonly clock: Clock;
  readonly observer: SessionObserver;
}

export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #connected: (connection: AcceptedConnection) => void;
  readonly #server: Server;
  readonly #counts: ConnectionCounts;
  readonly #preambles = new Set<Socket>();
  readonly #refusals: Refusals;

  /** `connected` owns the socket from then on. */
  constructor(options: AcceptorOptions, connected: (connection: AcceptedConnection) => void) {
    this.#options = options;
    this.#connected = connected;
    this.#counts = options.counts ?? new ConnectionCounts();
    this.#refusals = options.refusals ?? replies;
    this.#server = createServer({ noDelay: true, allowHalfOpen: false }, (socket) =>
      this.#accept(socket),
    );
  }

  /** Resolves with the address bound, once connections are taken. */
  listen(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog: backlogMax }, () => {
        this.#server.off('error', reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** Takes no more connections; resolves when the last one has ended. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#preambles) socket.destroy();
    return closed;
  }

  #accept(socket: Socket) {
    const { allowNetworks, proxyNetworks } = this.#options;
    const address = plainAddress(socket.remoteAddress ?? '');
    const port = socket.remotePort ?? 0;
    // 'close' follows an error and says all there is to say: the peer is gone.
    socket.on('error', ignored);
    if (allowNetworks !== undefined && !allowNetworks.has(address)) {
      return this.#refuse(socket, 'address', this.#refusals.peerNotAllowed);
    }
    if (proxyNetworks.isEmpty) return this.#count(socket, address, port);
    if (!proxyNetworks.has(address))
      return this.#refuse(socket, 'proxy', this.#refusals.peerNotAllowed);
    this.#readProxyHeader(socket, address, port);
  }

  #refuse(
    socket: Socket,
    reason: 'connections' | 'address' | 'proxy' | 'banned',
    reply: Buffer,
  ): void {
    const { name, observer, implicitTls, clock } = this.#options;
    observer.refused(name, reason);
    if (implicitTls !== undefined) {
      socket.destroy();
      return;
    }
    // Read what the peer sends, or the reply is lost to a reset; and not for long, as no cap counts this socket.
    socket.resume();
    socket.end(reply);
    const timer = clock.setTimer(refusalMsMax, () => socket.destroy());
    socket.once('close', () => timer.cancel());
  }

  #readProxyHeader(socket: Socket, proxyAddress: string, proxyPort: number): void {
    const done = this.#guardPreamble(socket);
    let octets: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      octets = Buffer.concat([octets, chunk]);
      const header = parseProxyHeader(octets);
      if (header === 'more') return;
      socket.off('data', onData);
      done();
      if (header === 'bad') return this.#refuse(socket, 'proxy', this.#refusals.peerNotAllowed);
      socket.pause();
      const rest = octets.subarray(header.bytes);
      if (rest.length > 0) socket.unshift(rest);
      const { address, port } = header.source ?? { address: proxyAddress, port: proxyPort };
      this.#count(socket, plainAddress(address), port);
    };
    socket.on('data', onData);
  }

  #count(socket: Socket, address: string, port: number) {
    const { name, limits, uncountedNetworks, implicitTls, observer } = this.#options;
    if (socket.destroyed) return;
    if (this.#options.isBanned?.(address) === true) {
      return this.#refuse(socket, 'banned', this.#refusals.banned);
    }
    const isUncounted = uncountedNetworks?.has(address) === true;
    const caps = isUncounted
      ? { ...limits, connectionsPerAddressMax: Number.POSITIVE_INFINITY }
      : limits;
    if (!this.#counts.take(address, caps)) {
      return this.#refuse(socket, 'connections', this.#refusals.connectionsTooMany);
    }
    observer.connected(name);
    // Once in a life, and `once` would keep two more objects for it.
    socket.on('close', () => {
      this.#counts.give(address);
      observer.disconnected(name);
    });
    if (implicitTls === undefined) this.#connected({ socket, address, port, tls: undefined });
    else this.#handshake(socket, address, port, implicitTls);
  }

  #handshake(socket: Socket, address: string, port: number, source: TlsSource): void {
    const { name, observer } = this.#options;
    if (source.context === undefined) {
      socket.destroy();
      return;
    }
    const done = this.#guardPreamble(socket);
    const secure = new TLSSocket(socket, tlsSocketOptions(source));
    const gone = destroying(socket);
    const failed = () => {
      observer.tlsFailed(name);
      socket.destroy();
    };
    secure.once('secure', () => {
      done();
      // What waited for the handshake is kept by no listener after it.
      secure.off('error', failed);
      secure.on('error', gone);
      const tls = factsOf(secure);
      observer.tlsStarted(name, tls.version);
      this.#connected({ socket: secure, address, port, tls });
    });
    secure.on('error', failed);
    secure.on('close', gone);
  }

  /** Bounds the time before a session; call the answer when it begins. */
  #guardPreamble(socket: Socket): () => void {
    const timer = this.#options.clock.setTimer(preambleMsMax, () => socket.destroy());
    const done = () => {
      timer.cancel();
      this.#preambles.delete(socket);
      socket.off('close', done);
    };
    this.#preambles.add(socket);
    socket.once('close', done);
    return done;
  }
}
