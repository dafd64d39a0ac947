/**
 * Aim: log-in by client certificate (SASL EXTERNAL) on each protocol, offered to those alone whose certificate is
 * proven, and taken back by mapping, list of revoked ones and policy. Method: the whole server, certificates of a CA of
 * ours, and curl as a stranger's client.
 * Specs: RFC 4422 appendix A.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { before, test } from 'node:test';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { type MadeCertificate, TestAuthority } from '../support/certificate-maker.ts';
import { startTestServer, type TestServer, testSettings } from '../support/test-server.ts';

const address = 'ann@here.test';
const listeners = {
  'listen.imaps': '127.0.0.1:0',
  'listen.pop3s': '127.0.0.1:0',
  'listen.submissions': '127.0.0.1:0',
};
type Protocol = 'imaps' | 'pop3s' | 'submissions';
const protocols: readonly Protocol[] = ['imaps', 'pop3s', 'submissions'];

let authority: TestAuthority;
let ann: MadeCertificate;
before(async () => {
  authority = await TestAuthority.make();
  ann = await authority.issue({ email: [address], isClient: true });
});

class Line {
  readonly #socket: ReturnType<typeof connect>;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: ReturnType<typeof connect>) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async open(port: number, own: Partial<MadeCertificate>): Promise<Line> {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...own });
    await once(socket, 'secureConnect');
    const line = new Line(socket);
    await line.read();
    return line;
  }

  async read(): Promise<string> {
    return (await this.#lines.next()).value as string;
  }

  /** All lines up to one that `isLast`. */
  async say(text: string, isLast: (line: string) => boolean = () => true): Promise<string> {
    this.#socket.write(`${text}\r\n`);
    const lines = [await this.read()];
    while (!isLast(lines.at(-1)!)) lines.push(await this.read());
    return lines.join('\n');
  }

  end(): void {
    this.#socket.destroy();
  }
}

const asking = {
  imaps: ['a CAPABILITY', /^a OK/],
  pop3s: ['CAPA', /^\.$/],
  submissions: ['EHLO c.test', /^250 /],
} as const;
const offered = {
  imaps: /AUTH=EXTERNAL/,
  pop3s: /^SASL .*EXTERNAL/m,
  submissions: /AUTH .*EXTERNAL/,
} as const;
const logIns = {
  imaps: (text: string) => `b AUTHENTICATE EXTERNAL ${text}`,
  pop3s: (text: string) => `AUTH EXTERNAL ${text}`,
  submissions: (text: string) => `AUTH EXTERNAL ${text}`,
} as const;
const done = { imaps: /^b OK/, pop3s: /^\+OK/, submissions: /^235 / } as const;

/** `none`: it is not offered. */
async function logIn(
  server: TestServer,
  protocol: Protocol,
  own: Partial<MadeCertificate>,
  authorize = '',
): Promise<'in' | 'refused' | 'none'> {
  const line = await Line.open(server.ports[protocol]!, own);
  try {
    const [question, last] = asking[protocol];
    const told = await line.say(question, (each) => last.test(each));
    const text = authorize === '' ? '=' : Buffer.from(authorize).toString('base64');
    const answer = await line.say(logIns[protocol](text), (each) => !each.startsWith('* '));
    if (!offered[protocol].test(told)) {
      assert.doesNotMatch(answer, done[protocol]);
      return 'none';
    }
    return done[protocol].test(answer) ? 'in' : 'refused';
  } finally {
    line.end();
  }
}

