/**
 * SCRAM: the client proves that it knows the password, and the server that it has its verifier; neither shows it.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5802 §5 (exchange), §6 (channel binding and its downgrade); RFC 7677 (SCRAM-SHA-256); RFC 9266
 *            (tls-exporter), RFC 5929 (tls-unique, tls-server-end-point).
 * Invariant: an unknown user's exchange goes as a known one's does, and fails at the proof. A nonce is used once, so
 *            what was heard of an exchange opens nothing.
 */

import { Buffer } from 'node:buffer';
import { failure } from '../../base/errors.ts';
import {
  checkProof,
  type ScramHash,
  type ScramVerifier,
  saslPrepared,
} from '../../mail/trust/scram.ts';
import {
  type BindingFlag,
  type ClientFirst,
  parseClientFinal,
  parseClientFirst,
  writeServerFinal,
  writeServerFirst,
} from '../../mail/wire/sasl/scram-messages.ts';
import type { ChannelFacts } from './channel.ts';
import { attempt, type LogInAnswer, mustWait } from './log-in.ts';
import {
  bad,
  challenge,
  isName,
  type SaslExchange,
  type SaslMechanism,
  type SaslSession,
  type SaslStep,
} from './sasl-exchange.ts';

interface Variant {
  readonly hash: ScramHash;
  readonly isPlus: boolean;
}

/** What the first message settled. */
interface Begun {
  readonly user: string;
  readonly nonce: string;
  readonly verifier: ScramVerifier;
  /** What the client must repeat: its gs2 header and what it is bound to. */
  readonly binding: Buffer;
  /** Both first messages: the start of what is signed. */
  readonly firstTexts: string;
}

function hasBindings(tls: ChannelFacts | undefined): boolean {
  return (tls?.bindings?.length ?? 0) > 0;
}

class ScramExchange implements SaslExchange {
  readonly #session: SaslSession;
  readonly #variant: Variant;
  #begun: Begun | undefined;
  #answer: LogInAnswer | undefined;

  constructor(session: SaslSession, variant: Variant) {
    this.#session = session;
    this.#variant = variant;
  }

  next(response: Buffer | undefined): SaslStep | Promise<SaslStep> {
    // RFC 5802 §5: the client speaks first.
    if (response === undefined) return challenge('');
    if (this.#answer !== undefined) {
      // RFC 4422 §5: the server's last message was a challenge, so an empty response ends it.
      return response.length === 0 ? { kind: 'ended', answer: this.#answer } : bad;
    }
    return this.#begun === undefined ? this.#first(response) : this.#final(this.#begun, response);
  }

  async #first(response: Buffer): Promise<SaslStep> {
    const session = this.#session;
    const first = parseClientFirst(response);
    if (first === undefined || !isName(first.user)) return bad;
    // Nobody may act for another here.
    if (first.authorize !== '' && first.authorize !== first.user) return bad;
    const binding = this.#bindingOf(first);
    const user = saslPrepared(first.user);
    if (binding === undefined || user === undefined) return bad;
    if (mustWait(session, user)) return { kind: 'ended', answer: failure('rate-exceeded') };
    const check = session.logIn.proofs!.scram!;
    const verifier = await check.verifierOf(user, this.#variant.hash);
    const nonce = first.nonce + check.nonce();
    const said = writeServerFirst({ ...verifier, nonce });
    this.#begun = { user, nonce, verifier, binding, firstTexts: `${first.bare},${said}` };
    return challenge(said);
  }

  async #final(begun: Begun, response: Buffer): Promise<SaslStep> {
    const { user, verifier } = begun;
    const { hash } = this.#variant;
    const final = parseClientFinal(response);
    if (final === undefined || final.nonce !== begun.nonce) return bad;
    let signature: Uint8Array | undefined;
    this.#answer = await attempt(this.#session, user, () => {
      // RFC 5802 §6: a binding that differs is somebody in between: refused as a wrong proof is.
      const isBound = final.binding.equals(begun.binding);
      const signedText = `${begun.firstTexts},${final.withoutProof}`;
      signature = checkProof(hash, verifier, signedText, final.proof);
      if (signature === undefined || !isBound) return failure('credentials-invalid', user);
      const { scram } = this.#session.logIn.proofs!;
      return scram!.admit(user, hash, verifier, this.#session);
    });
    if (!this.#answer.ok) return { kind: 'ended', answer: this.#answer };
    return challenge(writeServerFinal(signature!));
  }

  /** What the client's last message must be bound to; undefined where it asks for what it must not. */
  #bindingOf({ flag, gs2Header }: ClientFirst): Buffer | undefined {
    const { isPlus } = this.#variant;
    const { tls } = this.#session;
    if (!isAllowed(flag, isPlus, hasBindings(tls))) return undefined;
    const header = Buffer.from(gs2Header);
    if (flag.kind !== 'used') return header;
    const channel = tls?.channelBinding?.(flag.name);
    return channel === undefined ? undefined : Buffer.concat([header, channel]);
  }
}

/**
 * RFC 5802 §6: with -PLUS the client must bind. Without, `y` says that it saw no -PLUS: if we offered one, somebody
 * took it out of our list on the way.
 */
function isAllowed(flag: BindingFlag, isPlus: boolean, offersPlus: boolean): boolean {
  if (isPlus) return flag.kind === 'used';
  return flag.kind === 'none' || (flag.kind === 'thought-missing' && !offersPlus);
}

function scramMechanism(name: string, variant: Variant): SaslMechanism {
  return {
    name,
    isOffered: ({ logIn: { proofs }, tls }) =>
      proofs?.scram?.isOffered === true && (!variant.isPlus || hasBindings(tls)),
    begin: (session) => new ScramExchange(session, variant),
  };
}

export const scramMechanisms: readonly SaslMechanism[] = [
  scramMechanism('SCRAM-SHA-256-PLUS', { hash: 'sha256', isPlus: true }),
  scramMechanism('SCRAM-SHA-1-PLUS', { hash: 'sha1', isPlus: true }),
  scramMechanism('SCRAM-SHA-256', { hash: 'sha256', isPlus: false }),
  scramMechanism('SCRAM-SHA-1', { hash: 'sha1', isPlus: false }),
];
