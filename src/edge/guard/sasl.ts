/**
 * The table of log-in mechanisms, for every protocol that has AUTH or AUTHENTICATE.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 4422 (SASL), RFC 4616 (PLAIN), draft-murchison-sasl-login (LOGIN: obsolete, and asked for daily).
 * Invariant: mechanisms that show the password are run under TLS only; whoever offers them sees to that.
 */

import { Buffer } from 'node:buffer';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** What an exchange wants next. `bad`: the response makes no sense. */
export type SaslStep =
  | { readonly kind: 'challenge'; readonly text: string }
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  | { readonly kind: 'bad' };

export interface SaslExchange {
  /** `response` is decoded; undefined when the client sent no initial response. */
  next(response: Buffer | undefined): SaslStep;
}

export interface SaslMechanism {
  readonly name: string;
  begin(): SaslExchange;
}

const bad: SaslStep = { kind: 'bad' };

function credentials(user: string, password: string): SaslStep {
  // Controls in a name serve nobody but those who forge log lines.
  if (user === '' || /[\x00-\x1f\x7f]/.test(user) || password.includes('\0')) return bad;
  return { kind: 'credentials', credentials: { user, password } };
}

const plain: SaslMechanism = {
  name: 'PLAIN',
  begin: () => ({
    next(response) {
      if (response === undefined) return { kind: 'challenge', text: '' };
      const parts = response.toString('utf8').split('\0');
      const [authorize = '', user = '', password = ''] = parts;
      // RFC 4616 §2: nobody may act for another here, so a differing authorization identity is refused.
      if (parts.length !== 3 || (authorize !== '' && authorize !== user)) return bad;
      return credentials(user, password);
    },
  }),
};

const login: SaslMechanism = {
  name: 'LOGIN',
  begin: () => {
    let user: string | undefined;
    return {
      next(response) {
        if (response === undefined) return { kind: 'challenge', text: 'Username:' };
        if (user === undefined) {
          user = response.toString('utf8');
          return { kind: 'challenge', text: 'Password:' };
        }
        return credentials(user, response.toString('utf8'));
      },
    };
  },
};

/** In order of preference. */
export const saslMechanisms: readonly SaslMechanism[] = [plain, login];

export function saslMechanism(name: string): SaslMechanism | undefined {
  const wanted = name.toUpperCase();
  return saslMechanisms.find((mechanism) => mechanism.name === wanted);
}

/** Strict base64 (RFC 4648 §4), `=` for an empty response (RFC 4954 §4); undefined when it is neither. */
export function decodeSasl(text: string): Buffer | undefined {
  if (text === '=') return Buffer.alloc(0);
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, 'base64');
}
