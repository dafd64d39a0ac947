/**
 * The keys that sign tokens: a new one in time, those before it while a token of theirs may be about.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 7519 (JWT), RFC 8037 (EdDSA), RFC 8725 (§3.1 one algorithm, §3.8-3.11 issuer, audience, type).
 * Limits:    a key signs for `signMs` and is kept for `keptMs` more; tokens of `tokenLengthMax` characters.
 * Invariant: a key is durable before it signs, and what signs is the newest of the directory: servers that share one
 *            check each other's tokens, and none takes another's key away. A token is checked by the key it names and by EdDSA, whatever else its
 *            header says; a key that is not ours signs nothing.
 */

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { compactVerify, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { Log } from '../../base/log.ts';
import { dayMs, hourMs, secondMs } from '../../base/units.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { CredentialStore, TokenKey } from '../../ports/credentials.ts';
import type { Random } from '../../ports/random.ts';

const algorithm = 'EdDSA';
const lookMs = hourMs;
export const signMs = 7 * dayMs;
/** The longest a session goes without a renewal, and a day. */
export const keptMs = 31 * dayMs;
export const tokenLengthMax = 2_048;
const keyIdBytes = 12;

/** Which tokens are meant: those of one audience are none of another's. */
export interface TokenUse {
  /** As `typ` has it. */
  readonly type: string;
  readonly audience: string;
  readonly lifeMs: number;
}

export interface TokenKeysParts {
  readonly credentials: Pick<CredentialStore, 'tokenKeys' | 'addTokenKey'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Who signs: another server's tokens are none of ours. */
  readonly issuer: string;
}

interface Pair {
  readonly id: string;
  readonly signing: KeyObject;
  readonly checking: KeyObject;
}

export class TokenKeys {
  readonly #parts: TokenKeysParts;
  #pairs: ReadonlyMap<string, Pair> = new Map();
  #signer: Pair | undefined;
  #timer: Timer | undefined;
  #isClosed = false;

  private constructor(parts: TokenKeysParts) {
    this.#parts = parts;
  }

  static async open(parts: TokenKeysParts): Promise<TokenKeys> {
    const keys = new TokenKeys(parts);
    await keys.renew();
    keys.#renewLater();
    return keys;
  }

  /** Makes a new key where the newest is due, and forgets those whose tokens are all over. */
  async renew(): Promise<void> {
    const { credentials, clock } = this.#parts;
    const nowMs = clock.nowMs();
    const newestBeforeMs = nowMs - signMs;
    const stored = await credentials.tokenKeys();
    const [newest] = stored;
    if (newest !== undefined && newest.createdMs > newestBeforeMs) return this.#take(stored);
    const keptAfterMs = newestBeforeMs - keptMs;
    // Servers of one directory may come to it at once: the first one's key is all of theirs.
    const keys = await credentials.addTokenKey(this.#made(nowMs), { newestBeforeMs, keptAfterMs });
    this.#take(keys);
  }

  async sign(use: TokenUse, claims: JWTPayload): Promise<string> {
    const { clock, issuer } = this.#parts;
    const signer = this.#signer!;
    const issuedS = Math.floor(clock.nowMs() / secondMs);
    return await new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, typ: use.type, kid: signer.id })
      .setIssuer(issuer)
      .setAudience(use.audience)
      .setIssuedAt(issuedS)
      .setExpirationTime(issuedS + Math.floor(use.lifeMs / secondMs))
      .sign(signer.signing);
  }

  /** The claims of a token of ours that is not over; undefined for any other. */
  async claimsOf(use: TokenUse, token: string): Promise<JWTPayload | undefined> {
    const { clock, issuer } = this.#parts;
    if (token.length > tokenLengthMax) return undefined;
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => this.#checkingKey(kid), {
        algorithms: [algorithm],
        issuer,
        audience: use.audience,
        typ: use.type,
        requiredClaims: ['iat', 'exp', 'jti', 'sub'],
        maxTokenAge: Math.floor(use.lifeMs / secondMs),
        currentDate: new Date(clock.nowMs()),
      });
      return payload;
    } catch {
      return undefined;
    }
  }

  /** It was made here, whatever it is for and whether or not it is over: no guess. */
  async isSigned(token: string): Promise<boolean> {
    if (token.length > tokenLengthMax) return false;
    try {
      await compactVerify(token, ({ kid }) => this.#checkingKey(kid), { algorithms: [algorithm] });
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** RFC 8725 §3.10: `kid` names one of our keys, and never a place to find one. */
  async #checkingKey(id = ''): Promise<KeyObject> {
    const known = this.#pairs.get(id);
    if (known !== undefined) return known.checking;
    // Another server of this directory may have made one since.
    const stored = await this.#parts.credentials.tokenKeys();
    if (!stored.some((key) => key.id === id)) throw new Error('no key of ours');
    this.#take(stored);
    return this.#pairs.get(id)!.checking;
  }

  #made(createdMs: number): TokenKey {
    const { privateKey } = generateKeyPairSync('ed25519');
    const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const id = Buffer.from(this.#parts.random.bytes(keyIdBytes)).toString('base64url');
    return { id, privatePem, createdMs };
  }

  #take(keys: readonly TokenKey[]): void {
    const pairs = keys.map(({ id, privatePem }): Pair => {
      const known = this.#pairs.get(id);
      if (known !== undefined) return known;
      const signing = createPrivateKey(privatePem);
      return { id, signing, checking: createPublicKey(signing) };
    });
    this.#pairs = new Map(pairs.map((pair) => [pair.id, pair]));
    this.#signer = pairs[0];
  }

  #renewLater(): void {
    const { clock, log } = this.#parts;
    this.#timer = clock.setTimer(lookMs, async () => {
      try {
        await this.renew();
      } catch (error) {
        log.error({ error }, 'no new key for tokens');
      }
      if (!this.#isClosed) this.#renewLater();
    });
  }
}
