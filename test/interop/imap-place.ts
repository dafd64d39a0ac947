/**
 * A real server with an account and some mail, and what its mailboxes hold, for mail programs we did not write.
 *
 * Runs in: interop tests.
 */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ImapClient } from '../support/imap-client.ts';
import { fetchItems } from '../support/imap-values.ts';
import { flagsOf } from '../support/mail-look.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const run = promisify(execFile);
const programMsMax = 60_000;

export const address = 'ann@example.test';
export const password = 'correct horse';

/** Options of a test that needs programs: where one is missing it is skipped, and says so. */
export function needs(...programs: readonly string[]): { readonly skip?: string } {
  const missing = programs.filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status !== 0,
  );
  return missing.length === 0 ? {} : { skip: `not installed: ${missing.join(', ')}` };
}

export class ImapPlace implements AsyncDisposable {
  readonly test: TestServer;
  /** For the program's settings and mail; gone in the end. */
  readonly folder: string;
  #own: ImapClient | undefined;

  private constructor(test: TestServer, folder: string) {
    this.test = test;
    this.folder = folder;
  }

  static async open(): Promise<ImapPlace> {
    const anyPort = '127.0.0.1:0';
    const test = await startTestServer({ 'listen.imap': anyPort, 'listen.imaps': anyPort });
    await test.call('domain.create', { name: 'example.test' });
    await test.call('account.create', { address, password });
    return new ImapPlace(test, mkdtempSync(join(tmpdir(), 'chaski-interop-')));
  }

  /** The server's own certificate, which programs are told to trust. */
  get certificate(): string {
    return join(this.test.folder, 'data', 'tls', 'self-signed.pem');
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  makeFolder(...names: readonly string[]): string {
    const path = this.path(...names);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Rejects with what the program said where it fails or takes too long; `input` is what it may read. */
  async run(program: string, args: readonly string[], input = '') {
    const env = { ...process.env, HOME: this.folder, TERM: 'xterm' };
    const options = { cwd: this.folder, timeout: programMsMax, env };
    const running = run(program, [...args], options);
    running.child.stdin?.end(input);
    return await running;
  }

  /** A client of our own, logged in: what another program does at the same time. */
  async client(): Promise<ImapClient> {
    const client = await ImapClient.connect(this.test.ports.imap!);
    await client.response();
    await client.ok('STARTTLS');
    await client.startTls();
    await client.ok(`LOGIN ${address} "${password}"`);
    return client;
  }

  async create(mailbox: string): Promise<void> {
    const client = await this.#ownClient();
    await client.ok(`CREATE "${mailbox}"`);
  }

  async append(mailbox: string, subject: string, flags = ''): Promise<void> {
    await this.appendAll(mailbox, [message(subject)], flags);
  }

  /** All in one command, one after the other. */
  async appendAll(mailbox: string, messages: readonly Buffer[], flags = ''): Promise<void> {
    const client = await this.#ownClient();
    const words = messages.flatMap((bytes) => [` (${flags}) `, bytes]);
    await client.ok(`APPEND "${mailbox}"`, ...words);
  }

  /** What each mailbox with mail in it holds: `subject` or `subject \Flagged \Seen`, sorted. */
  async mail(): Promise<Record<string, string[]>> {
    const client = await this.#ownClient();
    const { untagged } = await client.ok('LIST "" "*"');
    const mail: Record<string, string[]> = {};
    for (const { name, values } of untagged) {
      if (name !== 'LIST') continue;
      const held = await subjectsIn(client, String(values[2]));
      if (held.length > 0) mail[String(values[2])] = held;
    }
    return mail;
  }

  /** The text of a mailbox's only message. */
  async source(mailbox: string): Promise<string> {
    const client = await this.#ownClient();
    await client.ok(`EXAMINE "${mailbox}"`);
    const { untagged } = await client.ok('FETCH 1:* BODY.PEEK[]');
    await client.ok('UNSELECT');
    const literals = untagged.flatMap((response) => response.literals);
    assert.equal(literals.length, 1);
    return literals[0]!.toString('utf8');
  }

  async #ownClient(): Promise<ImapClient> {
    this.#own ??= await this.client();
    return this.#own;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#own?.destroy();
    await this.test[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true });
  }
}

async function subjectsIn(client: ImapClient, mailbox: string): Promise<string[]> {
  const { untagged } = await client.ok(`EXAMINE "${mailbox}"`);
  const isEmpty = untagged.find(({ name }) => name === 'EXISTS')?.number === 0;
  const fetched = isEmpty ? [] : (await client.ok('FETCH 1:* (FLAGS ENVELOPE)')).untagged;
  await client.ok('UNSELECT');
  return fetched
    .filter(({ name }) => name === 'FETCH')
    .map((response) => {
      const items = fetchItems(response);
      const [, subject] = items.get('ENVELOPE') as readonly string[];
      return `${subject} ${flagsOf(items.get('FLAGS'))}`.trimEnd();
    })
    .sort();
}

let messageCount = 0;

export function message(subject: string, text = `Text of ${subject}.\r\n`): Buffer {
  const lines = [
    'From: Sam <sam@far.test>',
    `To: Ann <${address}>`,
    `Subject: ${subject}`,
    'Date: Thu, 1 Jan 2026 10:00:00 +0000',
    `Message-ID: <${process.pid}.${++messageCount}@far.test>`,
    '',
    text,
  ];
  return Buffer.from(lines.join('\r\n'));
}
