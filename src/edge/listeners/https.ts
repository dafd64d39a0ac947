/**
 * Has the connections of an HTTP server begin with TLS; a certificate authority that comes for a proof gets it.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9110 §4.2.2, RFC 7301 (http/1.1), RFC 8737 §3 (acme-tls/1: its certificate goes to nobody else, and
 *            nothing is spoken after it).
 * Limits:    `handshakeMsMax`.
 */

import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AcmeProofs } from '../protocols/http/acme-proofs.ts';
import { type ClientHello, parseClientHello } from './client-hello.ts';
import { destroying, type TlsSource, tlsSocketOptions } from './tls.ts';

const handshakeMsMax = 10 * secondMs;
const acmeProtocol = 'acme-tls/1';

export interface HttpsOptions {
  readonly tls: TlsSource;
  readonly proofs: Pick<AcmeProofs, 'hasCertificates' | 'contextOf'>;
  readonly clock: Clock;
}

/** Answers what ends handshakes under way. */
export function beginWithTls(server: Server, options: HttpsOptions): () => void {
  const serving = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  const begun = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    const timer = options.clock.setTimer(handshakeMsMax, () => socket.destroy());
    const done = () => {
      timer.cancel();
      begun.delete(socket);
    };
    begun.add(socket);
    // 'close' follows an error and says all there is to say.
    socket.on('error', done);
    socket.once('close', done);
    negotiate(socket, options, (secure) => {
      done();
      for (const serve of serving) serve.call(server, secure);
    });
  });
  return () => {
    for (const socket of begun) socket.destroy();
  };
}

function negotiate(
  socket: Socket,
  options: HttpsOptions,
  ready: (secure: TLSSocket) => void,
): void {
  const { tls, proofs } = options;
  const serve = () => {
    if (tls.context === undefined) socket.destroy();
    else handshake(socket, { ...tlsSocketOptions(tls), ALPNProtocols: ['http/1.1'] }, ready);
  };
  if (!proofs.hasCertificates) {
    serve();
    return;
  }
  readHello(socket, ({ serverName, protocols }) => {
    const isProof = protocols.length === 1 && protocols[0] === acmeProtocol;
    const secureContext = isProof ? proofs.contextOf(serverName) : undefined;
    if (!isProof) serve();
    else if (secureContext === undefined) socket.destroy();
    else {
      const shown = { isServer: true, secureContext, ALPNProtocols: [acmeProtocol] };
      handshake(socket, shown, (secure) => secure.end());
    }
  });
}

function handshake(
  socket: Socket,
  options: ConstructorParameters<typeof TLSSocket>[1],
  ready: (secure: TLSSocket) => void,
): void {
  const secure = new TLSSocket(socket, options);
  secure.once('secure', () => ready(secure));
  secure.on('error', destroying(socket));
  secure.on('close', destroying(socket));
}

/** What was read is put back. */
function readHello(socket: Socket, asked: (hello: ClientHello) => void): void {
  let octets = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    octets = Buffer.concat([octets, chunk]);
    const hello = parseClientHello(octets);
    if (hello === 'more') return;
    socket.off('data', onData);
    if (hello === 'bad') {
      socket.destroy();
      return;
    }
    socket.pause();
    socket.unshift(octets);
    asked(hello);
  };
  socket.on('data', onData);
}
