/**
 * The certificate of a listener, replaced while sessions run.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 8996 (TLS 1.2 at least), RFC 7435 (opportunistic: no client is refused for want of a certificate).
 */

import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { TlsSessionFacts } from '../protocols/session/transport.ts';
import { SocketFacts } from './tls-facts.ts';

export interface TlsMaterial {
  /** PEM, the chain with the leaf first. */
  readonly cert: string;
  readonly key: string;
  /** Oldest version taken; TLS 1.2 when absent. */
  readonly versionMin?: 'TLSv1.2' | 'TLSv1.3';
  /** PEM; with it clients are asked for certificates, and none is refused for want of one. */
  readonly clientCa?: string;
}

export interface TlsSource {
  /** Undefined: no TLS is offered. */
  readonly context: SecureContext | undefined;
  /** Clients are asked for a certificate; whoever uses it judges it. */
  readonly asksForCertificate?: boolean;
}

export class ReloadableTls implements TlsSource {
  #context: SecureContext | undefined;
  #asksForCertificate = false;

  constructor(material?: TlsMaterial) {
    if (material !== undefined) this.load(material);
  }

  get context(): SecureContext | undefined {
    return this.#context;
  }

  get asksForCertificate(): boolean {
    return this.#asksForCertificate;
  }

  /**
   * Takes a new certificate for handshakes from now on. Throws what OpenSSL says of a bad one and then keeps the old.
   */
  load(material: TlsMaterial): void {
    this.#context = createSecureContext({
      cert: material.cert,
      key: material.key,
      minVersion: material.versionMin ?? 'TLSv1.2',
      honorCipherOrder: true,
      // The names of its certificates are told to clients, who choose theirs by them (RFC 8446 §4.2.4).
      ...(material.clientCa === undefined ? {} : { ca: material.clientCa }),
    });
    this.#asksForCertificate = material.clientCa !== undefined;
  }
}

export function factsOf(socket: TLSSocket): TlsSessionFacts {
  return new SocketFacts(socket);
}

/** A listener in a scope of its own, so that it keeps nothing but the socket. */
export function destroying(socket: Socket): () => void {
  return () => socket.destroy();
}

/** What a server's socket is made with. */
export function tlsSocketOptions({ context, asksForCertificate = false }: TlsSource) {
  return {
    isServer: true,
    secureContext: context!,
    requestCert: asksForCertificate,
    rejectUnauthorized: false,
  } as const;
}
