/**
 * Access tokens of other issuers as a log-in of mail programs, beside our own.
 *
 * Runs in:   main thread.
 * Specs:     RFC 7628 §3.1 (whom the client names is who the token is for).
 * Invariant: an issuer opens accounts of the domains it was set up for, and of no others, whatever it signs. Where an
 *            account has more than a password, its token must say that a second factor was shown.
 */

import { failure } from '../../base/errors.ts';
import type { LogInAnswer } from '../../edge/guard/log-in.ts';
import type { TokenCheck } from '../../edge/guard/proofs.ts';
import { issuerSaidIn, type TokenIssuer } from '../../edge/guard/token-issuer.ts';
import { mayLogIn } from '../../ports/account-directory.ts';
import type { Identity } from '../../ports/identity.ts';
import { isPasswordEnough } from './admission.ts';

export interface IssuerTokenParts {
  readonly identity: Pick<Identity, 'directory' | 'credentials' | 'secondFactors'>;
  readonly issuers: readonly TokenIssuer[];
  /** Asked of all other tokens. */
  readonly own: TokenCheck;
}

export function issuerTokenCheck({ identity, issuers, own }: IssuerTokenParts): TokenCheck {
  if (issuers.length === 0) return own;
  const byUrl = new Map(issuers.map((issuer) => [issuer.rules.url, issuer]));
  return {
    check(token, user, facts) {
      const issuer = byUrl.get(issuerSaidIn(token));
      return issuer === undefined
        ? own.check(token, user, facts)
        : checkOne(identity, issuer, token, user);
    },
  };
}

async function checkOne(
  identity: IssuerTokenParts['identity'],
  issuer: TokenIssuer,
  token: string,
  user: string,
): Promise<LogInAnswer> {
  const { directory } = identity;
  const { url, domains } = issuer.rules;
  const named = await issuer.read(token);
  if (named === 'away') return failure('deadline-passed', url);
  const refused = failure('credentials-invalid', user);
  if (named === 'over') return { ...refused, isOver: true };
  if (named === 'invalid' || named.address === '') return refused;
  const account = await directory.accountByAddress(named.address);
  if (account === undefined || !mayLogIn(account)) return refused;
  const { address } = account;
  if (!domains.includes(address.slice(address.lastIndexOf('@') + 1))) return refused;
  const asked = user === '' ? account : await directory.accountByAddress(user);
  if (asked?.id !== account.id) return refused;
  const { isWithSecondFactor, untilMs } = named;
  if (!isWithSecondFactor && !(await isPasswordEnough(identity, account)))
    return failure('app-password-required', address);
  return { ok: true, account, admission: { kind: 'issuer', isWithSecondFactor, untilMs } };
}
