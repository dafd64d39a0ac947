/**
 * OAUTHBEARER and XOAUTH2: the client shows an access token.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 7628 §3.1-3.2; Google's "XOAUTH2 Mechanism".
 */

import type { Buffer } from 'node:buffer';
import {
  type BearerMessage,
  bearerRefusal,
  parseOauthBearer,
  parseXoauth2,
} from '../../mail/wire/sasl/bearer.ts';
import { attempt, type LogInAnswer } from './log-in.ts';
import {
  bad,
  challenge,
  isName,
  type SaslMechanism,
  type SaslSession,
  type SaslStep,
} from './sasl-exchange.ts';

type Parse = (octets: Buffer) => BearerMessage | undefined;

async function check(session: SaslSession, { user, token }: BearerMessage): Promise<LogInAnswer> {
  const { tokens } = session.logIn.proofs!;
  return await attempt(session, user, () => tokens!.check(token, user, session));
}

function bearerMechanism(name: string, parse: Parse): SaslMechanism {
  return {
    name,
    isOffered: ({ logIn: { proofs } }) => proofs?.tokens !== undefined,
    begin: (session) => {
      let refusal: LogInAnswer | undefined;
      return {
        next(response): SaslStep | Promise<SaslStep> {
          // RFC 7628 §3.2.3: whatever the client says to the error, the exchange failed.
          if (refusal !== undefined) return { kind: 'ended', answer: refusal };
          if (response === undefined) return challenge('');
          const message = parse(response);
          if (message === undefined || (message.user !== '' && !isName(message.user))) return bad;
          return check(session, message).then((answer) => {
            // RFC 7628 §3.2.2: a wrong token is told as a challenge; trouble of ours is not.
            if (answer.ok || answer.code !== 'credentials-invalid')
              return { kind: 'ended', answer };
            refusal = answer;
            const where = session.logIn.proofs!.tokens!.configurationFor?.(message.user);
            return challenge(bearerRefusal(where));
          });
        },
      };
    },
  };
}

export const bearerMechanisms: readonly SaslMechanism[] = [
  bearerMechanism('OAUTHBEARER', parseOauthBearer),
  bearerMechanism('XOAUTH2', parseXoauth2),
];
