/**
 * Aim: whatever comes compressed, whole or spoilt, is answered or ends the session with BYE; what is said inflates to
 *      whole responses; nothing throws and nothing is kept.
 * Method: commands deflated as clients do, with changed octets and cuts anywhere; a fixed seed, printed on failure.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { ImapSession } from '../../src/edge/protocols/imap/session.ts';
import { Inflater } from '../../src/mail/wire/deflate/inflater.ts';
import { FakeTransport } from '../support/fake-transport.ts';
import { FakeImap } from '../support/imap-fakes.ts';
import { readResponse, responseEnd } from '../support/imap-values.ts';
import { SeededRandom, turns } from '../support/seeded-clock.ts';

const seed = 4_978_122;
const rounds = 200;
const finishFlush = constants.Z_SYNC_FLUSH;
const commands = [
  'f NOOP',
  'f FETCH 1:* (UID FLAGS ENVELOPE)',
  'f UID FETCH 1:* BODY.PEEK[]',
  'f STORE 1 +FLAGS (\\Seen)',
  'f SEARCH ALL',
  'f APPEND INBOX {5+}\r\nabcde',
  'f STATUS INBOX (MESSAGES)',
  'f IDLE\r\nDONE',
];

/** What was said after COMPRESS, inflated. */
function inflated(octets: Buffer): Buffer {
  const inflater = new Inflater();
  inflater.give(octets);
  const pieces: Buffer[] = [];
  for (let piece = inflater.next(); piece !== undefined; piece = inflater.next()) {
    pieces.push(piece);
  }
  assert.equal(inflater.fault, undefined);
  return Buffer.concat(pieces);
}

/** What a client says next, and what it remembers of what it said. */
function deflated(random: SeededRandom, history: Buffer): { octets: Buffer; history: Buffer } {
  const text = Buffer.from(`${commands[random.below(commands.length)]}\r\n`);
  const known = history.length > 0 && random.below(2) === 0 ? { dictionary: history } : {};
  const octets = deflateRawSync(text, { finishFlush, level: random.below(10), ...known });
  return { octets, history: Buffer.concat([history, text]) };
}

it(`compressed commands with changed octets (seed ${seed})`, async () => {
  const random = new SeededRandom(seed);
  let ended = 0;
  for (let round = 0; round < rounds; round++) {
    const where = `seed ${seed} round ${round}`;
    const fake = new FakeImap({ errorsMax: 1_000_000 });
    for (let i = 0; i < 2; i++) await fake.world.deliver();
    const transport = new FakeTransport();
    const tls = { version: 'TLSv1.3', cipher: 'x' };
    const session = new ImapSession(fake.service, transport, '192.0.2.1', tls);
    session.open();
    session.receive(Buffer.from('e1 LOGIN alice@local.test secret\r\ne2 SELECT INBOX\r\n'));
    await turns(10);
    session.receive(Buffer.from('e3 COMPRESS DEFLATE\r\n'));
    await turns(3);
    transport.text = '';
    let history: Buffer = Buffer.alloc(0);
    for (let i = 0; i < 6; i++) {
      const next = deflated(random, history);
      history = next.history;
      const { octets } = next;
      if (random.below(4) === 0) octets[random.below(octets.length)] = random.below(256);
      const cut = random.below(octets.length + 1);
      session.receive(octets.subarray(0, cut));
      if (random.below(2) === 0) await turns(1);
      session.receive(octets.subarray(cut));
      await turns(4);
      if (random.below(4) === 0) session.sweep(fake.service.tickMs + 20_000);
    }
    await turns(30);
    const said = inflated(Buffer.from(transport.text, 'latin1'));
    if (transport.isEnded) {
      ended++;
      assert.match(said.toString('latin1'), /\* BYE /, where);
    }
    for (let at = 0; at < said.length; ) {
      const end = responseEnd(said, at);
      assert.ok(end > 0, `${where}: half a response`);
      readResponse(said.subarray(at, end));
      at = end;
    }
    session.closed();
    assert.equal(fake.service.compressionSlots.count, 0, where);
    assert.equal(fake.reception.reservedBytes, 0, where);
  }
  assert.ok(ended > 10 && ended < rounds, `${ended} of ${rounds} ended`);
});
