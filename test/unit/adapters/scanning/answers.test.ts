/**
 * Aim:    what scanners answer beyond the usual is understood or `failed`; requests carry what they should.
 * Specs:  RFC 2104 (signatures of a hook), clamd(8), the milter protocol.
 * Method: a scripted server says one thing; the whole scanner is asked.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { failuresMax } from '../../../../src/adapters/scanning/circuit-breaker.ts';
import { bodySignature } from '../../../../src/base/body-signature.ts';
import { editsMax, type ScanVerdict } from '../../../../src/ports/content-scanner.ts';
import type { PeerKind, ScannerSetting } from '../../../../src/settings/scanners.ts';
import {
  httpAnswer,
  milterAgreed,
  milterPacket,
  milterPacketIn,
  ScanPeer,
  type Speak,
} from '../../../support/scan-peer.ts';
import { openScanner, plainMessage, subjectOf } from '../../../support/scanners.ts';

interface Asked {
  readonly verdict: ScanVerdict;
  readonly heard: string;
}

async function ask(
  kind: PeerKind,
  speak: Speak,
  given: Partial<ScannerSetting> = {},
): Promise<Asked> {
  await using peer = await ScanPeer.start(kind);
  peer.speak = speak;
  await using at = openScanner({ kind, address: peer.address, msMax: 1_000, ...given });
  const facts = { user: 'ann', tls: { version: 'TLSv1.3', cipher: 'AES' } };
  const verdict = await at.scanner.scan(subjectOf(plainMessage(), facts));
  return { verdict, heard: Buffer.concat(peer.heard).toString('latin1') };
}

/** Once the request seems whole. */
const always =
  (answer: string): Speak =>
  (got) =>
    got.includes('Hello.') || got.includes('"message"') ? { answer, read: got.length } : undefined;

function faultOf({ verdict }: Asked): string {
  return verdict.kind === 'failed' ? verdict.fault : verdict.kind;
}

it('clamd: only its two answers are verdicts', async () => {
  for (const [said, fault] of [
    ['INSTREAM size limit exceeded. ERROR\0', 'too-large'],
    ['stream: Can not allocate memory ERROR\0', 'unable'],
    ['stream: OKAY\0', 'broken'],
    ['OK\0', 'broken'],
    ['\0', 'broken'],
    ['stream:  FOUND\0', 'infected'],
  ])
    assert.equal(faultOf(await ask('clamd', always(said!))), fault, said);
});

it('clamd: messages too large for it open no circuit, whether it says so or hangs up', async () => {
  await using peer = await ScanPeer.start('clamd');
  await using at = openScanner({ kind: 'clamd', address: peer.address, bytesMax: 20_000_000 });
  const said = always('INSTREAM size limit exceeded. ERROR\0');
  for (const play of ['honest', 'closing'] as const) {
    peer.play = play;
    peer.speak = said;
    // So much that it cannot all be on its way when the other side goes.
    const large = subjectOf(plainMessage(`Hello.${'a'.repeat(16_000_000)}`));
    for (let n = 0; n <= failuresMax; n++) {
      const verdict = await at.scanner.scan(large);
      assert.equal(
        verdict.kind === 'failed' && verdict.fault,
        'too-large',
        JSON.stringify(verdict),
      );
    }
  }
});

it('spamd: a score is two numbers and a word, and its errors are no score', async () => {
  for (const [said, fault] of [
    ['SPAMD/1.0 75 EX_TEMPFAIL\r\n\r\n', 'unable'],
    ['SPAMD/1.1 0 EX_OK\r\nSpam: True ; nan / 5.0\r\n\r\n', 'broken'],
    ['SPAMD/1.1 0 EX_OK\r\nSpam: Maybe ; 1 / 5.0\r\n\r\n', 'broken'],
    ['SPAMD/1.1 0 EX_OK\r\n\r\n', 'broken'],
    ['SPAMD/1.1 0 EX_OK\r\nContent-length: 9\r\nSpam: False ; 1 / 5\r\n\r\nA,B', 'broken'],
    ['SPAMD/1.1 0 EX_OK\r\nContent-length: 3\r\nSpam: False ; -1.5 / 5\r\n\r\nA,B', 'scored'],
  ])
    assert.equal(faultOf(await ask('spamd', always(said!))), fault, said);
});

