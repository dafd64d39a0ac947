/**
 * The real server and a mail server we did not write, each the other's MX, under certificates both verify.
 *
 * Runs in: interop tests.
 */

import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nodemailer, { type SendMailOptions } from 'nodemailer';
import { freePort } from '../../../bench/servers/free-port.ts';
import { Certificates } from '../../../src/harness/sink/certificates.ts';
import { heldMail } from '../../support/account-mail.ts';
import { DnsServer } from '../../support/dns-server.ts';
import { eventually, startTestServer, type TestServer } from '../../support/test-server.ts';
import { eximMissing, startExim } from './exim.ts';
import { type Peer, type PeerOptions, peerPassword, peerUser } from './peer.ts';
import { postfixMissing, startPostfixPeer } from './postfix.ts';

export const ann = 'ann@example.test';
export const bob = 'bob@example.test';
export const pia = 'pia@peer.test';
export const umlaut = 'jörg@peer.test';
export const password = 'correct horse';

export interface PeerKind {
  readonly name: string;
  /** Why it cannot be had here. */
  readonly missing: string | undefined;
  readonly start: (options: PeerOptions) => Promise<Peer>;
  /** Whether it takes a log-in of ours. */
  readonly hasLogIn: boolean;
  /** Whether it sends BDAT, besides taking it. */
  readonly sendsChunks: boolean;
}

export const peerKinds: readonly PeerKind[] = [
  {
    ...{ name: 'Postfix', missing: postfixMissing(), start: startPostfixPeer },
    ...{ hasLogIn: false, sendsChunks: false },
  },
  {
    ...{ name: 'Exim', missing: eximMissing(), start: startExim },
    ...{ hasLogIn: true, sendsChunks: true },
  },
];

export interface RelayPlaceOptions {
  /** The peer hands its mail to our submission port and logs in as ann. */
  readonly isSmarthost?: boolean;
  /** Besides what both ways need. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly domain?: string;
  /** Chaski hands all its mail to the peer, and logs in where the peer takes that. */
  readonly hasSmarthost?: boolean;
}

export class RelayPlace implements AsyncDisposable {
  readonly test: TestServer;
  readonly peer: Peer;
  readonly #things: AsyncDisposableStack;

  private constructor(test: TestServer, peer: Peer, things: AsyncDisposableStack) {
    this.test = test;
    this.peer = peer;
    this.#things = things;
  }

  static async open(kind: PeerKind, options: RelayPlaceOptions = {}): Promise<RelayPlace> {
    await using things = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), 'chaski-relay-'));
    things.defer(() => rmSync(folder, { recursive: true }));
    // The peer's users must get through.
    chmodSync(folder, 0o755);
    const dns = things.use(await new DnsServer(answerOf).start());
    const certificates = new Certificates(Date.now());
    writeFileSync(join(folder, 'ca.pem'), await certificates.root());
    const ours = { smtp: await freePort(), submission: await freePort() };
    mkdirSync(join(folder, 'peer'));
    const peer = await kind.start({
      folder: join(folder, 'peer'),
      domain: options.domain ?? 'peer.test',
      users: ['pia', 'jörg'],
      certificate: await certificates.of('valid', 'mx.peer.test'),
      next: {
        port: options.isSmarthost === true ? ours.submission : ours.smtp,
        trusted: join(folder, 'ours.pem'),
        ...(options.isSmarthost === true ? { user: ann, password } : {}),
      },
    });
    things.defer(() => peer.stop());
    mkdirSync(join(folder, 'chaski'));
    writeFileSync(join(folder, 'password'), `${peerPassword}\n`, { mode: 0o600 });
    const test = await startTestServer(
      {
        ...{ 'listen.smtp': `127.0.0.1:${ours.smtp}`, 'dns.servers': `127.0.0.1:${dns.port}` },
        ...{ 'listen.submission': `127.0.0.1:${ours.submission}`, 'relay.networks': '' },
        ...{ 'relay.mxPort': String(peer.port), 'relay.privateTargets': 'true' },
        ...{ 'relay.tls': 'verified', 'relay.caFile': join(folder, 'ca.pem') },
        ...{ 'relay.retryMsMin': '200ms' },
        ...(options.hasSmarthost === true
          ? { 'relay.route': `smtp://mx.peer.test:${peer.port}` }
          : {}),
        ...(options.hasSmarthost === true && kind.hasLogIn
          ? { 'relay.user': peerUser, 'relay.passwordFile': join(folder, 'password') }
          : {}),
        ...options.settings,
      },
      { folder: join(folder, 'chaski') },
    );
    things.use(test);
    copyFileSync(join(test.folder, 'data', 'tls', 'self-signed.pem'), join(folder, 'ours.pem'));
    chmodSync(join(folder, 'ours.pem'), 0o644);
    await test.call('domain.create', { name: 'example.test' });
    for (const address of [ann, bob]) await test.call('account.create', { address, password });
    return new RelayPlace(test, peer, things.move());
  }

  /** As ann, by our submission port. */
  async submit(mail: SendMailOptions): Promise<void> {
    const transport = nodemailer.createTransport({
      ...{ host: '127.0.0.1', port: this.test.ports.submission!, requireTLS: true },
      ...{ auth: { user: ann, pass: password }, tls: { rejectUnauthorized: false } },
    });
    await transport.sendMail({ from: ann, ...mail });
  }

  /** As pia, by the peer. */
  async hand(mail: SendMailOptions): Promise<void> {
    const transport = nodemailer.createTransport({
      ...{ host: '127.0.0.1', port: this.peer.port, ignoreTLS: true },
    });
    await transport.sendMail({ from: pia, ...mail });
  }

  /** The message in an INBOX of ours that has these words, in whatever case. */
  async inbox(account: string, words: string): Promise<string> {
    return await eventually(`"${words}" for ${account}`, async () => {
      const held = (await heldMail(this.test, account)).INBOX ?? [];
      return held.find(({ text }) => text.toLowerCase().includes(words.toLowerCase()))?.text;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#things.disposeAsync();
  }
}

/** peer.test has a host, example.test has ours; the rest is not there. */
function answerOf(question: string) {
  const [type, name] = question.split(' ') as [string, string];
  if (type === 'MX' && name.endsWith('.test')) {
    const data = { preference: 10, exchange: `mx.${name}` };
    return { answers: [{ type: 'MX' as const, name, ttl: 60, data }] };
  }
  if (type === 'A' && name.startsWith('mx.')) {
    return { answers: [{ type: 'A' as const, name, ttl: 60, data: '127.0.0.1' }] };
  }
  return { answers: [] };
}
