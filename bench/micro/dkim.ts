/**
 * What signing and verifying cost per message.
 *
 * Prints one JSON object a case: microseconds of CPU per message, the least of several rounds.
 * Run: `node bench/micro/dkim.ts`.
 */

import { defaultPolicy } from '../../src/actors/asks/policy-snapshot.ts';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import type { MessageId, TenantId } from '../../src/base/ids.ts';
import { compilePolicy, type Policy } from '../../src/engine/pipeline/policy.ts';
import { type MessageToPrepare, prepare } from '../../src/engine/pipeline/prepare.ts';
import { verify } from '../../src/engine/pipeline/verify.ts';
import { bodyHash } from '../../src/mail/trust/dkim/canonical.ts';
import { type DkimKey, generateDkimKey } from '../../src/mail/trust/dkim/keys.ts';
import type { Dns, DnsAnswer } from '../../src/ports/dns.ts';

const roundMs = 300;
const roundsCount = 4;
const nowMs = Date.now();

const rsa = generateDkimKey('rsa-sha256', 'r1');
const ed = generateDkimKey('ed25519-sha256', 'e1');
const policies: readonly (readonly [string, readonly DkimKey[]])[] = [
  ['rsa-2048', [rsa]],
  ['ed25519', [ed]],
];

const plain = policyWith([]);
const texts: Readonly<Record<string, string>> = {
  'example.org': 'v=spf1 ip4:192.0.2.0/24 -all',
  '_dmarc.example.org': 'v=DMARC1; p=reject',
  'r1._domainkey.example.org': rsa.recordText,
  'e1._domainkey.example.org': ed.recordText,
};
const missing = async (): Promise<DnsAnswer<never>> => ({
  ok: false,
  reason: 'missing',
  detail: '',
});
const dns: Dns = {
  mx: missing,
  a: missing,
  aaaa: missing,
  ptr: missing,
  srv: missing,
  tlsa: missing,
  cname: missing,
  async txt(name) {
    const text = texts[name];
    return text === undefined
      ? missing()
      : { ok: true, records: [text], ttlSeconds: 60, secure: false };
  },
};

const within = { dns, clock: nodeClock, verdictMsMax: 10_000 };

for (const bytes of [1_000, 5_000, 100_000]) {
  const body = message(bytes);
  await report('body hash, relaxed', bytes, () => bodyHash([body], 'relaxed'));
  await report('verify, unsigned', bytes, () => verify(toPrepare(body, false), plain, within));
  for (const [name, keys] of policies) {
    const policy = policyWith(keys);
    const sign = () => prepare(toPrepare(body, true), policy, nowMs);
    await report(`prepare and sign, ${name}`, bytes, sign);
    const signed = sign();
    if (!signed.ok) throw new Error(signed.detail);
    const whole = toPrepare(Buffer.concat(signed.parts), false);
    const result = await verify(whole, policy, within);
    if (!result.ok || result.verdicts?.dkim !== 'pass') throw new Error('what we sign must pass');
    await report(`verify, ${name}`, bytes, () => verify(whole, policy, within));
  }
}

async function report(name: string, bytes: number, run: () => unknown): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < roundsCount; round++) {
    const started = process.cpuUsage();
    const until = performance.now() + roundMs;
    let count = 0;
    while (performance.now() < until) {
      await run();
      count++;
    }
    const { user, system } = process.cpuUsage(started);
    least = Math.min(least, (user + system) / count);
  }
  const us = Math.round(least * 10) / 10;
  const perSecond = Math.round(1_000_000 / least);
  console.log(JSON.stringify({ bench: 'dkim', case: name, bytes, us, perSecond }));
}

function policyWith(dkim: readonly DkimKey[]): Policy {
  return compilePolicy({ ...defaultPolicy, domains: { 'example.org': { dkim } } });
}

function message(bytes: number): Buffer {
  const header =
    'From: "A Sender" <sender@example.org>\r\nTo: User <user@example.net>\r\nSubject: a message\r\n' +
    'Date: Sun, 22 Nov 2026 02:09:16 +0000\r\nMessage-ID: <1.2.3@client.example.org>\r\nMIME-Version: 1.0\r\n' +
    'Content-Type: text/plain; charset=utf-8\r\n\r\n';
  const line = 'Some words of a letter to a friend, with  spaces and a line end \r\n';
  return Buffer.from(header + line.repeat(Math.ceil((bytes - header.length) / line.length)));
}

function toPrepare(body: Uint8Array, trusted: boolean): MessageToPrepare {
  return {
    body,
    envelope: { sender: 'sender@example.org', recipients: [], body: '7bit', smtputf8: false },
    arrival: {
      id: '01J9Z3K4M5N00001' as MessageId,
      receivedMs: 0,
      listener: 'smtp',
      protocol: 'ESMTP',
      peerAddress: '192.0.2.7',
      peerPort: 4_711,
      helo: 'client.example.org',
      trusted,
      tenant: 0 as TenantId,
    },
  };
}