it('spamd: is told whose preferences count, and where mail came from', async () => {
  const { heard } = await ask('spamd', always('SPAMD/1.0 75 EX\r\n'), { user: '{recipient}' });
  assert.match(
    heard,
    /^SYMBOLS SPAMC\/1\.5\r\nContent-length: \d+\r\nUser: bob@example\.org\r\n\r\n/,
  );
  assert.match(
    heard,
    /Return-Path: <ann@example\.net>\r\nReceived: from mx\.example\.net \(mx\.example\.net \[192\.0\.2\.7\]\)/,
  );
});

it('rspamd: each action, and what it asks to change', async () => {
  const score = { score: 1, required_score: 5 };
  for (const [action, expected] of [
    ['no action', 'accept'],
    ['greylist', 'defer'],
    ['soft reject', 'defer'],
    ['rewrite subject', 'rewrite-subject'],
    ['quarantine', 'quarantine'],
    ['discard', 'discard'],
  ]) {
    const { verdict } = await ask('rspamd', always(httpAnswer({ ...score, action })));
    assert.equal('action' in verdict && verdict.action, expected);
  }
  const milter = {
    add_headers: { 'X-A': ['1', '2'], 'X-B': { value: 'a\r\nSubject: b', order: 1 } },
    remove_headers: { 'X-C': 0, 'X-D': 2 },
  };
  const rewrite = { ...score, action: 'rewrite subject', subject: '[SPAM] x', milter };
  const { verdict } = await ask('rspamd', always(httpAnswer(rewrite)));
  assert.deepEqual('edits' in verdict && verdict.edits, [
    { kind: 'remove-fields', name: 'X-C' },
    { kind: 'change-field', name: 'X-D', nth: 2, value: '' },
    { kind: 'add-field', name: 'X-A', value: '1' },
    { kind: 'add-field', name: 'X-A', value: '2' },
    { kind: 'add-field', name: 'X-B', value: 'a\r\n\tSubject: b', at: 1 },
    { kind: 'remove-fields', name: 'Subject' },
    { kind: 'add-field', name: 'Subject', value: '[SPAM] x' },
  ]);
});

it('rspamd: what is no verdict', async () => {
  const good = { score: 1, required_score: 5, action: 'no action' };
  for (const [answer, fault] of [
    [httpAnswer({ error: 'no workers' }), 'unable'],
    [httpAnswer(good, '500 Oops'), 'unable'],
    [httpAnswer(good, '413 Large'), 'too-large'],
    [httpAnswer(good, '302 Found'), 'unable'],
    [httpAnswer('[]'), 'broken'],
    [httpAnswer('{'), 'broken'],
    [httpAnswer({ ...good, action: 'dance' }), 'broken'],
    [httpAnswer({ ...good, score: '1' }), 'broken'],
    [httpAnswer({ ...good, milter: { add_headers: { 'A B': 'x' } } }), 'broken'],
    [
      httpAnswer({ ...good, milter: { add_headers: { A: Array(editsMax + 1).fill('x') } } }),
      'broken',
    ],
    [httpAnswer({ ...good, milter: { add_headers: { A: Array(editsMax).fill('x') } } }), 'scored'],
    [httpAnswer({ ...good, is_skipped: true }), 'skipped'],
    [httpAnswer({ ...good, is_skipped: true, action: 'reject' }), 'scored'],
  ])
    assert.equal(faultOf(await ask('rspamd', always(answer!))), fault, answer!.slice(0, 200));
});

it('rspamd: sees the envelope and its password', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'scan-'));
  try {
    const secretFile = join(folder, 'secret');
    writeFileSync(secretFile, 'the word\n');
    const { heard } = await ask('rspamd', always(httpAnswer('{}')), { secretFile });
    for (const line of [
      ...['POST /checkv2 HTTP/1.1', 'IP: 192.0.2.7', 'Helo: mx.example.net', 'Queue-Id: q1'],
      ...['From: <ann@example.net>', 'Rcpt: bob@example.org', 'User: ann', 'Password: the word'],
      ...['TLS-Version: TLSv1.3', 'TLS-Cipher: AES'],
    ])
      assert.ok(heard.includes(`${line}\r\n`), line);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('a hook: requests are signed, and each answer is understood or none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'scan-'));
  try {
    const secretFile = join(folder, 'secret');
    writeFileSync(secretFile, 'the word\n');
    const { heard } = await ask('http', always(httpAnswer({ action: 'accept' })), { secretFile });
    const [head, body] = heard.split('\r\n\r\n') as [string, string];
    const seconds = Number(
      /^chaski-signature: t=(\d+),v1=[0-9a-f]{64}$/m.exec(head.replaceAll('\r', ''))![1],
    );
    assert.ok(head.includes(bodySignature(['the word'], seconds * 1_000, Buffer.from(body))));
    const { message, ...facts } = JSON.parse(body) as { message: string };
    assert.equal(Buffer.from(message, 'base64').toString(), plainMessage());
    assert.equal((facts as { stage?: string }).stage, 'data');
  } finally {
    rmSync(folder, { recursive: true });
  }
  for (const [said, fault] of [
    [{ action: 'accept', infected: ['Worm'] }, 'infected'],
    [{ action: 'quarantine', text: 'odd' }, 'decided'],
    [{ action: 'reject', text: '250 OK' }, 'broken'],
    [{ action: 'reject', text: 7 }, 'broken'],
    [{ action: 'accept', edits: [{ kind: 'explode' }] }, 'broken'],
    [{ action: 'accept', edits: [{ kind: 'add-field', name: 'X', value: 'y', at: -1 }] }, 'broken'],
    [{ action: 'accept', edits: [{ kind: 'add-field', name: 'X', value: 'y' }] }, 'decided'],
    [{}, 'broken'],
  ] as const)
    assert.equal(faultOf(await ask('http', always(httpAnswer(said)))), fault, JSON.stringify(said));
});

