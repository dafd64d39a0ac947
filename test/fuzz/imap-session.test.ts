/**
 * Aim: no octets of a client, however they are cut, make a session fail, say what is no IMAP, or keep room.
 * Method: commands of the transcripts, some of their octets changed, cut at random places; answers are read strictly.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ImapSession } from '../../src/edge/protocols/imap/session.ts';
import { FakeImap } from '../support/imap-fakes.ts';
import { readResponse, responseEnd } from '../support/imap-values.ts';
import { SeededRandom, turns } from '../support/seeded-clock.ts';
import { changed, commandsSaid, Recorder } from '../support/session-fuzz.ts';

const said = commandsSaid('imap', /LOGOUT|STARTTLS|UNAUTHENTICATE|COMPRESS/);
const special = [0, 0x0a, 0x0d, 0x22, 0x28, 0x29, 0x2a, 0x5c, 0x7b, 0x7d, 0xff];

const seed = 20_261_122;
const rounds = 150;

it(`commands with changed octets (seed ${seed})`, async () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < rounds; round++) {
    const fake = new FakeImap({ errorsMax: 1_000_000 });
    for (let i = 0; i < 3; i++) await fake.world.deliver();
    const recorder = new Recorder();
    const tls = { version: 'TLSv1.3', cipher: 'x' };
    const session = new ImapSession(fake.service, recorder, '192.0.2.1', tls);
    session.open();
    session.receive(Buffer.from('e1 LOGIN alice@local.test secret\r\ne2 SELECT INBOX\r\n'));
    await turns(10);
    for (let i = 0; i < 12; i++) {
      const octets = changed(said[random.below(said.length)]!, random, special);
      const cut = random.below(octets.length + 1);
      session.receive(octets.subarray(0, cut));
      if (random.below(2) === 0) await turns(1);
      session.receive(octets.subarray(cut));
      await turns(3);
    }
    await turns(30);
    session.closed();
    const { octets } = recorder;
    for (let at = 0; at < octets.length; ) {
      const end = responseEnd(octets, at);
      const where = `seed ${seed} round ${round}`;
      assert.ok(end > 0, `${where}: half a response: ${octets.toString('latin1', at)}`);
      const response = octets.subarray(at, end);
      // A tag may have brackets, which the reader of responses takes for a section.
      const hasOddTag = /^[^ ]*[[\]]/.test(response.toString('latin1'));
      if (!hasOddTag) assert.doesNotThrow(() => readResponse(response), where);
      at = end;
    }
    assert.doesNotMatch(octets.toString('latin1'), /SERVERBUG/, `seed ${seed} round ${round}`);
    assert.equal(fake.reception.reservedBytes, 0, `seed ${seed} round ${round}`);
  }
});
