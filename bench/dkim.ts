/**
 * `node bench/dkim.ts`: what our signatures cost beside the processor's own RSA, round by round.
 *
 * Signing is all that a signature adds to a message: finding its author, both canonical forms, the hashes, the
 * signature itself and its field. Signs per second of this process's CPU time; `openssl speed` in the same rounds.
 *
 * Runs in:   bench, one process and one thread.
 * Invariant: cases take turns within a round and ratios are taken round by round, so that a busy machine troubles
 *            both sides alike.
 */

import { createPrivateKey, sign } from 'node:crypto';
import { parseArgs } from 'node:util';
import { defaultPolicy } from '../src/actors/asks/policy-snapshot.ts';
import { compilePolicy, type Policy } from '../src/engine/pipeline/policy.ts';
import { signaturesFor } from '../src/engine/pipeline/signatures.ts';
import { ratios, spread } from '../src/harness/measure/spread.ts';
import { scanHeaders } from '../src/mail/formats/headers/scan.ts';
import { type DkimKey, generateDkimKey } from '../src/mail/trust/dkim/keys.ts';
import { opensslSignsPerSecond } from './dkim/openssl.ts';
import { describeMachine, firstLine, machineLine } from './machine.ts';
import { keepResult } from './result.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});

/** Of `openssl speed`'s signs, at least this part. */
const partRequired = 0.85;
const warmUpMs = 1_000;
const nowMs = Date.now();

const rsa = generateDkimKey('rsa-sha256', 'r1');
const ed25519 = generateDkimKey('ed25519-sha256', 'e1');
const keys: Readonly<Record<string, readonly DkimKey[]>> = {
  rsa: [rsa],
  ed25519: [ed25519],
  both: [rsa, ed25519],
};

interface Case {
  readonly name: string;
  readonly message: Uint8Array;
  readonly policy: Policy;
  /** Signed messages per second of CPU time, one a round. */
  readonly perSecond: number[];
}

const bareKey = createPrivateKey(rsa.privatePem);
const bareInput = Buffer.alloc(64, 'x');
const signBare = () => sign('sha256', bareInput, bareKey);

const cases: readonly Case[] = [1_000, 10_000].flatMap((bytes) =>
  Object.entries(keys).map(([name, dkim]) => ({
    name: `${name}, ${bytes / 1_000} kB`,
    message: message(bytes),
    policy: compilePolicy({ ...defaultPolicy, domains: { 'example.org': { dkim } } }),
    perSecond: [],
  })),
);

const roundCount = values.quick ? 2 : Number(values.rounds);
const seconds = values.quick ? 1 : Number(values.seconds);
const machine = describeMachine(firstLine('openssl', ['version']));
const openssl: number[] = [];
const bare: number[] = [];
for (const each of cases) measure(each, warmUpMs);
for (let round = 0; round < roundCount; round++) {
  openssl.push(opensslSignsPerSecond(seconds));
  bare.push(rate(signBare, seconds * 1_000));
  for (const each of cases) each.perSecond.push(measure(each, seconds * 1_000));
}
const found = Object.fromEntries(cases.map(({ name, perSecond }) => [name, perSecond]));
keepResult('dkim', { machine, rounds: { openssl, bare, ...found } }, page(), values);

function measure({ message, policy }: Case, milliseconds: number): number {
  return rate(() => {
    const signatures = signaturesFor(scanHeaders(message), [], [], policy, nowMs);
    if (signatures.length === 0) throw new Error('a message of a domain with keys is signed');
  }, milliseconds);
}

/** Runs per second of CPU time. */
function rate(run: () => unknown, milliseconds: number): number {
  const started = process.cpuUsage();
  const untilMs = performance.now() + milliseconds;
  let count = 0;
  while (performance.now() < untilMs) {
    run();
    count++;
  }
  const { user, system } = process.cpuUsage(started);
  return (count / (user + system)) * 1e6;
}

function page(): string {
  const all = [{ name: 'node:crypto sign alone, rsa', perSecond: bare }, ...cases];
  const lines = all.map(({ name, perSecond }) => {
    const part = spread(ratios(perSecond, openssl));
    const isHeld = name.startsWith('rsa');
    const verdict = !isHeld ? '' : part.median >= partRequired ? 'reached' : '**missed**';
    const { median } = spread(perSecond);
    const us = (1e6 / median).toFixed(0);
    const range = `${percent(part.median)} (${percent(part.min)}–${percent(part.max)})`;
    return `| ${name} | ${median.toFixed(0)} | ${us} | ${range} | ${verdict} |`;
  });
  return [
    `# DKIM bench, ${machine.date}`,
    '',
    machineLine(machine),
    '',
    `${openssl.length} rounds; openssl speed: ${spread(openssl).median.toFixed(0)} RSA-2048 signs per CPU second. ` +
      `Required of rsa: ${percent(partRequired)} of that.`,
    '',
    '| keys, message | signed per CPU second | µs | of openssl’s signs | |',
    '|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}

function percent(part: number): string {
  return `${(part * 100).toFixed(0)} %`;
}

function message(bytes: number): Buffer {
  const header =
    'From: "A Sender" <sender@example.org>\r\nTo: User <user@example.net>\r\nSubject: a message\r\n' +
    'Date: Sun, 22 Nov 2026 02:09:16 +0000\r\nMessage-ID: <1.2.3@client.example.org>\r\nMIME-Version: 1.0\r\n' +
    'Content-Type: text/plain; charset=utf-8\r\n\r\n';
  const line = 'Some words of a letter to a friend, as people write them, line by line.\r\n';
  // Two spaces and one at the end: the canonical form is not what stands there.
  const odd = 'Some words with  spaces and a line end \r\n\r\n';
  const paragraph = line.repeat(5) + odd;
  return Buffer.from(header + paragraph.repeat(bytes / paragraph.length + 1)).subarray(0, bytes);
}
