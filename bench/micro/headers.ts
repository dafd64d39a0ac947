/**
 * What the header scanner, the structure scanner and the pipeline cost per message.
 *
 * Prints one JSON object a case: microseconds of CPU per message, the least of several rounds.
 * Run: `node bench/micro/headers.ts`.
 */

import { defaultPolicy } from '../../src/actors/asks/policy-snapshot.ts';
import type { MessageId, TenantId } from '../../src/base/ids.ts';
import { compilePolicy } from '../../src/engine/pipeline/policy.ts';
import { prepare } from '../../src/engine/pipeline/prepare.ts';
import { HeaderScan } from '../../src/mail/formats/headers/scan.ts';
import { previewOf } from '../../src/mail/formats/mime/preview.ts';
import { scanStructure } from '../../src/mail/formats/mime/structure.ts';
import { summarise } from '../../src/mail/formats/mime/summary.ts';

const roundMs = 200;
const roundsCount = 5;

const scan = new HeaderScan();
const policy = compilePolicy(defaultPolicy);
const sizes = [1_000, 5_000, 100_000];

for (const bytes of sizes) {
  const small = plainMessage(bytes);
  const mixed = multipartMessage(bytes);
  const root = scanStructure(mixed).root;
  report('header scan', bytes, () => scan.scan(mixed));
  report('prepare', bytes, () => prepare(toPrepare(small), policy, 1_795_313_356_000));
  report('structure scan', bytes, () => scanStructure(mixed));
  report('preview', bytes, () => previewOf(mixed, root));
  report('summary', bytes, () => summarise(mixed));
}

function report(name: string, bytes: number, run: () => unknown): void {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < roundsCount; round++) least = Math.min(least, microseconds(run));
  const perSecond = Math.round(1_000_000 / least);
  console.log(
    JSON.stringify({ bench: 'headers', case: name, bytes, us: round2(least), perSecond }),
  );
}

function microseconds(run: () => unknown): number {
  const started = process.cpuUsage();
  const until = performance.now() + roundMs;
  let count = 0;
  while (performance.now() < until) {
    for (let i = 0; i < 50; i++) run();
    count += 50;
  }
  const { user, system } = process.cpuUsage(started);
  return (user + system) / count;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}

function toPrepare(body: Uint8Array) {
  return {
    body,
    envelope: {
      sender: 'sender@example.org',
      recipients: [{ address: 'user@example.net', target: { kind: 'remote' as const } }],
      body: '7bit' as const,
      smtputf8: false,
    },
    arrival: {
      id: '01J9Z3K4M5N00001' as MessageId,
      receivedMs: 0,
      listener: 'smtp' as const,
      protocol: 'ESMTP',
      peerAddress: '192.0.2.7',
      peerPort: 4_711,
      helo: 'client.example.org',
      trusted: true,
      tenant: 0 as TenantId,
    },
  };
}

/** As load generators send: few fields, a body of one kind of line. */
function plainMessage(bytes: number): Buffer {
  const header =
    'From: <sender@example.org>\r\nTo: <user@example.net>\r\nDate: Sun, 22 Nov 2026 02:09:16 +0000\r\n' +
    'Message-ID: <1.2.3@client.example.org>\r\nSubject: a message\r\n\r\n';
  return Buffer.from(header + lines('x'.repeat(78), bytes - header.length));
}

/** As people send: traces, a signature, two alternatives and an attachment. */
function multipartMessage(bytes: number): Buffer {
  const header =
    'Received: from a.example.org (a.example.org [192.0.2.7])\r\n\tby mx.example.net with ESMTPS id 01J9Z3K4M5N00001\r\n' +
    '\tfor <user@example.net>; Sun, 22 Nov 2026 02:09:16 +0000\r\nDKIM-Signature: v=1; a=rsa-sha256; d=example.org;\r\n' +
    `\ts=s1; h=from:to:subject:date; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n\tb=${'A'.repeat(344)}\r\n` +
    'From: "A Sender" <sender@example.org>\r\nTo: User <user@example.net>, other@example.net\r\n' +
    'Subject: Re: a message\r\nDate: Sun, 22 Nov 2026 02:09:16 +0000\r\nMessage-ID: <1.2.3@client.example.org>\r\n' +
    'In-Reply-To: <0@example.net>\r\nReferences: <00@example.net> <0@example.net>\r\nMIME-Version: 1.0\r\n' +
    'Content-Type: multipart/mixed; boundary="outer"\r\n\r\n--outer\r\n' +
    'Content-Type: multipart/alternative; boundary="inner"\r\n\r\n--inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n';
  const middle = '\r\n--inner\r\nContent-Type: text/html; charset=utf-8\r\n\r\n';
  const attachment =
    '\r\n--inner--\r\n--outer\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n' +
    'Content-Disposition: attachment; filename="a.pdf"\r\n\r\n';
  const room = Math.max(0, bytes - header.length - middle.length - attachment.length);
  return Buffer.from(
    header +
      lines('Some words of a letter to a friend, with a line end', room * 0.1) +
      middle +
      lines('<p>Some <b>words</b> of a letter to a friend</p>', room * 0.2) +
      attachment +
      lines('QUJD'.repeat(19), room * 0.7) +
      '\r\n--outer--\r\n',
  );
}

function lines(line: string, bytes: number): string {
  return `${line}\r\n`.repeat(Math.max(1, Math.floor(bytes / (line.length + 2))));
}
