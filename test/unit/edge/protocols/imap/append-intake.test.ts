/**
 * Aim: large messages pass through a session in bounded memory and back-pressure, and whatever ends an APPEND gives
 *      back what it held, here and at the shard.
 * Method: the session on a fake transport, the engine's handlers in memory; a gate holds chunks where a test wants it.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer } from '../../../../../src/actors/ask.ts';
import {
  bodyAsks,
  chunkBytes,
  largeBodyBytesMin,
} from '../../../../../src/actors/asks/body-asks.ts';
import { failure } from '../../../../../src/base/errors.ts';
import { kibibyte, mebibyte } from '../../../../../src/base/units.ts';
import { messagesMax } from '../../../../../src/edge/protocols/imap/append-intake.ts';
import { ImapSession } from '../../../../../src/edge/protocols/imap/session.ts';
import { FakeImap } from '../../../../support/imap-fakes.ts';
import { turns } from '../../../../support/seeded-clock.ts';

const socketBytes = 64 * kibibyte;
/** Large texts of all sessions of a listener at once. */
const allStreamsMax = 24;

class Play {
  readonly fake = new FakeImap();
  readonly session: ImapSession;
  text = '';
  isPaused = false;
  /** While it is closed, no chunk is answered. */
  gate: Promise<void> | undefined;
  chunks = 0;
  answer: Answer | undefined;

  constructor() {
    this.fake.hideRecent();
    const transport = {
      ...{ canStartTls: false, unsentBytes: 0 },
      write: (bytes: Uint8Array) => {
        this.text += Buffer.from(bytes).toString('latin1');
      },
      ...{ end() {}, destroy() {}, startTls() {} },
      pause: () => {
        this.isPaused = true;
      },
      resume: () => {
        this.isPaused = false;
      },
    };
    const { world } = this.fake;
    const ask = world.carry.bind(world);
    world.carry = async (name, meta, body) => {
      if (name !== bodyAsks.chunk) return ask(name, meta, body);
      this.chunks++;
      await this.gate;
      return this.answer ?? ask(name, meta, body);
    };
    const tls = { version: 'TLSv1.3', cipher: 'x' };
    this.session = new ImapSession(this.fake.service, transport, '192.0.2.1', tls);
    this.session.open();
  }

  async say(octets: string | Buffer): Promise<string> {
    this.text = '';
    this.session.receive(Buffer.from(octets));
    await turns(20);
    return this.text;
  }

  async enter(): Promise<this> {
    await this.say('e1 LOGIN alice@local.test secret\r\ne2 SELECT INBOX\r\n');
    return this;
  }

  get reservedBytes(): number {
    return this.fake.reception.reservedBytes;
  }

  /** As a socket brings it, as long as it is read. */
  async pour(octets: Buffer): Promise<number> {
    let at = 0;
    for (; at < octets.length && !this.isPaused; at += socketBytes) {
      await this.say(octets.subarray(at, at + socketBytes));
    }
    return at;
  }
}

const large = Buffer.from(`Subject: x\r\n\r\n${'a line of text\r\n'.repeat(mebibyte / 16)}`);

describe('CATENATE', () => {
  it('takes hundreds of URLs as literals, and no more than a list may have', async () => {
    const play = await new Play().enter();
    await play.say('a1 APPEND INBOX {4+}\r\nabc\n\r\n');
    const urls = Array.from({ length: 400 }, () => 'URL {13+}\r\n/INBOX/;UID=1').join(' ');
    const heard = await play.say(`a2 APPEND INBOX CATENATE (${urls} TEXT {2+}\r\nxy)\r\n`);
    assert.match(heard, /a2 OK \[APPENDUID \d+ 2\]/);
    assert.match(await play.say('a3 FETCH 2 RFC822.SIZE\r\n'), /SIZE 1602\)/);
    const over = Array.from({ length: 1_001 }, () => 'URL {1+}\r\nx').join(' ');
    assert.match(await play.say(`a4 APPEND INBOX CATENATE (${over})\r\n`), /a4 NO \[/);
  });
});