async function placed(run: (folder: string, files: Record<string, string>) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'chaski-external-'));
  const files = { ca: join(folder, 'ca.pem'), crl: join(folder, 'crl.pem') };
  try {
    writeFileSync(files.ca, authority.pem);
    await run(folder, files);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function settle(server: TestServer): Promise<void> {
  await server.call('domain.create', { name: 'here.test', tenant: 'default', signWith: [] });
  await server.call('account.create', { address, password: 'correct horse' });
  await server.call('policy.set', { tenant: 'default', allowsCertificates: true });
}

test('a certificate of our CA opens its account on each protocol, and none is asked of others', async () => {
  await placed(async (folder, { ca }) => {
    const settings = {
      ...listeners,
      'clientCertificate.ca': ca!,
      'clientCertificate.usesMailAddress': 'true',
    };
    await using server = await startTestServer(settings, { folder });
    await settle(server);
    const stranger = await (await TestAuthority.make()).issue({ email: [address], isClient: true });
    for (const protocol of protocols) {
      assert.equal(await logIn(server, protocol, ann), 'in', protocol);
      assert.equal(await logIn(server, protocol, ann, address), 'in', protocol);
      assert.equal(await logIn(server, protocol, ann, 'bob@here.test'), 'refused', protocol);
      assert.equal(await logIn(server, protocol, {}), 'none', protocol);
      assert.equal(await logIn(server, protocol, stranger), 'none', protocol);
    }
    await server.call('policy.set', { tenant: 'default', allowsCertificates: false });
    for (const protocol of protocols)
      assert.equal(await logIn(server, protocol, ann), 'refused', protocol);
  });
});

test('a mapping that is taken away and a list of revoked ones end it, while the server runs', async () => {
  await placed(async (folder, { ca, crl }) => {
    const { fingerprint256, serialNumber } = new X509Certificate(ann.cert);
    const rows = JSON.stringify([{ account: address, fingerprint: fingerprint256 }]);
    const mapped = {
      ...listeners,
      'clientCertificate.ca': ca!,
      'clientCertificate.accounts': rows,
    };
    await using server = await startTestServer(mapped, { folder });
    await settle(server);
    assert.equal(await logIn(server, 'imaps', ann), 'in');
    await server.server.reload(
      testSettings(folder, { ...mapped, 'clientCertificate.accounts': '[]' }),
    );
    assert.equal(await logIn(server, 'imaps', ann), 'refused');
    await server.server.reload(testSettings(folder, mapped));
    assert.equal(await logIn(server, 'imaps', ann), 'in');
    writeFileSync(crl!, await authority.revoked([serialNumber]));
    const listed = { ...mapped, 'clientCertificate.crl': crl! };
    await server.server.reload(testSettings(folder, listed));
    assert.equal(await logIn(server, 'imaps', ann), 'none');
    writeFileSync(crl!, await authority.revoked([]));
    await server.server.reload(testSettings(folder, listed));
    assert.equal(await logIn(server, 'imaps', ann), 'in');
    const elsewhere = { ...mapped, 'clientCertificate.listeners': 'pop3s' };
    await server.server.reload(testSettings(folder, elsewhere));
    assert.equal(await logIn(server, 'imaps', ann), 'none');
    assert.equal(await logIn(server, 'pop3s', ann), 'in');
  });
});

test('curl logs in by certificate', async (context) => {
  const hasCurl = await promisify(execFile)('curl', ['--version']).then(
    () => true,
    () => false,
  );
  if (!hasCurl) return context.skip('there is no curl on this machine');
  await placed(async (folder, { ca }) => {
    const settings = {
      ...listeners,
      'clientCertificate.ca': ca!,
      'clientCertificate.usesMailAddress': 'true',
    };
    await using server = await startTestServer(settings, { folder });
    await settle(server);
    writeFileSync(join(folder, 'ann.pem'), ann.cert + ann.key);
    const asked = (protocol: Protocol, path: string, ...more: string[]) =>
      promisify(execFile)('curl', [
        ...['-sS', '-k', '-v', '--max-time', '20', '--cert', join(folder, 'ann.pem')],
        ...['--user', `${address}:`, '--login-options', 'AUTH=EXTERNAL', ...more],
        `${protocol.replace('submissions', 'smtps')}://127.0.0.1:${server.ports[protocol]}${path}`,
      ]);
    const listed = await asked('imaps', '/', '-X', 'LIST "" *');
    assert.match(listed.stdout, /\* LIST .* "?INBOX"?/i);
    const download = await asked('pop3s', '/');
    assert.match(download.stderr, /AUTH EXTERNAL/);
    writeFileSync(join(folder, 'mail.txt'), 'Subject: by certificate\r\n\r\nhello\r\n');
    const upload = ['--mail-from', address, '--mail-rcpt', address];
    const submitted = () =>
      asked('submissions', '/c.test', ...upload, '-T', join(folder, 'mail.txt'));
    await submitted();
    // The tenant lets certificates in by name: a second factor is demanded of passwords.
    await server.call('policy.set', { tenant: 'default', needsSecondFactor: true });
    const passwordAlone = promisify(execFile)('curl', [
      ...['-sS', '-k', '--max-time', '20', '--user', `${address}:correct horse`],
      `imaps://127.0.0.1:${server.ports.imaps}/`,
    ]);
    await assert.rejects(passwordAlone);
    assert.match((await asked('imaps', '/', '-X', 'LIST "" *')).stdout, /\* LIST /);
    await asked('pop3s', '/');
    await submitted();
  });
});
