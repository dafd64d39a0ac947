/**
 * Aim: no octets of a client, however they are cut, make a POP3 session fail, say what is no POP3, or lose its place.
 * Method: commands of the transcripts, some of their octets changed, cut at random places; at the end NOOP has its
 *         reply.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Pop3Session } from '../../src/edge/protocols/pop3/session.ts';
import { FakePop3 } from '../support/pop3-fakes.ts';
import { SeededRandom, turns } from '../support/seeded-clock.ts';
import { changed, commandsSaid, Recorder } from '../support/session-fuzz.ts';

const said = commandsSaid('pop3', /QUIT|STLS/);
const special = [0, 0x0a, 0x0d, 0x20, 0x2a, 0x2b, 0x2e, 0x30, 0x3d, 0xff];

const seed = 20_261_122;
const rounds = Number(process.env.CHASKI_FUZZ_RUNS ?? 150);

it(`commands with changed octets (seed ${seed})`, async () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < rounds; round++) {
    const where = `seed ${seed} round ${round}`;
    const fake = new FakePop3({ errorsMax: 1_000_000, lineBytesMax: 200 });
    for (let i = 0; i < 3; i++) await fake.world.deliver();
    const recorder = new Recorder();
    const tls = { version: 'TLSv1.3', cipher: 'x' };
    const session = new Pop3Session(fake.service, recorder, '192.0.2.1', tls);
    session.open();
    if (random.below(5) > 0) {
      session.receive(Buffer.from('USER alice@local.test\r\nPASS secret\r\n'));
      await turns(10);
    }
    for (let i = 0; i < 20; i++) {
      const octets = changed(said[random.below(said.length)]!, random, special);
      const cut = random.below(octets.length + 1);
      session.receive(octets.subarray(0, cut));
      if (random.below(2) === 0) await turns(1);
      session.receive(octets.subarray(cut));
      await turns(2);
    }
    await turns(30);
    // Ends whatever line or exchange is half said.
    session.receive(Buffer.from('\r\n*\r\n'));
    await turns(5);
    assert.ok(!recorder.isEnded, where);
    const before = recorder.octets.length;
    session.receive(Buffer.from('NOOP\r\nWOBBLE\r\n'));
    await turns(5);
    const replies = recorder.octets.toString('latin1', before);
    assert.match(
      replies,
      /^(\+OK Nothing done|-ERR Not in this state)\r\n-ERR Unknown command\r\n$/,
      where,
    );
    const all = recorder.octets.toString('latin1');
    assert.match(all, /^(\+OK|-ERR|\+ )/, where);
    assert.doesNotMatch(all, /SYS\/PERM|[^\r]\n/, where);
    session.closed();
  }
});