/** A milter that says these packets at the end of the body, having agreed on `agreed`. */
function milter(packets: readonly Buffer[], agreed = milterAgreed): Speak {
  return (got) => {
    const packet = milterPacketIn(got);
    if (packet === undefined) return undefined;
    const { command, read } = packet;
    if (command === 'O') return { answer: agreed, read };
    if ('DAQ'.includes(command)) return { answer: '', read };
    return { answer: command === 'E' ? Buffer.concat(packets) : milterPacket('c'), read };
  };
}

it('a milter: changes that were not agreed on, and half packets, are no verdict', async () => {
  const end = milterPacket('c');
  const agreedOn = (changes: number, steps = 0) =>
    milterPacket('O', Buffer.from([0, 0, 0, 6, 0, 0, 0, changes, 0, 0, 0, steps]));
  const add = milterPacket('h', 'X\0y\0');
  for (const [packets, agreed, fault] of [
    [[add, end], milterAgreed, 'decided'],
    [[add, end], agreedOn(0x02), 'broken'],
    [[milterPacket('h', 'X\0y'), end], milterAgreed, 'broken'],
    [[milterPacket('m', '\0\0'), end], milterAgreed, 'broken'],
    [[milterPacket('h', 'X: Y\0y\0'), end], milterAgreed, 'broken'],
    [[milterPacket('Z'), end], milterAgreed, 'broken'],
    [[milterPacket('s')], milterAgreed, 'broken'],
    [[milterPacket('y', '250 OK\0')], milterAgreed, 'broken'],
    [[end], milterPacket('O', Buffer.from([0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0])), 'broken'],
    [[end], milterPacket('O', Buffer.from([0, 0, 0, 6, 0, 0, 1, 0, 0, 0, 0, 0])), 'broken'],
    [[...Array(editsMax + 1).fill(add), end], milterAgreed, 'broken'],
    [[...Array(editsMax).fill(add), end], milterAgreed, 'decided'],
    [[...Array(5).fill(milterPacket('p')), end], milterAgreed, 'clean'],
  ] as const)
    assert.equal(faultOf(await ask('milter', milter(packets, agreed))), fault);
});

it('a milter: a body without end is no verdict, and progress buys no time', async () => {
  const body = milterPacket('b', 'a'.repeat(60_000));
  assert.equal(faultOf(await ask('milter', milter(Array(40).fill(body)))), 'broken');
  const alive = milter(Array(50).fill(milterPacket('p')));
  assert.equal(faultOf(await ask('milter', alive, { msMax: 300 })), 'timed-out');
});

it('a milter: is not shown or waited for what it left out', async () => {
  // No connection, no body; no answer to HELO, MAIL, RCPT, DATA, fields and the end of the header.
  const steps = Buffer.from([0, 0, 0, 6, 0, 0, 0, 0xff, 0, 0x05, 0xe0, 0x91]);
  const seen: string[] = [];
  const speak: Speak = (got) => {
    const packet = milterPacketIn(got);
    if (packet === undefined) return undefined;
    const { command, read } = packet;
    seen.push(command);
    if (command === 'O') return { answer: milterPacket('O', steps), read };
    return { answer: command === 'E' ? milterPacket('a') : '', read };
  };
  const { verdict } = await ask('milter', speak);
  assert.equal(verdict.kind, 'clean', JSON.stringify(verdict));
  assert.ok(!seen.includes('C') && !seen.includes('B'), seen.join(''));
  assert.equal(seen.filter((command) => command === 'L').length, 5);
});
