/**
 * The client's side of SCRAM, written apart from the server's, for tests.
 *
 * Specs: RFC 5802 §3, §5.
 */

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

export interface ScramClientOptions {
  readonly hash: 'sha1' | 'sha256';
  readonly user: string;
  readonly password: string;
  /** The gs2 header's flag: `n`, `y`, `p=tls-exporter`. */
  readonly flag?: string;
  /** What the channel is bound to. */
  readonly channel?: Uint8Array;
  readonly authorize?: string;
}

export class ScramClient {
  readonly #options: ScramClientOptions;
  readonly #nonce = 'client+nonce/0123456789';
  #signed = '';
  #serverKey = Buffer.alloc(0);

  constructor(options: ScramClientOptions) {
    this.#options = options;
  }

  get #header(): string {
    const { flag = 'n', authorize = '' } = this.#options;
    return `${flag},${authorize === '' ? '' : `a=${authorize}`},`;
  }

  get #bare(): string {
    const user = this.#options.user.replaceAll('=', '=3D').replaceAll(',', '=2C');
    return `n=${user},r=${this.#nonce}`;
  }

  first(): Buffer {
    return Buffer.from(this.#header + this.#bare);
  }

  /** `nonce` in the place of the server's: an answer to another exchange. */
  final(serverFirst: string, nonce?: string): Buffer {
    const { hash, password, channel = new Uint8Array() } = this.#options;
    const [, r, s, i] = /^r=(.*),s=(.*),i=(\d+)$/.exec(serverFirst)!;
    const bytes = hash === 'sha1' ? 20 : 32;
    const salted = pbkdf2Sync(password, Buffer.from(s!, 'base64'), Number(i), bytes, hash);
    const mac = (key: Uint8Array, text: string) => createHmac(hash, key).update(text).digest();
    const clientKey = mac(salted, 'Client Key');
    const storedKey = createHash(hash).update(clientKey).digest();
    this.#serverKey = mac(salted, 'Server Key');
    const binding = Buffer.concat([Buffer.from(this.#header), channel]).toString('base64');
    const withoutProof = `c=${binding},r=${nonce ?? r}`;
    this.#signed = `${this.#bare},${serverFirst},${withoutProof}`;
    const signature = mac(storedKey, this.#signed);
    const proof = Buffer.from(clientKey.map((octet, at) => octet ^ signature[at]!));
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`);
  }

  /** RFC 5802 §5: the server must show that it has the verifier. */
  isServer(serverFinal: string): boolean {
    const { hash } = this.#options;
    const expected = createHmac(hash, this.#serverKey).update(this.#signed).digest('base64');
    return serverFinal === `v=${expected}`;
  }
}
