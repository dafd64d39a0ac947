/**
 * Aim: clients of npm that we did not write log in by each mechanism they know, with and without a second factor being
 * demanded. Method: imapflow and nodemailer against real servers over TLS.
 */

import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import type { SaslPlace, Way } from '../support/sasl-place.ts';
import { address } from '../support/sasl-place.ts';
import { saslSuite } from '../support/sasl-suite.ts';

const tls = { rejectUnauthorized: false };

async function byImapflow(
  { test }: SaslPlace,
  auth: { readonly pass: string; readonly loginMethod: string } | { readonly accessToken: string },
): Promise<void> {
  const flow = new ImapFlow({
    ...{ host: '127.0.0.1', port: test.ports.imaps!, secure: true, tls, logger: false },
    auth: { user: address, ...auth },
  });
  flow.on('error', () => {});
  await flow.connect();
  await flow.logout();
}

async function byNodemailer({ test }: SaslPlace, auth: object, authMethod?: string): Promise<void> {
  const transport = createTransport({
    ...{ host: '127.0.0.1', port: test.ports.submissions!, secure: true, tls },
    auth: { user: address, ...auth },
    ...(authMethod === undefined ? {} : { authMethod }),
  });
  try {
    await transport.verify();
  } finally {
    transport.close();
  }
}

const ways: readonly Way[] = [
  ...(
    [
      ['LOGIN', 'LOGIN command'],
      ['AUTH=PLAIN', 'PLAIN'],
      ['AUTH=LOGIN', 'LOGIN'],
    ] as const
  ).map(
    ([loginMethod, mechanism]): Way => ({
      ...{ name: `imapflow by ${mechanism} on imap`, shows: 'password' },
      logIn: (place, pass) => byImapflow(place, { pass, loginMethod }),
    }),
  ),
  {
    ...{ name: 'imapflow by OAUTHBEARER on imap', shows: 'token' },
    logIn: (place, accessToken) => byImapflow(place, { accessToken }),
  },
  ...['PLAIN', 'LOGIN'].map(
    (method): Way => ({
      ...{ name: `nodemailer by ${method} on smtp`, shows: 'password' },
      logIn: (place, pass) => byNodemailer(place, { pass }, method),
    }),
  ),
  {
    ...{ name: 'nodemailer by XOAUTH2 on smtp', shows: 'token' },
    logIn: (place, accessToken) => byNodemailer(place, { type: 'OAuth2', accessToken }),
  },
];

saslSuite('flows', 'clients of npm', ways);
