/**
 * Passkeys: made for an account, and shown by its owner as a second factor or in place of a password.
 *
 * Runs in:   edge (main thread).
 * Specs:     WebAuthn Level 3 §7.1 (registration), §7.2 (authentication). The user is verified by the authenticator
 *            each time, so one passkey is two factors: what one has, and what one knows or is.
 * Limits:    `passkeysMax` of an account; challenges by `passkey-challenges.ts`.
 * Invariant: a challenge is spent, and then the sign counter is durable, before a passkey counts as shown.
 */

import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { MailError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AccountOf } from '../../ports/credentials.ts';
import type { Random } from '../../ports/random.ts';
import type { Passkey, SecondFactorStore } from '../../ports/second-factors.ts';
import { challengeMs, PasskeyChallenges } from './passkey-challenges.ts';

/** What a browser answers, as its `toJSON` has it. */
export type PasskeyMade = RegistrationResponseJSON;
export type PasskeyShown = AuthenticationResponseJSON;

/** EdDSA, ES256, RS256 (COSE). */
const algorithms = [-8, -7, -257];

export interface PasskeySite {
  /** The relying party ID. */
  readonly domain: string;
  readonly origins: readonly string[];
  /** What the browser shows it is for. */
  readonly name: string;
}

export interface PasskeysParts {
  /** Undefined: settings name no web pages. */
  readonly site: PasskeySite | undefined;
  readonly factors: Pick<
    SecondFactorStore,
    'secondFactors' | 'addPasskey' | 'usePasskey' | 'passkeyOwner'
  >;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** For `PublicKeyCredential.parseCreationOptionsFromJSON`. */
export interface CreationOptions {
  readonly rp: { readonly id: string; readonly name: string };
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly challenge: string;
  readonly pubKeyCredParams: readonly { readonly type: 'public-key'; readonly alg: number }[];
  readonly timeout: number;
  readonly excludeCredentials: readonly { readonly type: 'public-key'; readonly id: string }[];
  readonly authenticatorSelection: {
    readonly residentKey: 'required';
    readonly requireResidentKey: true;
    readonly userVerification: 'required';
  };
  readonly attestation: 'none';
}

/** For `PublicKeyCredential.parseRequestOptionsFromJSON`. The browser offers what it has: whose is not asked. */
export interface RequestOptions {
  readonly challenge: string;
  readonly timeout: number;
  readonly rpId: string;
  readonly userVerification: 'required';
}

const showPurpose = 'show';
const makePurpose = ({ tenant, id }: AccountOf) => `make ${tenant} ${id}`;

export class Passkeys {
  readonly #parts: PasskeysParts;
  readonly #challenges: PasskeyChallenges;

  constructor(parts: PasskeysParts) {
    this.#parts = parts;
    this.#challenges = new PasskeyChallenges(parts.clock, parts.random);
  }

  /** @throws MailError `not-possible-now` where there are no web pages they could be for. */
  async creationOptions(
    owner: Pick<Account, 'tenant' | 'id' | 'address'>,
  ): Promise<CreationOptions> {
    const { domain, name } = this.#site();
    const { passkeys } = await this.#parts.factors.secondFactors(owner);
    return {
      rp: { id: domain, name },
      user: { id: userHandleOf(owner), name: owner.address, displayName: owner.address },
      challenge: this.#challenges.make(makePurpose(owner)),
      pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
      timeout: challengeMs,
      excludeCredentials: passkeys.map(({ credentialId: id }) => ({ type: 'public-key', id })),
      authenticatorSelection: {
        residentKey: 'required',
        requireResidentKey: true,
        userVerification: 'required',
      },
      attestation: 'none',
    };
  }

