/**
 * Aim: `chaski sink` as CI starts it: one line says where everything is, the ledger is kept while mail is looked at, and
 *      who writes an option wrong is told what to write.
 * Method: the program as a child process, mail by nodemailer.
 */

import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import nodemailer from 'nodemailer';
import { Child } from '../../src/harness/child.ts';
import { bodyHash, markLine } from '../../src/harness/ledger/mark.ts';

const launcher = 'src/cli/chaski';
const readyMsMax = 30_000;

const start = (...args: readonly string[]) =>
  new Child({ command: launcher, args: ['sink', '--json', ...args] });

interface ReadyLine {
  readonly ready: readonly string[];
  readonly http: string;
  readonly dns: string;
  readonly policies: string;
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

it('captures, keeps its ledger and names every address; a model goes with it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-sink-'));
  try {
    const any = '127.0.0.1:0';
    const places = ['--listen', any, '--listen-tls', any, '--dns', any, '--mta-sts', any];
    for (const more of [[], ['--fault', 'rcpt=550 5.1.1 Tenth:0.000001']]) {
      const ledger = join(folder, `ledger${more.length}`);
      const child = start(...places, '--capture', '--http', any, '--ledger', ledger, ...more);
      const [line] = await child.until(/^\{"ready".*\}\n/, readyMsMax);
      const { ready, http, dns, policies } = JSON.parse(line) as ReadyLine;
      assert.equal(ready.length, 2);
      assert.ok(portOf(dns) > 0 && portOf(policies) > 0);
      const body = 'hello\r\n';
      const mark = markLine({ id: 'one', sha256: bodyHash(Buffer.from(body)) });
      for (const [at, address] of ready.entries()) {
        const transport = nodemailer.createTransport({
          ...{ host: '127.0.0.1', port: portOf(address), secure: at === 1 },
          ...{ tls: { rejectUnauthorized: false }, auth: { user: 'any', pass: 'thing' } },
        });
        const raw = `From: a@b.test\r\nSubject: n${at}\r\n${mark}\r\n${body}`;
        await transport.sendMail({ envelope: { from: 'a@b.test', to: 'c@d.test' }, raw });
        const path = `/api/v1/wait?subject=n${at}&timeout=10`;
        const message = await (await fetch(`http://${http}${path}`)).json();
        assert.partialDeepStrictEqual(message, {
          subject: `n${at}`,
          isEncrypted: true,
          user: 'any',
        });
      }
      assert.deepEqual(await child.stop(), { code: 0, signal: null });
      const counts = JSON.parse(child.stdout.trim().split('\n').at(-1)!) as object;
      assert.partialDeepStrictEqual(counts, { messages: 2, copies: 2, unmarked: 0, unkept: 0 });
      const arrived = readFileSync(join(ledger, 'arrived.jsonl'), 'utf8').trim().split('\n');
      assert.equal(arrived.length, 2);
      assert.partialDeepStrictEqual(JSON.parse(arrived[0]!), { id: 'one', to: ['c@d.test'] });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('says what to write in place of a wrong option, and ends with 2', async () => {
  const listen = ['--listen', '127.0.0.1:0'];
  const cases: readonly (readonly [args: readonly string[], sentence: RegExp])[] = [
    [[], /--listen HOST:PORT is missing/],
    [[...listen, '--capture'], /--capture needs --http HOST:PORT/],
    [[...listen, '--model', 'gmial-like'], /no model of that name \(fast, .*gmail-like/],
    [[...listen, '--certificate', 'old'], /--certificate must be one of valid, expired/],
    [
      [...listen, '--dns', '127.0.0.1:0', '--domain', 'a.test=gone'],
      /no such variant; take one of ok/,
    ],
    [[...listen, '--domain', 'a.test=ok'], /--domain and --dns-address are for --dns/],
    [[...listen, '--keep', 'somewhere'], /--keep is for what --capture takes/],
    [[...listen, '--chunking', 'no'], /--chunking must be on or off/],
    [[...listen, '--count', 'many'], /--count must be a number/],
    // What listens already is closed again: the process ends.
    [[...listen, '--capture', '--http', '192.0.2.1:1'], /EADDRNOTAVAIL/],
  ];
  for (const [args, sentence] of cases) {
    const child = start(...args);
    assert.deepEqual(await child.ended, { code: 2, signal: null });
    assert.match(child.stderr, sentence);
  }
});

it('leads domains to the address of a listener that was given by name', async () => {
  const child = start('--listen', 'localhost:0', '--dns', '127.0.0.1:0');
  const [line] = await child.until(/^\{"ready".*\}\n/, readyMsMax);
  const { dns } = JSON.parse(line) as ReadyLine;
  const resolver = new Resolver();
  resolver.setServers([dns]);
  const [mx] = await resolver.resolveMx('example.com');
  const four = await resolver.resolve4(mx!.exchange).catch(() => [] as string[]);
  const six = await resolver.resolve6(mx!.exchange).catch(() => [] as string[]);
  assert.ok([...four, ...six].every((address) => address === '127.0.0.1' || address === '::1'));
  assert.equal(four.length + six.length, 1);
  assert.deepEqual(await child.stop(), { code: 0, signal: null });
});
