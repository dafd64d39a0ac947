/**
 * An authenticator and the browser before it, in software: what they answer to WebAuthn's options, for tests.
 *
 * Specs: WebAuthn Level 3 §6.1 (authenticator data), §6.5 (attestation); RFC 8949 (CBOR), RFC 9053 §7.1 (COSE keys).
 */

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

type Cbor = number | string | Uint8Array | Map<number | string, Cbor>;

function head(major: number, value: number): Buffer {
  const top = major << 5;
  if (value < 24) return Buffer.from([top | value]);
  if (value < 256) return Buffer.from([top | 24, value]);
  return Buffer.from([top | 25, value >> 8, value & 255]);
}

/** RFC 8949 §3, as far as authenticators need it. */
export function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') {
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  }
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.byteLength), value]);
  const parts = [...value].flatMap(([name, each]) => [cbor(name), cbor(each)]);
  return Buffer.concat([head(5, value.size), ...parts]);
}

const flags = { userPresent: 1, userVerified: 4, attested: 64 };
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest();

export interface AuthenticatorOptions {
  readonly origin: string;
  /** Absent: the user is verified. */
  readonly isUserUnverified?: boolean;
  /** Added at each use; 0: it has no counter. */
  readonly counterStep?: number;
}

interface CreationAsked {
  readonly rp: { readonly id: string };
  readonly user: { readonly id: string };
  readonly challenge: string;
}

interface RequestAsked {
  readonly rpId: string;
  readonly challenge: string;
}

export class Authenticator {
  options: AuthenticatorOptions;
  counter = 0;
  readonly credentialId: Buffer = randomBytes(32);
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  #userHandle = '';

  constructor(options: AuthenticatorOptions) {
    this.options = options;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#private = privateKey;
    this.#public = publicKey;
  }

  /** What a browser's `toJSON` makes of `navigator.credentials.create`. */
  create({ rp, user, challenge }: CreationAsked) {
    this.#userHandle = user.id;
    const { x, y } = this.#public.export({ format: 'jwk' });
    const coordinate = (text: string | undefined) => Buffer.from(text!, 'base64url');
    // RFC 9053 §7.1.1: EC2, ES256, P-256.
    const key = cbor(
      new Map<number, Cbor>([
        ...([
          [1, 2],
          [3, -7],
          [-1, 1],
        ] as const),
        [-2, coordinate(x)],
        [-3, coordinate(y)],
      ]),
    );
    const id = this.credentialId;
    const length = Buffer.from([id.byteLength >> 8, id.byteLength & 255]);
    const attested = Buffer.concat([Buffer.alloc(16), length, id, key]);
    const authData = this.#authData(rp.id, attested);
    const attestationObject = cbor(
      new Map<string, Cbor>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', authData],
      ]),
    );
    return {
      ...this.#answer(),
      response: {
        attestationObject: attestationObject.toString('base64url'),
        clientDataJSON: this.#clientData('webauthn.create', challenge).toString('base64url'),
        transports: ['internal'],
      },
    };
  }

  /** What a browser's `toJSON` makes of `navigator.credentials.get`. */
  get({ rpId, challenge }: RequestAsked, more: { readonly userHandle?: string } = {}) {
    this.counter += this.options.counterStep ?? 1;
    const authData = this.#authData(rpId);
    const clientData = this.#clientData('webauthn.get', challenge);
    const signature = sign('sha256', Buffer.concat([authData, sha256(clientData)]), this.#private);
    return {
      ...this.#answer(),
      response: {
        authenticatorData: authData.toString('base64url'),
        clientDataJSON: clientData.toString('base64url'),
        signature: signature.toString('base64url'),
        userHandle: more.userHandle ?? this.#userHandle,
      },
    };
  }

  #answer() {
    const id = this.credentialId.toString('base64url');
    const type = 'public-key' as const;
    return { id, rawId: id, type, clientExtensionResults: {} };
  }

  #authData(rpId: string, attested = Buffer.alloc(0)): Buffer {
    const tail = Buffer.alloc(5);
    const verified = this.options.isUserUnverified === true ? 0 : flags.userVerified;
    tail[0] = flags.userPresent | verified | (attested.byteLength > 0 ? flags.attested : 0);
    tail.writeUInt32BE(this.counter, 1);
    return Buffer.concat([sha256(rpId), tail, attested]);
  }

  #clientData(type: string, challenge: string): Buffer {
    const { origin } = this.options;
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  }
}
