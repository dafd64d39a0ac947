/**
 * An OpenID Connect issuer in this process: its documents from memory, or by HTTP on a port of this machine.
 */

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import type { WebReader } from '../../src/ports/web-reader.ts';

export type MockAlgorithm = 'RS256' | 'ES256' | 'EdDSA' | 'PS256';

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function pairFor(algorithm: MockAlgorithm): Pair {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('rsa', { modulusLength: 2_048 });
}

export class MockIssuer {
  url: string;
  /** What its documents say, by path: to be changed at will. */
  readonly documents = new Map<string, unknown>();
  /** Paths asked for, the oldest first. */
  readonly asked: string[] = [];
  /** It does not answer. */
  isAway = false;
  readonly #pairs = new Map<string, Pair>();
  #keys: readonly JWK[] = [];

  constructor(url = 'https://issuer.test') {
    this.url = url;
    this.#describe();
  }

  /** A further key, told in its key set unless it `isSecret`. */
  async add(kid: string, algorithm: MockAlgorithm, isSecret = false): Promise<void> {
    const pair = pairFor(algorithm);
    this.#pairs.set(kid, pair);
    if (isSecret) return;
    const jwk = await exportJWK(pair.publicKey);
    this.#keys = [...this.#keys, { ...jwk, kid, alg: algorithm, use: 'sig' }];
    this.documents.set('/keys', { keys: this.#keys });
  }

  publicKey(kid: string): KeyObject {
    return this.#pairs.get(kid)!.publicKey;
  }

  async token(
    claims: JWTPayload,
    header: JWTHeaderParameters = { alg: 'EdDSA', kid: 'ed' },
    key: KeyObject | Uint8Array = this.#pairs.get(header.kid!)!.privateKey,
  ): Promise<string> {
    return await new SignJWT({ iss: this.url, aud: 'chaski', sub: '1', ...claims })
      .setProtectedHeader(header)
      .sign(key);
  }

  readonly reader: WebReader = {
    read: async (url) => {
      const text = this.#answer(url.slice(this.url.length));
      return text === undefined ? { ok: false, detail: 'away' } : { ok: true, text };
    },
  };

  /** Serves the documents on this machine; its URL is that of the port. `handle`: true where it answers itself. */
  async listen(
    handle: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
  ): Promise<AsyncDisposable> {
    const server = createServer((request, response) => {
      if (!this.isAway && handle(request, response)) return;
      const text = this.#answer(request.url!);
      response.writeHead(text === undefined ? 503 : 200).end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#describe();
    return {
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  #answer(path: string): string | undefined {
    this.asked.push(path);
    const document = this.documents.get(path);
    return this.isAway || document === undefined ? undefined : JSON.stringify(document);
  }

  #describe(): void {
    const said = { issuer: this.url, jwks_uri: `${this.url}/keys` };
    this.documents.set('/.well-known/openid-configuration', said);
    this.documents.set('/keys', { keys: this.#keys });
  }
}
