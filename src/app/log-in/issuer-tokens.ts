/**
 * Access tokens of other issuers as a log-in of mail programs, beside our own.
 *
 * Runs in:   main thread.
 * Specs:     RFC 7628 §3.1 (whom the client names is who the token is for), §3.2.2 (where its issuer is).
 * Invariant: an issuer opens accounts of the domains it was set up for, and of no others, whatever it signs. Where an
 *            account has more than a password, its token must say that a second factor was shown. An opaque token is
 *            shown to the issuer of the domain that its client names, and to no other.
 */

import { domainOf } from '../../base/address-parts.ts';
import { failure } from '../../base/errors.ts';
import { configurationUrl } from '../../edge/guard/issuer-keys.ts';
import type { LogInAnswer } from '../../edge/guard/log-in.ts';
import type { OpaqueTokens } from '../../edge/guard/opaque-tokens.ts';
import type { TokenCheck } from '../../edge/guard/proofs.ts';
import {
  isJwt,
  issuerSaidIn,
  type NamedByToken,
  type TokenIssuer,
} from '../../edge/guard/token-issuer.ts';
import type { Identity } from '../../ports/identity.ts';
import { isPasswordEnough } from './admission.ts';
import { accountOpenTo } from './issuer-accounts.ts';

export interface TokenSource {
  readonly issuer: TokenIssuer;
  /** Absent: its tokens are JWTs. */
  readonly opaque?: Pick<OpaqueTokens, 'read'>;
}

export interface IssuerTokenParts {
  readonly identity: Pick<Identity, 'directory' | 'credentials' | 'secondFactors'>;
  readonly issuers: readonly TokenSource[];
  /** Asked of all other tokens. */
  readonly own: TokenCheck;
}

export function issuerTokenCheck({ identity, issuers, own }: IssuerTokenParts): TokenCheck {
  if (issuers.length === 0) return own;
  const byUrl = new Map(issuers.map((each) => [each.issuer.rules.url, each]));
  const opaque = issuers.filter((each) => each.opaque !== undefined);
  return {
    async check(token, user, facts) {
      const signed = byUrl.get(issuerSaidIn(token));
      if (signed !== undefined)
        return await admit(identity, signed.issuer, await signed.issuer.read(token), user);
      const asked = isJwt(token) ? undefined : sourceFor(opaque, user);
      if (asked === undefined) return await own.check(token, user, facts);
      const said = await asked.opaque!.read(token, facts.address);
      const named = typeof said === 'string' ? said : asked.issuer.readActive(said);
      return await admit(identity, asked.issuer, named === 'refused' ? 'invalid' : named, user);
    },
    configurationFor(user) {
      const source = sourceFor(issuers, user);
      return source === undefined ? undefined : configurationUrl(source.issuer.rules.url);
    },
  };
}

/** By the domain that the client names; where it names nobody, the only one there is. */
function sourceFor(sources: readonly TokenSource[], user: string): TokenSource | undefined {
  if (user === '') return sources.length === 1 ? sources[0] : undefined;
  const domain = domainOf(user).toLowerCase();
  return sources.find(({ issuer }) => issuer.rules.domains.includes(domain));
}

async function admit(
  identity: IssuerTokenParts['identity'],
  issuer: TokenIssuer,
  named: NamedByToken | 'invalid' | 'over' | 'away',
  user: string,
): Promise<LogInAnswer> {
  const { directory } = identity;
  if (named === 'away') return failure('deadline-passed', issuer.rules.url);
  const refused = failure('credentials-invalid', user);
  if (named === 'over') return { ...refused, isOver: true };
  if (named === 'invalid' || named.address === '') return refused;
  const account = await accountOpenTo(directory, issuer, named.address);
  if (account === undefined) return refused;
  const asked = user === '' ? account : await directory.accountByAddress(user);
  if (asked?.id !== account.id) return refused;
  const { isWithSecondFactor, untilMs } = named;
  if (!isWithSecondFactor && !(await isPasswordEnough(identity, account)))
    return failure('app-password-required', account.address);
  return { ok: true, account, admission: { kind: 'issuer', isWithSecondFactor, untilMs } };
}
