/**
 * The certificate of a listener, replaced while sessions run.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 8996 (TLS 1.2 at least), RFC 7435 (opportunistic: no client certificate is asked for).
 */

import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { TlsSessionFacts } from '../protocols/session/transport.ts';

export interface TlsMaterial {
  /** PEM, the chain with the leaf first. */
  readonly cert: string;
  readonly key: string;
  /** Oldest version taken; TLS 1.2 when absent. */
  readonly versionMin?: 'TLSv1.2' | 'TLSv1.3';
}

export interface TlsSource {
  /** Undefined: no TLS is offered. */
  readonly context: SecureContext | undefined;
}

export class ReloadableTls implements TlsSource {
  #context: SecureContext | undefined;

  constructor(material?: TlsMaterial) {
    if (material !== undefined) this.load(material);
  }

  get context(): SecureContext | undefined {
    return this.#context;
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
    });
  }
}

export function factsOf(socket: TLSSocket): TlsSessionFacts {
  return { version: socket.getProtocol() ?? 'unknown', cipher: socket.getCipher().standardName };
}

/** A listener in a scope of its own, so that it keeps nothing but the socket. */
export function destroying(socket: Socket): () => void {
  return () => socket.destroy();
}
