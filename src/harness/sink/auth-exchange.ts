/**
 * AUTH as a sink takes it: any name with any password is right.
 *
 * Runs in:   sink; pure.
 * Specs:     RFC 4954, RFC 4616 (PLAIN).
 */

export type AuthStep =
  | { readonly kind: 'ask'; readonly reply: string }
  | { readonly kind: 'done'; readonly user: string }
  | { readonly kind: 'refused'; readonly reply: string };

export const authMechanisms = ['PLAIN', 'LOGIN'] as const;

const cancelled: AuthStep = { kind: 'refused', reply: '501 5.7.0 Cancelled' };

/** From AUTH to the name; each line of the client is one `take`. */
export class AuthExchange {
  #mechanism = '';
  #user: string | undefined;

  /** `line` is all of the AUTH command. */
  begin(line: string): AuthStep {
    const [, mechanism = '', initial] = line.trim().split(/ +/);
    this.#mechanism = mechanism.toUpperCase();
    if (this.#mechanism === 'PLAIN') {
      return initial === undefined ? { kind: 'ask', reply: '334 ' } : this.take(initial);
    }
    if (this.#mechanism !== 'LOGIN') {
      return { kind: 'refused', reply: '504 5.5.4 Take PLAIN or LOGIN' };
    }
    return initial === undefined ? { kind: 'ask', reply: '334 VXNlcm5hbWU6' } : this.take(initial);
  }

  take(line: string): AuthStep {
    if (line === '*') return cancelled;
    const text = Buffer.from(line, 'base64').toString('utf8');
    if (this.#mechanism === 'PLAIN') return { kind: 'done', user: text.split('\0')[1] ?? '' };
    if (this.#user !== undefined) return { kind: 'done', user: this.#user };
    this.#user = text;
    return { kind: 'ask', reply: '334 UGFzc3dvcmQ6' };
  }
}