describe('a large APPEND', () => {
  it('leaves for its shard as it comes, and is stored as it was', async () => {
    const play = await new Play().enter();
    await play.say(`a1 APPEND INBOX (\\Seen) {${large.length}+}\r\n`);
    await play.pour(large);
    assert.equal(play.chunks, Math.ceil(large.length / chunkBytes));
    assert.ok(play.reservedBytes <= 3 * chunkBytes, `${play.reservedBytes} bytes reserved`);
    assert.match(await play.say('\r\n'), /\* 1 EXISTS\r\na1 OK \[APPENDUID \d+ 1\]/);
    assert.equal(play.reservedBytes, 0);
    const { world } = play.fake;
    assert.equal(world.incoming.count, 0);
    const stored = [...world.shard.sides.values()];
    assert.deepEqual(
      stored.map((bytes) => bytes.equals(large)),
      [true],
    );
  });

  it('stops the client while its shard is slow, with little of it in memory', async () => {
    const play = await new Play().enter();
    const { promise, resolve } = Promise.withResolvers<void>();
    play.gate = promise;
    await play.say(`a1 APPEND INBOX {${large.length}+}\r\n`);
    const taken = await play.pour(large);
    assert.ok(play.isPaused);
    assert.equal(play.chunks, 1);
    // One chunk is under way, one is full, and the session has not begun to read the rest.
    assert.ok(taken <= 2 * chunkBytes + 4 * socketBytes, `${taken} bytes taken`);
    resolve();
    await turns(30);
    assert.ok(!play.isPaused);
    await play.pour(large.subarray(taken));
    assert.match(await play.say('\r\n'), /a1 OK/);
  });

  it('whose session ends is let go of at its shard', async () => {
    const play = await new Play().enter();
    await play.say(`a1 APPEND INBOX {${large.length}+}\r\n`);
    await play.pour(large.subarray(0, 5 * socketBytes));
    assert.equal(play.fake.world.incoming.count, 1);
    play.session.closed();
    await turns(20);
    assert.equal(play.fake.world.incoming.count, 0);
    assert.equal(play.fake.world.shard.openBodies, 0);
    assert.equal(play.reservedBytes, 0);
  });

  it('that its shard cannot take is answered so at its end, and nothing is left of it', async () => {
    const play = await new Play().enter();
    play.answer = failure('disk-full');
    await play.say(`a1 APPEND INBOX {${large.length}+}\r\n`);
    await play.pour(large);
    assert.match(await play.say('\r\na2 NOOP\r\n'), /^a1 NO \[UNAVAILABLE\].*\r\na2 OK/);
    assert.equal(play.reservedBytes, 0);
  });

  it('among others goes with them or not at all', async () => {
    const play = await new Play().enter();
    await play.say(`a1 APPEND INBOX {3+}\r\na:b {${large.length}+}\r\n`);
    await play.pour(large);
    assert.match(await play.say(' {3+}\r\na:c nonsense\r\n'), /a1 BAD/);
    await turns(20);
    assert.equal(play.fake.world.incoming.count, 0);
    await play.say(`a2 APPEND INBOX {3+}\r\na:b {${large.length}+}\r\n`);
    await play.pour(large);
    assert.match(await play.say(' {3+}\r\na:c\r\n'), /a2 OK \[APPENDUID \d+ 1:3\]/);
    assert.equal(play.reservedBytes, 0);
  });
});

describe('an APPEND of many messages', () => {
  it(`is refused past ${messagesMax}, before the next is sent`, async () => {
    const play = await new Play().enter();
    const more = ' {3+}\r\na:b'.repeat(messagesMax);
    assert.equal(await play.say(`a1 APPEND INBOX${more}`), '');
    assert.match(await play.say(' {3}\r\n'), /a1 NO \[LIMIT\]/);
    assert.match(await play.say(`a2 APPEND INBOX${more}\r\n`), /a2 OK \[APPENDUID \d+ 1:500\]/);
  });

  it('takes a bounded number of large ones', async () => {
    const play = await new Play().enter();
    const one = Buffer.alloc(largeBodyBytesMin + 1, 'a');
    await play.say('a1 APPEND INBOX');
    for (let i = 0; i < 16; i++) {
      await play.say(` {${one.length}+}\r\n`);
      assert.equal(await play.pour(one), Math.ceil(one.length / socketBytes) * socketBytes);
    }
    assert.equal(play.fake.world.incoming.count, 16);
    assert.match(await play.say(` {${one.length}}\r\n`), /a1 NO \[LIMIT\]/);
    await turns(20);
    assert.equal(play.fake.world.incoming.count, 0);
    assert.equal(play.reservedBytes, 0);
  });

  it('leaves room for large ones of others', async () => {
    const play = await new Play().enter();
    const { service } = play.fake;
    service.streamCount = allStreamsMax - 1;
    await play.say(`a1 APPEND INBOX {${large.length}+}\r\n`);
    await play.pour(large);
    assert.match(await play.say(` {${large.length}}\r\n`), /a1 NO \[UNAVAILABLE\]/);
    assert.equal(service.streamCount, allStreamsMax - 1);
    await play.say(`a2 APPEND INBOX {${large.length}+}\r\n`);
    await play.pour(large);
    assert.match(await play.say('\r\n'), /a2 OK/);
    assert.equal(service.streamCount, allStreamsMax - 1);
    assert.match(await play.say('a3 APPEND INBOX {3+}\r\na:b\r\n'), /a3 OK/);
  });
});
