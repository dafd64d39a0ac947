/**
 * The certificates of a listener, replaced while sessions run, and chosen by the name a client asks for.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 8996 (TLS 1.2 at least), RFC 6066 §3 (server names), RFC 9325 §4.2 (ciphers), RFC 7435 (opportunistic:
 *            no client is refused for want of a certificate).
 */

import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { TlsSessionFacts } from '../protocols/session/transport.ts';
import { SocketFacts } from './tls-facts.ts';

export interface KeyPair {
  /** PEM, the chain with the leaf first. */
  readonly cert: string;
  readonly key: string;
}

export interface NamedKeyPair extends KeyPair {
  /** Lower-case DNS names, perhaps with `*` as their first label. */
  readonly names: readonly string[];
}

export interface TlsMaterial extends KeyPair {
  /** Shown to those who ask for one of their names; the first one that has it. Absent: there is one certificate. */
  readonly named?: readonly NamedKeyPair[];
  /** Oldest version taken; TLS 1.2 when absent. */
  readonly versionMin?: 'TLSv1.2' | 'TLSv1.3';
  /** PEM; with it clients are asked for certificates, and none is refused for want of one. */
  readonly clientCa?: string;
  /** PEM: revoked ones, a list of each CA. */
  readonly clientCrl?: string;
}

/** As Node asks for the certificate of a name. */
type ChooseContext = (
  name: string,
  done: (error: Error | null, context?: SecureContext) => void,
) => void;

export interface TlsSource {
  /** Undefined: no TLS is offered. */
  readonly context: SecureContext | undefined;
  /** Clients are asked for a certificate; one that leads to no CA of ours counts as none. */
  readonly asksForCertificate?: boolean;
  /** Absent: `context` for all names. */
  readonly choose?: ChooseContext | undefined;
}

/** What OpenSSL has taken of certificates, ready for handshakes. */
export interface TlsContexts {
  readonly context: SecureContext;
  readonly asksForCertificate: boolean;
  readonly choose: ChooseContext | undefined;
}

/**
 * Mozilla's "intermediate" list of TLS 1.2, version 5.7: forward secrecy and AEAD only. TLS 1.3 has no others.
 */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'DHE-RSA-AES128-GCM-SHA256',
  'DHE-RSA-AES256-GCM-SHA384',
  'DHE-RSA-CHACHA20-POLY1305',
].join(':');

/** Sessions that showed certificates can be resumed by those contexts alone that ask for them. */
const askingSessions = 'chaski-client-certificates';

export class ReloadableTls implements TlsSource {
  #contexts: TlsContexts | undefined;

  constructor(material?: TlsMaterial) {
    if (material !== undefined) this.use(contextsOf(material));
  }

  get context(): SecureContext | undefined {
    return this.#contexts?.context;
  }

  get asksForCertificate(): boolean {
    return this.#contexts?.asksForCertificate === true;
  }

  get choose(): ChooseContext | undefined {
    return this.#contexts?.choose;
  }

  /** For handshakes from now on. */
  use(contexts: TlsContexts): void {
    this.#contexts = contexts;
  }
}

/** Throws what OpenSSL says of bad ones. */
export function contextsOf(material: TlsMaterial): TlsContexts {
  const context = contextOf(material, material);
  const byName = new Map<string, SecureContext>();
  for (const pair of material.named ?? []) {
    const own = contextOf(pair, material);
    for (const name of pair.names) if (!byName.has(name)) byName.set(name, own);
  }
  const choose: ChooseContext = (name, done) => done(null, chosen(byName, name) ?? context);
  return {
    context,
    asksForCertificate: material.clientCa !== undefined,
    choose: byName.size === 0 ? undefined : choose,
  };
}

/** RFC 6125 §6.4.3: `*` stands for exactly one label, the first one. */
function chosen(byName: ReadonlyMap<string, SecureContext>, asked: string) {
  const name = asked.toLowerCase().replace(/\.$/, '');
  const dot = name.indexOf('.');
  return byName.get(name) ?? (dot > 0 ? byName.get(`*${name.slice(dot)}`) : undefined);
}

function contextOf({ cert, key }: KeyPair, terms: TlsMaterial): SecureContext {
  const { versionMin = 'TLSv1.2', clientCa, clientCrl } = terms;
  return createSecureContext({
    cert,
    key,
    minVersion: versionMin,
    ciphers,
    dhparam: 'auto',
    honorCipherOrder: true,
    // The names of its certificates are told to clients, who choose theirs by them (RFC 8446 §4.2.4).
    ...(clientCa === undefined ? {} : { ca: clientCa, sessionIdContext: askingSessions }),
    ...(clientCrl === undefined ? {} : { crl: clientCrl }),
  });
}

export function factsOf(socket: TLSSocket): TlsSessionFacts {
  return new SocketFacts(socket);
}

/** A listener in a scope of its own, so that it keeps nothing but the socket. */
export function destroying(socket: Socket): () => void {
  return () => socket.destroy();
}

/** What a server's socket is made with. */
export function tlsSocketOptions({ context, asksForCertificate = false, choose }: TlsSource) {
  return {
    isServer: true,
    secureContext: context!,
    requestCert: asksForCertificate,
    rejectUnauthorized: false,
    ...(choose === undefined ? {} : { SNICallback: choose }),
  } as const;
}