  /** @throws MailError `argument-invalid`, `already-exists`, `not-possible-now` */
  async add(owner: AccountOf, name: string, made: PasskeyMade): Promise<Passkey> {
    const { domain, origins } = this.#site();
    const { factors, clock } = this.#parts;
    const { verifyRegistrationResponse } = await import('@simplewebauthn/server');
    let challenge = '';
    const verified = await verifyRegistrationResponse({
      response: made,
      expectedChallenge: (given) => {
        challenge = given;
        return this.#challenges.isGood(makePurpose(owner), given);
      },
      expectedOrigin: [...origins],
      expectedRPID: domain,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    }).catch((error: unknown) => refuse(error));
    if (!verified.verified || !this.#challenges.spend(owner.id, challenge))
      refuse('it was not verified');
    const { credential } = verified.registrationInfo;
    return await factors.addPasskey(owner, {
      name,
      credentialId: credential.id,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      counter: credential.counter,
      transports: made.response.transports ?? [],
      createdMs: clock.nowMs(),
    });
  }

  /** Undefined: settings name no web pages. */
  requestOptions(): RequestOptions | undefined {
    const { site } = this.#parts;
    if (site === undefined) return undefined;
    return {
      challenge: this.#challenges.make(showPurpose),
      timeout: challengeMs,
      rpId: site.domain,
      userVerification: 'required',
    };
  }

  /** Whose it says it is; nothing of it is checked. */
  async ownerOf({ id }: PasskeyShown): Promise<AccountOf | undefined> {
    return await this.#parts.factors.passkeyOwner(id);
  }

  /** Whether it is a passkey of this account, shown now; one that is good is spent by it. */
  async check(owner: AccountOf, shown: PasskeyShown): Promise<boolean> {
    const { site, factors, log } = this.#parts;
    const { passkeys } = await factors.secondFactors(owner);
    const known = passkeys.find(({ credentialId }) => credentialId === shown.id);
    const handle = shown.response.userHandle ?? '';
    // WebAuthn §7.2 step 6: where it says whose it is, it is this account's.
    if (site === undefined || known === undefined) return false;
    if (handle !== '' && handle !== userHandleOf(owner)) return false;
    const found = await this.#verified(site, known, shown);
    if (found === undefined || !this.#challenges.spend(owner.id, found.challenge)) return false;
    if (await factors.usePasskey(owner, known.id, found.counter)) return true;
    const fields = { account: owner.id, passkey: known.id, counter: found.counter };
    log.warn(fields, 'a passkey counted backwards: a copy of it may be about');
    return false;
  }

  async #verified(site: PasskeySite, known: Passkey, shown: PasskeyShown) {
    const { verifyAuthenticationResponse } = await import('@simplewebauthn/server');
    let challenge = '';
    try {
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: shown,
        expectedChallenge: (given) => {
          challenge = given;
          return this.#challenges.isGood(showPurpose, given);
        },
        expectedOrigin: [...site.origins],
        expectedRPID: site.domain,
        requireUserVerification: true,
        // The counter is compared by the store, in the turn of its write.
        credential: {
          id: known.credentialId,
          publicKey: new Uint8Array(Buffer.from(known.publicKey, 'base64url')),
          counter: 0,
        },
      });
      return verified ? { challenge, counter: authenticationInfo.newCounter } : undefined;
    } catch (error) {
      this.#parts.log.debug({ passkey: known.id, error: String(error) }, 'a passkey is not good');
      return undefined;
    }
  }

  #site(): PasskeySite {
    const { site } = this.#parts;
    if (site !== undefined) return site;
    throw new MailError('not-possible-now', 'passkeys need `public.url` or `passkey.domain`');
  }
}

/** WebAuthn §14.6.1: it tells who has the authenticator nothing of whose it is. */
function userHandleOf({ tenant, id }: AccountOf): string {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(tenant, 0);
  bytes.writeUInt32BE(id, 4);
  return bytes.toString('base64url');
}

function refuse(why: unknown): never {
  const words = why instanceof Error ? why.message : String(why);
  throw new MailError('argument-invalid', `the passkey is refused: ${words.slice(0, 200)}`);
}
