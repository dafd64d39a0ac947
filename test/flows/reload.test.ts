/**
 * Aim: SIGHUP takes new settings and never ends the server, whatever it finds to read. Method: a server process of its
 * own, a certificate broken and mended, settings broken and mended.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { launcher } from '../../bench/servers/chaski.ts';
import { Child } from '../../src/harness/child.ts';
import { testCertificate } from '../support/certificate.ts';
import { WireClient } from '../support/wire-client.ts';

const startMsMax = 90_000;
const reloadMsMax = 10_000;

it('reads settings and certificate again, and keeps the old ones where the new are wrong', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-reload-'));
  const files = { config: 'chaski.toml', cert: 'cert.pem', key: 'key.pem' } as const;
  const put = (file: keyof typeof files, text: string) =>
    writeFileSync(join(folder, files[file]), text, { mode: 0o600 });
  const config = (sizeMax: string) => `
    hostname = "mx.test"
    shards = 1
    workers = 1
    data.dir = "${join(folder, 'data')}"
    tls = { cert = "${join(folder, files.cert)}", key = "${join(folder, files.key)}" }
    listen = { smtp = "127.0.0.1:0", submission = "", submissions = "", lmtp = "", http = "", imap = "", imaps = "" }
    smtp.messageBytesMax = "${sizeMax}"`;
  put('config', config('1MiB'));
  put('cert', testCertificate().cert);
  put('key', testCertificate().key);
  const line = ['serve', '-c', join(folder, files.config)];
  const server = new Child({ command: launcher, args: line });
  const hangUp = async (answer: RegExp) => {
    process.kill(server.pid, 'SIGHUP');
    await server.until(answer, reloadMsMax);
  };
  try {
    const ready = /"smtp":\["127\.0\.0\.1:(\d+)"\][^\n]*"ready"/;
    const port = Number((await server.until(ready, startMsMax))[1]);
    assert.match(await greetingOf(port), /SIZE 1048576\r\n/);
    put('cert', 'no certificate');
    await hangUp(/not all could be read again|settings are wrong/);
    put('cert', testCertificate().cert);
    put('config', config('too much'));
    await hangUp(/smtp\.messageBytesMax[^\n]*settings are wrong/);
    assert.match(await greetingOf(port), /SIZE 1048576\r\n/);
    put('config', config('2MiB'));
    await hangUp(/"applied":\["smtp\.messageBytesMax"\]/);
    assert.match(await greetingOf(port), /SIZE 2097152\r\n/);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
  } finally {
    await server.stop('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

async function greetingOf(port: number): Promise<string> {
  const client = await WireClient.connect(port);
  client.send(Buffer.from('EHLO me.test\r\nQUIT\r\n'));
  return await client.closed();
}
