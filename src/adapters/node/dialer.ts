/**
 * Outgoing TCP and TLS over Node's sockets.
 *
 * Runs in:   the thread that dials. Implements `ports/dialer.ts`.
 * Limits:    one read buffer of `readBytes` per connection; the reader takes its bytes before the next read.
 */

import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import {
  connect as connectTls,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import type {
  Connection,
  ConnectionEvents,
  Dialer,
  DialFault,
  DialTarget,
  TlsFacts,
  TlsRequest,
} from '../../ports/dialer.ts';
import { DialError } from '../../ports/dialer.ts';
import { type Egress, openThrough, type ProxyOpening, proxyFault } from './egress.ts';

export interface NodeDialerOptions {
  /** Addresses never dialled, whoever asks. */
  readonly isForbidden?: (address: string) => boolean;
  /** PEM of authorities trusted besides those Node trusts; "" or absent: none. */
  readonly roots?: string;
}

/** Replies are short: a larger buffer only costs memory per connection. */
const readBytes = 4_096;
/** Up to here one copied piece is cheaper than a list of them (bench/micro/outbound.ts). */
const copyBytesMax = 16_384;
/** More pieces than these are copied into one, however long. */
const piecesMax = 64;
/** Certificates of a peer that are looked at. */
const chainMax = 16;

const versionMin = 'TLSv1.2';

export function createDialer({ isForbidden, roots = '' }: NodeDialerOptions = {}): Dialer {
  const ca = roots === '' ? undefined : [...getCACertificates('default'), roots];
  // Made once: reading the authorities takes longer than a handshake.
  let made: SecureContext | undefined;
  const context = () => {
    made ??= createSecureContext({ minVersion: versionMin, ...(ca === undefined ? {} : { ca }) });
    return made;
  };
  return {
    async dial(target, events) {
      if (isForbidden?.(target.address)) throw new DialError('forbidden', target.address);
      return dial(target, events, context);
    },
  };
}

function dial(
  target: DialTarget,
  events: ConnectionEvents,
  context: () => SecureContext,
): Promise<Connection> {
  const { promise, resolve, reject } = Promise.withResolvers<Connection>();
  const { proxy } = target;
  let connection: NodeConnection | undefined;
  let opening: ProxyOpening | undefined;
  const socket = connect({
    host: (proxy ?? target).address,
    port: (proxy ?? target).port,
    noDelay: true,
    // What a PROXY header names is the proxy's address, not one of this machine.
    ...(target.localAddress === undefined || proxy !== undefined
      ? {}
      : { localAddress: target.localAddress }),
    onread: {
      buffer: Buffer.allocUnsafeSlow(readBytes),
      callback(bytes, buffer) {
        const got = Buffer.from(buffer.buffer, buffer.byteOffset, bytes);
        if (connection === undefined) opening?.onBytes(got);
        else connection.onBytes(got);
        return true;
      },
    },
  });
  // Of all of it: a proxy that says a byte now and then does not get more.
  const deadline = setTimeout(() => {
    socket.destroy(opening?.silence() ?? lateError(target));
  }, target.timeoutMs);
  const onEarlyError = (error: Error) => reject(earlyError(target, error));
  const onEarlyClose = () => {
    clearTimeout(deadline);
    reject(earlyError(target, new Error('it ended the connection')));
  };
  const onOpen = (egress: Egress) => {
    clearTimeout(deadline);
    socket.removeListener('error', onEarlyError);
    socket.removeListener('close', onEarlyClose);
    if (socket.destroyed) return onEarlyClose();
    connection = new NodeConnection(socket, events, context, {
      remoteAddress: target.address,
      ...egress,
    });
    return resolve(connection);
  };
  socket.once('error', onEarlyError);
  socket.once('close', onEarlyClose);
  socket.once('connect', () => {
    if (proxy !== undefined) opening = openThrough(proxy, target, socket, onOpen);
    else onOpen({ localAddress: socket.localAddress ?? '', rest: Buffer.alloc(0) });
  });
  return promise;
}

function lateError({ proxy, address, port }: DialTarget): DialError {
  if (proxy !== undefined) return proxyFault(proxy, 'no connection in time');
  return new DialError('timed-out', `${address}:${port}`);
}

/** Before the connection stands, what fails through a proxy is the proxy, unless it says otherwise itself. */
function earlyError({ proxy, localAddress }: DialTarget, error: Error): DialError {
  if (error instanceof DialError) return error;
  if (proxy !== undefined) return proxyFault(proxy, error.message);
  const { syscall, code } = error as NodeJS.ErrnoException;
  const isOurs = localAddress !== undefined && (syscall === 'bind' || code === 'EADDRNOTAVAIL');
  return isOurs ? new DialError('source', error.message, { cause: error }) : dialError(error);
}

class NodeConnection implements Connection {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly #events: ConnectionEvents;
  readonly #context: () => SecureContext;
  #socket: Socket;
  #fault: DialError | undefined;
  #isClosed = false;
  #isUpgrading = false;
  /** What came with the proxy's last word, until whoever dialled has the connection. */
  #early: Buffer | undefined;

  constructor(
    socket: Socket,
    events: ConnectionEvents,
    context: () => SecureContext,
    { remoteAddress, localAddress, rest }: Egress & { readonly remoteAddress: string },
  ) {
    this.#socket = socket;
    this.#events = events;
    this.#context = context;
    this.remoteAddress = remoteAddress;
    this.localAddress = localAddress;
    this.#listen(socket);
    if (rest.length === 0) return;
    this.#early = Buffer.from(rest);
    setImmediate(() => this.#handEarly());
  }

  #handEarly(): void {
    const bytes = this.#early;
    this.#early = undefined;
    if (bytes !== undefined) this.onBytes(bytes);
  }

  onBytes(bytes: Buffer): void {
    if (this.#isClosed || this.#isUpgrading) return;
    if (this.#early === undefined) this.#events.onData(bytes);
    else this.#early = Buffer.concat([this.#early, bytes]);
  }

  write(parts: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (parts.length === 1) return socket.write(parts[0]!);
    let length = 0;
    for (const part of parts) length += part.length;
    if (length <= copyBytesMax || parts.length > piecesMax) {
      const whole = Buffer.allocUnsafe(length);
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      return socket.write(whole);
    }
    socket.cork();
    let hasRoom = true;
    for (const part of parts) hasRoom = socket.write(part);
    socket.uncork();
    return hasRoom;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  startTls(request: TlsRequest): Promise<TlsFacts> {
    const { promise, resolve, reject } = Promise.withResolvers<TlsFacts>();
    const plain = this.#socket;
    this.#isUpgrading = true;
    for (const event of ['drain', 'error', 'close']) plain.removeAllListeners(event);
    const socket = connectTls({
      socket: plain,
      servername: isName(request.serverName) ? request.serverName : '',
      host: request.serverName,
      rejectUnauthorized: request.verify,
      secureContext: this.#context(),
    });
    const onEarlyError = (error: Error) => {
      const fault = new DialError('tls', error.message, { cause: error });
      this.#fault = fault;
      reject(fault);
      socket.destroy();
      this.#close();
    };
    socket.setTimeout(request.timeoutMs, () => onEarlyError(new Error('time-out')));
    plain.on('error', onEarlyError);
    socket.once('error', onEarlyError);
    socket.once('close', () => onEarlyError(new Error('connection closed')));
    socket.once('secureConnect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('close');
      socket.removeListener('error', onEarlyError);
      plain.removeListener('error', onEarlyError);
      plain.on('error', () => {});
      this.#socket = socket;
      this.#isUpgrading = false;
      this.#listen(socket);
      socket.on('data', (bytes) => this.onBytes(bytes));
      resolve({
        version: socket.getProtocol() ?? '',
        cipher: socket.getCipher().name,
        verified: socket.authorized,
        ...(socket.authorized ? {} : { fault: String(socket.authorizationError) }),
        ...(request.wantsChain === true ? { chain: chainOf(socket) } : {}),
      });
    });
    return promise;
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.on('drain', () => this.#events.onDrain());
    socket.on('error', (error) => {
      this.#fault = dialError(error);
    });
    // With `allowHalfOpen` off, the peer's end ends us too; `close` follows whatever happened.
    socket.on('close', () => this.#close());
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#handEarly();
    this.#isClosed = true;
    this.#events.onClose(this.#fault);
  }
}

/** The certificates shown, each with the one that issued it behind it, as far as that was shown too. */
function chainOf(socket: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  const seen = new Set<object>();
  let certificate = socket.getPeerCertificate(true);
  // A root names itself as its issuer.
  while (certificate?.raw !== undefined && !seen.has(certificate) && chain.length < chainMax) {
    seen.add(certificate);
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

function isName(host: string): boolean {
  return /[a-z]/i.test(host) && !host.includes(':');
}

const faults: Readonly<Record<string, DialFault>> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timed-out',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EINVAL: 'unreachable',
};

function dialError(error: Error): DialError {
  if (error instanceof DialError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return new DialError(faults[code] ?? 'reset', error.message, { cause: error });
}
