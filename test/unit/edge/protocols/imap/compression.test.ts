/**
 * Aim: a compressed session says and hears what one in clear would; silence costs it nothing but history; what expands
 *      without measure ends it.
 * Method: the layer between a fake transport and a listener that counts; the client's stream is zlib's.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import {
  Compression,
  type CompressionFault,
  CompressionSlots,
} from '../../../../../src/edge/protocols/imap/compression.ts';
import { defaultImapLimits } from '../../../../../src/edge/protocols/imap/limits.ts';
import { SeededRandom } from '../../../../../src/harness/seeded-random.ts';
import { Inflater } from '../../../../../src/mail/wire/deflate/inflater.ts';
import { FakeTransport } from '../../../../support/fake-transport.ts';

const finishFlush = constants.Z_SYNC_FLUSH;

class Play {
  readonly transport = new FakeTransport();
  readonly compression: Compression;
  readonly service: {
    readonly policy: { readonly limits: { inflateRatioMax: number; messageBytesMax: number } };
  };
  readonly #inflater = new Inflater();
  said = Buffer.alloc(0);
  saidBytes = 0;
  fault: CompressionFault | undefined;
  /** Called with each piece. */
  heard: () => void = () => {};

  constructor(limits: Partial<typeof defaultImapLimits> = {}) {
    this.service = { policy: { limits: { ...defaultImapLimits, ...limits } } };
    this.compression = new Compression(this.transport, {
      service: this.service,
      said: (octets) => {
        this.saidBytes += octets.length;
        this.said = Buffer.concat([this.said, octets]).subarray(-1_000);
        this.heard();
      },
      compressionFailed: (fault) => {
        this.fault = fault;
      },
    });
  }

  /** What the server wrote, inflated. */
  read(): Buffer {
    this.#inflater.give(Buffer.from(this.transport.text, 'latin1'));
    this.transport.text = '';
    const pieces: Buffer[] = [];
    for (let p = this.#inflater.next(); p !== undefined; p = this.#inflater.next()) pieces.push(p);
    assert.equal(this.#inflater.fault, undefined);
    assert.ok(this.#inflater.isAtRest, 'each write is flushed');
    return Buffer.concat(pieces);
  }
}

const later = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a compressed session', () => {
  it('says what it is given, in small words and large, with rests between', () => {
    const seed = 20_261_122;
    const random = new SeededRandom(seed);
    const play = new Play();
    for (let round = 0; round < 200; round++) {
      const bytes = Math.floor(random.fraction() * (round % 20 === 0 ? 150_000 : 300));
      const text = Buffer.from(random.bytes(bytes)).map((octet) => 97 + (octet % 7));
      play.compression.write(text);
      assert.ok(play.read().equals(text), `seed ${seed}, round ${round}`);
      if (random.fraction() < 0.3) play.compression.rest();
    }
  });

  it('uses what it said before as its dictionary, until it rests', () => {
    const play = new Play();
    const line = Buffer.from('* 1 FETCH (UID 1 FLAGS (\\Seen $Forwarded) MODSEQ (1234))\r\n');
    const bytesOf = () => {
      play.transport.text = '';
      play.compression.write(line);
      return play.transport.text.length;
    };
    const first = bytesOf();
    assert.ok(bytesOf() < first / 2, 'said again it is short');
    play.compression.rest();
    assert.equal(bytesOf(), first);
  });

  it('hears what a client compressed before and after a rest, which reaches back over it', () => {
    const play = new Play();
    const history = Buffer.from('a1 UID FETCH 1:* (FLAGS ENVELOPE)\r\n');
    play.compression.receive(deflateRawSync(history, { finishFlush }));
    play.compression.rest();
    const next = deflateRawSync(history, { finishFlush, dictionary: history });
    assert.ok(next.length < 20, 'it does reach back');
    play.compression.receive(next);
    assert.equal(play.said.toString(), `${history}${history}`);
  });

  it('stops hearing while it is paused, and goes on from there', async () => {
    const play = new Play();
    play.heard = () => play.compression.pause();
    play.compression.receive(deflateRawSync(Buffer.alloc(100_000), { finishFlush }));
    const first = play.saidBytes;
    assert.ok(first < 20_000);
    assert.ok(play.transport.isPaused);
    play.compression.receive(deflateRawSync('and this', { finishFlush }));
    assert.equal(play.saidBytes, first);
    play.heard = () => {};
    play.compression.resume();
    assert.equal(play.saidBytes, 100_008);
    assert.ok(!play.transport.isPaused);
  });

  it('inflates so much in one turn, and lets others have theirs', async () => {
    const play = new Play();
    play.compression.receive(deflateRawSync(Buffer.alloc(1_000_000), { finishFlush }));
    assert.ok(play.saidBytes < 300_000, `${play.saidBytes}`);
    assert.ok(play.transport.isPaused, 'no more is read meanwhile');
    for (let turn = 0; turn < 4; turn++) await later();
    assert.equal(play.saidBytes, 1_000_000);
    assert.ok(!play.transport.isPaused);
  });

  it('takes one message of any ratio, and ends with what expands beyond that', async () => {
    const play = new Play({ messageBytesMax: 100_000, inflateRatioMax: 10 });
    const zeros = deflateRawSync(Buffer.alloc(100_000), { finishFlush });
    play.compression.receive(zeros);
    assert.equal(play.saidBytes, 100_000);
    assert.equal(play.fault, undefined);
    play.compression.receive(zeros);
    assert.equal(play.fault, 'ratio');
    const bytes = play.saidBytes;
    assert.ok(bytes <= 100_000 + 2 * zeros.length * 10);
    play.compression.receive(zeros);
    await later();
    assert.equal(play.saidBytes, bytes, 'nothing is heard after that');
  });

  it('ends with what is no such stream, and after a last block', () => {
    const spoilt = new Play();
    spoilt.compression.receive(Buffer.from([0xff, 0xff]));
    assert.equal(spoilt.fault, 'bad');
    const over = new Play();
    over.compression.receive(deflateRawSync('a1 NOOP\r\n'));
    assert.equal(over.said.toString(), 'a1 NOOP\r\n');
    assert.equal(over.fault, 'ended');
  });
});

describe('slots of compressed sessions', () => {
  it('are taken up to their number, and again once given back', () => {
    const slots = new CompressionSlots();
    assert.ok(slots.take(2));
    assert.ok(slots.take(2));
    assert.ok(!slots.take(2));
    slots.give();
    assert.ok(slots.take(2));
    assert.equal(slots.count, 2);
  });
});
