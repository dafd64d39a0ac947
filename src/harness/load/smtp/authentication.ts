/**
 * The client's side of AUTH: PLAIN, LOGIN and SCRAM-SHA-256.
 *
 * Runs in:   load generator; pure but for the nonce it is given.
 * Specs:     RFC 4954 (AUTH), RFC 4616 (PLAIN), draft-murchison-sasl-login (LOGIN), RFC 5802 and RFC 7677 (SCRAM).
 * Limits:    at most `iterationsMax` rounds of a server's choosing; salted passwords are kept for `keptCountMax` users.
 */

import { Buffer } from 'node:buffer';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

export const mechanisms = ['plain', 'login', 'scram-sha-256'] as const;
export type Mechanism = (typeof mechanisms)[number];

const iterationsMax = 200_000;
const keptCountMax = 10_000;

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** One exchange: the command, then an answer to each challenge. */
export interface Authentication {
  readonly command: string;
  /** `challenge` as it stood after "334 ", in base64. Throws a sentence when the server is not to be answered. */
  answer(challenge: string): string;
}

/** The mechanism to use: the one asked for, else the cheapest that does not show the password on a plain wire. */
export function chooseMechanism(
  offered: ReadonlySet<string>,
  wanted: Mechanism | undefined,
  isSecure: boolean,
): Mechanism | undefined {
  if (wanted !== undefined) return offered.has(wanted) ? wanted : undefined;
  const order = isSecure ? mechanisms : (['scram-sha-256', 'plain', 'login'] as const);
  return order.find((each) => offered.has(each));
}

export function beginAuthentication(
  mechanism: Mechanism,
  credentials: Credentials,
  nonce: () => string,
): Authentication {
  switch (mechanism) {
    case 'plain':
      return plain(credentials);
    case 'login':
      return login(credentials);
    case 'scram-sha-256':
      return scram(credentials, nonce());
  }
}

function plain({ user, password }: Credentials): Authentication {
  const command = `AUTH PLAIN ${base64(`\0${user}\0${password}`)}\r\n`;
  return { command, answer: () => unexpected('PLAIN') };
}

function login({ user, password }: Credentials): Authentication {
  const answers = [base64(user), base64(password)];
  return {
    command: 'AUTH LOGIN\r\n',
    answer: () => `${answers.shift() ?? unexpected('LOGIN')}\r\n`,
  };
}

function scram(credentials: Credentials, nonce: string): Authentication {
  const user = credentials.user.replaceAll('=', '=3D').replaceAll(',', '=2C');
  const clientFirst = `n=${user},r=${nonce}`;
  let serverSignature: string | undefined;
  return {
    command: `AUTH SCRAM-SHA-256 ${base64(`n,,${clientFirst}`)}\r\n`,
    answer: (challenge) => {
      const server = Buffer.from(challenge, 'base64').toString('utf8');
      if (serverSignature === undefined) {
        const final = scramFinal(credentials, nonce, clientFirst, server);
        serverSignature = final.serverSignature;
        return `${base64(final.message)}\r\n`;
      }
      if (server !== `v=${serverSignature}`) {
        throw new Error('SCRAM: the server does not know the password');
      }
      return '\r\n';
    },
  };
}

function scramFinal(credentials: Credentials, nonce: string, clientFirst: string, server: string) {
  const match = /^r=([^,]+),s=([^,]+),i=(\d{1,9})/.exec(server);
  const [, serverNonce = '', salt = '', rounds = ''] = match ?? [];
  const iterations = Number(rounds);
  if (match === null || !serverNonce.startsWith(nonce))
    throw new Error('SCRAM: no server-first-message');
  if (iterations < 1 || iterations > iterationsMax)
    throw new Error(`SCRAM: ${iterations} iterations`);
  const salted = saltedPassword(credentials, salt, iterations);
  const withoutProof = `c=biws,r=${serverNonce}`;
  const message = `${clientFirst},${server},${withoutProof}`;
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash('sha256').update(clientKey).digest(), message);
  const proof = clientKey.map((byte, at) => byte ^ signature[at]!);
  return {
    message: `${withoutProof},p=${Buffer.from(proof).toString('base64')}`,
    serverSignature: hmac(hmac(salted, 'Server Key'), message).toString('base64'),
  };
}

const kept = new Map<string, Buffer>();

/** Costs milliseconds, and is the same for all sessions of a user. */
function saltedPassword({ user, password }: Credentials, salt: string, iterations: number): Buffer {
  const key = JSON.stringify([user, password, salt, iterations]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const bytes = Buffer.from(salt, 'base64');
  const made = pbkdf2Sync(password.normalize('NFKC'), bytes, iterations, 32, 'sha256');
  if (kept.size >= keptCountMax) kept.clear();
  kept.set(key, made);
  return made;
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function unexpected(mechanism: string): never {
  throw new Error(`${mechanism}: one challenge too many`);
}
