/**
 * What sessions and log-ins may know of a TLS socket: version, cipher, channel bindings, the client's certificate.
 *
 * Runs in:   edge (main thread). Nothing is computed before it is asked for: most sessions never do.
 * Specs:     RFC 9266 (tls-exporter), RFC 5929 §3 (tls-unique), §4 (tls-server-end-point); RFC 7627 §5 (what
 *            resumption does to tls-unique).
 */

import { createHash, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { TlsSessionFacts } from '../protocols/session/transport.ts';

const exporterBytes = 32;

export class SocketFacts implements TlsSessionFacts {
  readonly version: string;
  readonly cipher: string;
  readonly #socket: TLSSocket;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.version = socket.getProtocol() ?? 'unknown';
    this.cipher = socket.getCipher().standardName;
  }

  get bindings(): readonly string[] {
    const names: string[] = [];
    // RFC 9266 §3: before TLS 1.3 the exporter needs extended master secrets, which nobody tells us of.
    if (this.version === 'TLSv1.3') names.push('tls-exporter');
    // RFC 5929 §3 knows no Finished of TLS 1.3; in a resumed session of TLS 1.2 it can be made equal in two of them.
    else if (!this.#socket.isSessionReused()) names.push('tls-unique');
    if (this.#endPoint() !== undefined) names.push('tls-server-end-point');
    return names;
  }

  channelBinding(name: string): Uint8Array | undefined {
    if (!this.bindings.includes(name)) return undefined;
    if (name === 'tls-server-end-point') return this.#endPoint();
    const socket = this.#socket;
    // In a full handshake the client's Finished is the first one.
    if (name === 'tls-unique') return socket.getPeerFinished();
    const context = Buffer.alloc(0);
    return socket.exportKeyingMaterial(exporterBytes, 'EXPORTER-Channel-Binding', context);
  }

  clientCertificate(): Uint8Array | undefined {
    return isProven(this.#socket) ? this.#socket.getPeerX509Certificate()?.raw : undefined;
  }

  #endPoint(): Uint8Array | undefined {
    const raw = this.#socket.getX509Certificate()?.raw;
    const hash = raw === undefined ? undefined : hashOfSignature(new X509Certificate(raw));
    return hash === undefined ? undefined : createHash(hash).update(raw!).digest();
  }
}

/**
 * OpenSSL has led the client's certificate up to a CA of ours, in time, fit for clients and not revoked. Node says so in
 * `authorized` of the sockets of its own servers only; of others the handle knows, and where it does not, nothing is
 * proven.
 */
function isProven(socket: TLSSocket): boolean {
  const { ssl } = socket as TLSSocket & { readonly ssl?: { verifyError?(): unknown } };
  return ssl?.verifyError !== undefined && ssl.verifyError() === null;
}

/** RFC 5929 §4.1: the hash of the certificate's signature, SHA-256 for MD5 and SHA-1; one without has no binding. */
function hashOfSignature({ signatureAlgorithm = '' }: X509Certificate): string | undefined {
  const found = /(md5|sha-?1|sha-?224|sha-?256|sha-?384|sha-?512)/i.exec(signatureAlgorithm)?.[1];
  const hash = found?.toLowerCase().replace('-', '');
  return hash === 'md5' || hash === 'sha1' ? 'sha256' : hash;
}
