/**
 * The table of log-in mechanisms, for every protocol that has AUTH or AUTHENTICATE.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 4422 (SASL), RFC 4616 (PLAIN), draft-murchison-sasl-login (LOGIN: obsolete, and asked for daily);
 *            SCRAM, tokens and certificates stand in files of their own.
 * Invariant: mechanisms are run under TLS only, or where clear text is trusted; whoever offers them sees to that. An
 *            exchange goes forward only: what ended is answered `bad` from then on.
 */

import { Buffer } from 'node:buffer';
import { logIn } from './log-in.ts';
import { bearerMechanisms } from './sasl-bearer.ts';
import {
  bad,
  challenge,
  isName,
  type SaslExchange,
  type SaslMechanism,
  type SaslSession,
  type SaslStep,
} from './sasl-exchange.ts';
import { externalMechanism } from './sasl-external.ts';
import { scramMechanisms } from './sasl-scram.ts';

/** The password is here: the answer says whether it is right. */
async function check(session: SaslSession, user: string, password: string): Promise<SaslStep> {
  if (!isName(user) || password.includes('\0')) return bad;
  return { kind: 'ended', answer: await logIn(session, { user, password }) };
}

const plain: SaslMechanism = {
  name: 'PLAIN',
  isOffered: () => true,
  begin: (session) => ({
    next(response) {
      if (response === undefined) return challenge('');
      const parts = response.toString('utf8').split('\0');
      const [authorize = '', user = '', password = ''] = parts;
      // RFC 4616 §2: nobody may act for another here, so a differing authorization identity is refused.
      if (parts.length !== 3 || (authorize !== '' && authorize !== user)) return bad;
      return check(session, user, password);
    },
  }),
};

const login: SaslMechanism = {
  name: 'LOGIN',
  isOffered: () => true,
  begin: (session) => {
    let user: string | undefined;
    return {
      next(response) {
        if (response === undefined) return challenge('Username:');
        if (user === undefined) {
          user = response.toString('utf8');
          return challenge('Password:');
        }
        return check(session, user, response.toString('utf8'));
      },
    };
  },
};

/** In order of preference: what shows the least first. */
const mechanisms: readonly SaslMechanism[] = [
  externalMechanism,
  ...scramMechanisms,
  ...bearerMechanisms,
  plain,
  login,
];

export function offeredMechanisms(session: SaslSession): readonly string[] {
  return mechanisms.filter((one) => one.isOffered(session)).map(({ name }) => name);
}

/** Begins an exchange; undefined where no mechanism of that name is offered. */
export function beginSasl(name: string, session: SaslSession): SaslExchange | undefined {
  const wanted = name.toUpperCase();
  const found = mechanisms.find((one) => one.name === wanted && one.isOffered(session));
  return found === undefined ? undefined : onceOnly(found.begin(session));
}

/** Nothing that ended can be gone on with. */
function onceOnly(exchange: SaslExchange): SaslExchange {
  let isOver = false;
  const noted = (step: SaslStep) => {
    isOver = step.kind !== 'challenge';
    return step;
  };
  return {
    next(response) {
      if (isOver) return bad;
      // One response at a time: none may come while another is looked at.
      isOver = true;
      const step = exchange.next(response);
      return step instanceof Promise ? step.then(noted) : noted(step);
    },
  };
}

/** Strict base64 (RFC 4648 §4), `=` for an empty response (RFC 4954 §4); undefined when it is neither. */
export function decodeSasl(text: string): Buffer | undefined {
  if (text === '=') return Buffer.alloc(0);
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, 'base64');
}
