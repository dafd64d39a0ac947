/**
 * Two real servers with an account each, for mail programs' log-ins: one whose tenant asks for a password alone, one
 * whose tenant demands a second factor.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TOTP, URI } from 'otpauth';
import { rest } from './rest-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

export const address = 'ann@example.test';
export const password = 'correct horse battery';

export interface Secrets {
  readonly main: string;
  readonly app: string;
  readonly token: string;
}

export class SaslPlace implements AsyncDisposable {
  readonly test: TestServer;
  readonly secrets: Secrets;

  private constructor(test: TestServer, secrets: Secrets) {
    this.test = test;
    this.secrets = secrets;
  }

  static async open(needsSecondFactor: boolean): Promise<SaslPlace> {
    const any = '127.0.0.1:0';
    const test = await startTestServer({
      ...{ 'listen.imap': any, 'listen.imaps': any, 'listen.pop3': any, 'listen.pop3s': any },
      ...{ 'listen.submissions': any, 'listen.http': any },
      // Each mechanism is tried with what is wrong, too.
      'login.failuresMax': '100000',
    });
    await test.call('domain.create', { name: 'example.test' });
    await test.call('policy.set', { tenant: 'default', allowsScram: true, needsSecondFactor });
    await test.call('account.create', { address, password });
    const { password: app } = await test.call('app-password.create', {
      ...{ address, name: 'mail', scopes: ['imap', 'pop3', 'smtp'] },
    });
    const secondFactor = needsSecondFactor ? await recoveryCode(test) : undefined;
    const body = {
      name: address,
      password,
      ...(secondFactor === undefined ? {} : { secondFactor }),
    };
    const { value } = await rest(test, 'POST /api/v1/token', { token: '', body });
    return new SaslPlace(test, { main: password, app, token: value.accessToken });
  }

  /** What a mail program is started in. */
  get folder(): string {
    return this.test.folder;
  }

  /** The server's own certificate. */
  get certificate(): string {
    return join(this.test.folder, 'data', 'tls', 'self-signed.pem');
  }

  write(name: string, text: string): string {
    const path = join(this.test.folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test[Symbol.asyncDispose]();
  }
}

async function recoveryCode(test: TestServer): Promise<string> {
  const { uri } = await test.call('mfa.enable', { address, name: 'phone' });
  const code = (URI.parse(uri) as TOTP).generate();
  const { recoveryCodes } = await test.call('mfa.confirm', { address, code });
  return recoveryCodes[0]!;
}

/** One way a program logs in: resolves where it got in. */
export interface Way {
  readonly name: string;
  /** A password, or an access token. */
  readonly shows: 'password' | 'token';
  /** It proves the main password: app passwords are none. */
  readonly isMainOnly?: true;
  readonly logIn: (place: SaslPlace, secret: string) => Promise<unknown>;
}
