/**
 * What a log-in may show in place of a password, and who decides on it.
 *
 * Runs in:   edge (main thread); implemented where directory and settings are known.
 * Invariant: an answer is `credentials-invalid` for whoever is not there and whoever is not let in alike.
 */

import type { ScramHash, ScramVerifier } from '../../mail/trust/scram.ts';
import type { Eventually } from '../../ports/account-directory.ts';
import type { LogInAnswer, LogInFacts } from './log-in.ts';

type Facts = Pick<LogInFacts, 'address' | 'listener'>;

export interface ScramCheck {
  /** Some tenant lets it be used: who asks is not known before the exchange. */
  readonly isOffered: boolean;
  /** Ours of a nonce: printable, without a comma, never the same twice. */
  nonce(): string;
  /** What `user` has, or seems to have: nobody can tell which. */
  verifierOf(user: string, hash: ScramHash): Eventually<ScramVerifier>;
  /** The proof was right: lets `user` in where the verifier is still theirs and policy has it. */
  admit(
    user: string,
    hash: ScramHash,
    verifier: ScramVerifier,
    facts: Facts,
  ): Eventually<LogInAnswer>;
}

/** Checks access tokens (RFC 6750), of ours and of issuers that settings name. */
export interface TokenCheck {
  /** `user`: whom the client names; "": whoever the token is for. Where both are said they must be the same. */
  check(token: string, user: string, facts: Facts): Eventually<LogInAnswer>;
  /** RFC 7628 §3.2.2: where who has an account like `user` learns how to get a token. Absent: nowhere. */
  configurationFor?(user: string): string | undefined;
}

/** Which accounts certificates stand for. */
export interface CertificateCheck {
  /** `der`: the client's certificate, which a CA of ours vouches for. `authorize`: whom the client names, or "". */
  check(der: Uint8Array, authorize: string, facts: Facts): Eventually<LogInAnswer>;
}

export interface Proofs {
  readonly scram?: ScramCheck;
  readonly tokens?: TokenCheck;
  readonly certificates?: CertificateCheck;
}
