/**
 * Aim:    Postfix and Exim exchange mail with the server both ways: as its MX, as its sender, as its smarthost, and as
 *         one whose smarthost it is; over TLS that both verify, with DSN, SMTPUTF8 and CHUNKING.
 * Method: the real server in this process, Debian's programs beside it; what is missing is skipped and said.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { NextHop } from '../support/next-hop.ts';
import { eventually } from '../support/test-server.ts';
import { type Peer, peerMail } from './peers/peer.ts';
import {
  ann,
  bob,
  type PeerKind,
  peerKinds,
  pia,
  RelayPlace,
  umlaut,
} from './peers/relay-place.ts';

const largeBytes = 3_000_000;
const dotted = '.\r\n..two\r\nblåbær\r\n.end';

for (const kind of peerKinds) {
  describe(kind.name, kind.missing === undefined ? {} : { skip: kind.missing }, () => {
    let place: RelayPlace;
    before(async () => {
      place = await RelayPlace.open(kind);
    });
    after(() => place[Symbol.asyncDispose]());
    it('takes mail at its MX, over TLS', () => takesMail(place));
    it('brings mail to an account, over TLS', () => bringsMail(place, kind));
    it('3 MB arrive both ways byte by byte', () => carriesLargeMail(place));
    it('is asked for a report of success, and its report arrives', () => reportsToUs(place));
    it('asks for a report of success, and hears', () => hearsReport(place));
    it('mail it refuses is reported to its sender', () => refusalIsReported(place));
    it('mail we refuse it reports to its sender', () => reportsRefusal(place));
    it('takes and brings addresses in UTF-8', () => carriesUtf8(place));
    it('is given mail in chunks', () => tookChunks(place, kind));
    it('is a smarthost of ours', () => isSmarthost(kind));
    it('has a smarthost in us, by log-in', () => hasSmarthost(kind));
  });
}

async function takesMail(place: RelayPlace): Promise<void> {
  await place.submit({ to: pia, subject: 'to the peer', text: dotted });
  const text = await peerMail(place.peer, 'pia', 'Subject: to the peer');
  assert.match(bodyOf(text), /^\.\r?\n\.\.two\r?\nbl=C3=A5b=C3=A6r\r?\n\.end/);
  assert.match(text, /with ESMTPS|TLS1\.3/i);
}

async function bringsMail(place: RelayPlace, kind: PeerKind): Promise<void> {
  await place.hand({ to: bob, subject: 'from the peer', text: dotted });
  const text = await place.inbox(bob, 'Subject: from the peer');
  assert.match(text, /^Return-Path: <pia@peer\.test>\r$/m);
  assert.match(text, /by mx\.test with ESMTPS/i);
  assert.match(bodyOf(text), /^\.\r\n\.\.two\r\nbl=C3=A5b=C3=A6r\r\n\.end/);
  if (kind.sendsChunks) await logged(place.peer, /=> bob@example\.test .* K /);
}

async function carriesLargeMail(place: RelayPlace): Promise<void> {
  const content = Buffer.alloc(largeBytes, 'All work and no play. ');
  const attachments = [{ filename: 'large.bin', content }];
  await place.submit({ to: pia, subject: 'large', text: 'see', attachments });
  await place.hand({ to: bob, subject: 'large', text: 'see', attachments });
  const there = await peerMail(place.peer, 'pia', 'Subject: large');
  for (const text of [there, await place.inbox(bob, 'Subject: large')]) {
    assert.equal(digest(attachedTo(text)), digest(content));
  }
}

// RFC 3461 §5.2, both ways.
async function reportsToUs(place: RelayPlace): Promise<void> {
  const dsn = { id: 'envelope-7', return: 'headers', notify: 'success', recipient: pia } as const;
  await place.submit({ to: pia, subject: 'a', text: 'b', dsn });
  const report = await place.inbox(ann, 'Original-Envelope-Id: envelope-7\r\n');
  assert.match(report, /^Action: (delivered|relayed)\r$/m);
  assert.match(report, /^Original-Recipient: ?rfc822; ?pia@peer\.test\r$/im);
}

async function hearsReport(place: RelayPlace): Promise<void> {
  const dsn = { id: 'envelope-8', return: 'headers', notify: 'success', recipient: bob } as const;
  await place.hand({ to: bob, subject: 'a', text: 'b', dsn });
  const report = await peerMail(place.peer, 'pia', 'Original-Envelope-Id: envelope-8');
  assert.match(report, /^Action: delivered\r?$/m);
  assert.match(report, /^Original-Recipient: ?rfc822; ?bob@example\.test\r?$/im);
}

async function refusalIsReported(place: RelayPlace): Promise<void> {
  await place.submit({ to: 'nobody@peer.test', subject: 'a', text: 'b' });
  const report = await place.inbox(ann, 'nobody@peer.test');
  assert.match(report, /^Action: failed\r$/m);
  assert.match(report, /^Diagnostic-Code: smtp; 550[ -]5\.1\.1/m);
  assert.match(report, /^Remote-MTA: dns; ?mx\.peer\.test/m);
}

async function reportsRefusal(place: RelayPlace): Promise<void> {
  await place.hand({ to: 'nobody@example.test', subject: 'a', text: 'b' });
  const report = await peerMail(place.peer, 'pia', 'nobody@example.test');
  assert.match(report, /^Action: failed\r?$/m);
  assert.match(report, /^Status: 5\./m);
  assert.match(report, /550[ -]5\.1\.1/);
}

// RFC 6531.
async function carriesUtf8(place: RelayPlace): Promise<void> {
  await place.submit({ to: umlaut, subject: 'a', text: 'b' });
  const text = await peerMail(place.peer, 'jörg', 'Subject: a');
  assert.match(Buffer.from(text, 'latin1').toString(), /^To: .*jörg@peer\.test/m);
  await place.hand({ from: umlaut, to: bob, subject: 'in UTF-8', text: 'b' });
  const back = Buffer.from(await place.inbox(bob, 'in UTF-8'), 'latin1').toString();
  assert.match(back, /^Return-Path: <jörg@peer\.test>\r$/m);
  assert.match(back, /with UTF8SMTPS/i);
}

// RFC 3030. Postfix logs the commands of a session when it ends.
async function tookChunks(place: RelayPlace, kind: PeerKind): Promise<void> {
  await place.submit({ to: pia, subject: 'in chunks', text: 'b' });
  await peerMail(place.peer, 'pia', 'Subject: in chunks');
  await place.test.stop();
  await logged(place.peer, kind.name === 'Postfix' ? /bdat=\d/ : /<= ann@example\.test .* K /);
}

async function isSmarthost(kind: PeerKind): Promise<void> {
  await using place = await RelayPlace.open(kind, { hasSmarthost: true, domain: 'else.test' });
  await place.submit({ to: 'pia@else.test', subject: 'onward', text: 'b' });
  await peerMail(place.peer, 'pia', 'Subject: onward');
  if (kind.hasLogIn) await logged(place.peer, /A=server_plain:relay-user/);
}

async function hasSmarthost(kind: PeerKind): Promise<void> {
  await using hop = await new NextHop({}).start();
  const settings = { 'relay.route': `smtp://127.0.0.1:${hop.port}`, 'relay.tls': 'off' };
  await using place = await RelayPlace.open(kind, { isSmarthost: true, settings });
  await place.hand({ from: ann, to: 'far@else.test', subject: 'through us', text: 'b' });
  await eventually('the next hop', () => hop.messages[0]);
  const [message] = hop.messages;
  assert.equal(message!.sender, ann);
  assert.deepEqual(message!.recipients, ['far@else.test']);
  assert.match(message!.content, /by mx\.test with ESMTPSA/i);
}

async function logged(peer: Peer, pattern: RegExp): Promise<void> {
  const place = join(peer.folder, 'log');
  await eventually(`${pattern} in the log`, () => {
    const texts = readdirSync(place).map((name) => readFileSync(join(place, name), 'utf8'));
    return texts.some((text) => pattern.test(text)) ? true : undefined;
  });
}

function bodyOf(text: string): string {
  return text.slice(text.search(/\r?\n\r?\n/)).trimStart();
}

function attachedTo(text: string): Buffer {
  const part = text.slice(text.indexOf('large.bin'));
  return Buffer.from(bodyOf(part.slice(part.search(/\r?\n\r?\n/))).split('\n--')[0]!, 'base64');
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
