/**
 * Proofs that names are ours, shown to a certificate authority that comes to look: by a path, or by a certificate.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 8555 §8.3 (http-01), RFC 8737 §3 (tls-alpn-01).
 * Limits:    `proofsMax` of each kind at a time; the oldest goes.
 */

import { createSecureContext, type SecureContext } from 'node:tls';
import type { Proof, ProofBoard } from '../../../ports/certificate-authority.ts';
import { plain, type Routes } from './server.ts';

export const proofsMax = 256;
const prefix = '/.well-known/acme-challenge/';

export class AcmeProofs implements ProofBoard {
  /** Name and token → what answers. */
  readonly #texts = new Map<string, string>();
  readonly #contexts = new Map<string, SecureContext>();

  show(proof: Proof): void {
    if (proof.kind === 'http-01') keep(this.#texts, textKey(proof), proof.keyAuthorization);
    else keep(this.#contexts, proof.name, createSecureContext({ ...proof, minVersion: 'TLSv1.2' }));
  }

  hide(proof: Proof): void {
    if (proof.kind === 'http-01') this.#texts.delete(textKey(proof));
    else this.#contexts.delete(proof.name);
  }

  /** Somebody may come for a certificate: who asks for what is to be looked at before the handshake. */
  get hasCertificates(): boolean {
    return this.#contexts.size > 0;
  }

  contextOf(name: string): SecureContext | undefined {
    return this.#contexts.get(name);
  }

  get routes(): Routes {
    const missing = plain(404, 'not found');
    return {
      [`${prefix}*`]: {
        methods: {
          GET: ({ host, rest }) => {
            const body = this.#texts.get(textKey({ name: host, token: rest }));
            // RFC 8555 §8.3: the key authorization, in ASCII.
            return body === undefined
              ? missing
              : { status: 200, type: 'application/octet-stream', body };
          },
        },
        bodyBytesMax: 0,
        isHostOurs: (host) => [...this.#texts.keys()].some((key) => key.startsWith(`${host} `)),
      },
    };
  }
}

function textKey({ name, token }: { readonly name: string; readonly token: string }): string {
  return `${name} ${token}`;
}

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  const [oldest] = map.keys();
  if (map.size >= proofsMax && oldest !== undefined) map.delete(oldest);
  map.set(key, value);
}
