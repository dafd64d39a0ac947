/**
 * Aim:    no next hop, broken or hostile, costs more than its bounds, or loses or doubles an outcome.
 * Method: random bytes and replies into the reply reader and into sessions over a fake connection; over TCP, a hop
 *         that drops the connection at every byte it receives. fast-check prints its seed with a failure.
 */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { createDialer } from '../../src/adapters/node/dialer.ts';
import { nodeRandom } from '../../src/adapters/node/random.ts';
import type { RecipientOutcome } from '../../src/engine/delivery/message.ts';
import { lineBytesMax, ReplyReader, replyBytesMax } from '../../src/mail/wire/smtp/reply-reader.ts';
import { FakeDialer, settled } from '../support/fake-peer.ts';
import { NextHop } from '../support/next-hop.ts';
import { deliveriesFor, outboundMessage, Sender } from '../support/outbound.ts';
import { SeededClock, SeededRandom } from '../support/seeded-clock.ts';

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((each) => Buffer.from(each)),
  fc
    .array(
      fc.constantFrom('250', '-', ' ', '\r\n', '\n', '\r', '5.1.1', 'x', '\0', '550 ', '250-'),
      {
        maxLength: 60,
      },
    )
    .map((each) => Buffer.from(each.join(''), 'latin1')),
);

describe('the reply reader under random bytes', () => {
  it('never throws, never keeps more than a line, and reads the same in any pieces', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 20 }), (pieces) => {
        const read = (chunks: readonly Buffer[]) => {
          const reader = new ReplyReader();
          const replies: unknown[] = [];
          for (const chunk of chunks) {
            reader.feed(chunk);
            for (let reply = reader.next(); reply !== undefined; reply = reader.next()) {
              assert.ok(reply.code >= 200 && reply.code < 600);
              assert.ok(reply.text.length <= replyBytesMax);
              assert.doesNotMatch(reply.text, /[\0-\x09\x0b-\x1f\x7f]/);
              replies.push(reply);
            }
          }
          return { replies, fault: reader.fault };
        };
        assert.deepEqual(read(pieces), read([Buffer.concat(pieces)]));
      }),
      { numRuns: 500 },
    );
  });

  it('stops an endless line and an endless reply after a bounded number of bytes', () => {
    for (const endless of ['x', '250-', '250-a\r\n', '250 a']) {
      const reader = new ReplyReader();
      let given = 0;
      while (reader.fault === undefined) {
        reader.feed(Buffer.from(endless));
        while (reader.next() !== undefined) {}
        given += endless.length;
        assert.ok(given < 2 * (replyBytesMax + lineBytesMax), endless);
      }
    }
  });
});

type Act = { readonly say: string } | 'hang-up' | 'reset' | 'drain' | 'wait' | 'fill' | 'send';

const saying = fc
  .array(
    fc.constantFrom(
      '220 hop\r\n',
      '250 ok\r\n',
      '250-hop\r\n250 PIPELINING\r\n',
      '250-hop\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 DSN\r\n',
      '250-hop\r\n250-PIPELINING\r\n250 LIMITS MAILMAX=1 RCPTMAX=1\r\n',
      '250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n',
      '250-hop\r\n250 SIZE 5\r\n',
      '354 go\r\n',
      '450 later\r\n',
      '452 4.5.3 too many\r\n',
      '550 no\r\n',
      '552 full\r\n',
      '503 bad sequence\r\n',
      '421 bye\r\n',
      '299 odd\r\n',
      '399 odd\r\n',
      'garbage\r\n',
      '2',
      '250 half',
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((replies): Act => ({ say: replies.join('') }));

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 10, arbitrary: saying },
  { weight: 2, arbitrary: fc.constantFrom<Act[]>('send', 'drain', 'wait', 'fill') },
  { weight: 1, arbitrary: fc.constantFrom<Act[]>('hang-up', 'reset') },
);

describe('a site with a hostile next hop', () => {
  it('tells one outcome per recipient, once, and ends with nothing open', async () => {
    const large = `A: b\r\n\r\n${'x'.repeat(600_000)}\r\n`;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 60 }), fc.nat(), async (acts, seed) => {
        const clock = new SeededClock();
        const dialer = new FakeDialer();
        const deliveries = deliveriesFor({
          clock,
          random: new SeededRandom(seed),
          dialer,
          limits: { connectionsMax: 2, messagesPerConnectionMax: 4 },
        });
        const sender = new Sender(deliveries);
        const send = (i: number) =>
          sender.send(
            outboundMessage({
              to: ['a@example.org', 'b@example.org', 'c@example.org'].slice(0, 1 + (i % 3)),
              ...(i % 5 === 4 ? { text: large } : {}),
            }),
          );
        for (let i = 0; i < 3; i++) send(i);
        await settled();
        for (const [i, each] of acts.entries()) {
          const peer = dialer.peers.filter(({ isDestroyed }) => !isDestroyed)[i % 2];
          if (each === 'send') send(i);
          else if (each === 'wait') clock.advance(400_000);
          else if (each === 'hang-up') peer?.hangUp();
          else if (each === 'reset') peer?.hangUp('reset');
          else if (each === 'drain') peer?.drain();
          else if (each === 'fill' && peer !== undefined) peer.hasRoom = !peer.hasRoom;
          else if (typeof each === 'object') peer?.say(each.say);
          await settled();
        }
        deliveries.close();
        await settled();
        for (let i = 0; i < sender.results.length; i++) {
          const outcomes = sender.results[i];
          assert.ok(outcomes !== undefined, `message ${i} was forgotten`);
          assert.ok(outcomes.every((outcome) => outcome !== undefined));
        }
        assert.equal(deliveries.load().connections, 0);
        assert.equal(deliveries.load().waiting, 0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a next hop that drops the connection', () => {
  for (const capabilities of [['PIPELINING'], ['PIPELINING', 'CHUNKING'], []]) {
    it(`at every byte loses nothing and invents nothing (${capabilities.join(' ') || 'lock-step'})`, async () => {
      const messages = 3;
      let isOver = false;
      for (let drop = 1; !isOver; drop++) {
        await using hop = await new NextHop({
          capabilities,
          pieceBytes: 7,
          dropAfterBytes: (connection) => (connection === 0 ? drop : Number.POSITIVE_INFINITY),
        }).start();
        const deliveries = deliveriesFor({
          clock: nodeClock,
          random: nodeRandom,
          dialer: createDialer(),
          limits: { connectionsMax: 1 },
          relay: { route: { kind: 'host', host: '127.0.0.1', port: hop.port } },
        });
        const outcomes = await Promise.all(
          Array.from({ length: messages }, (_, i) => {
            const { promise, resolve } = Promise.withResolvers<RecipientOutcome>();
            const message = outboundMessage({ sender: `m${i}@example.net` });
            deliveries.submit(message, 'example.org', (result) => resolve(result.outcomes[0]!));
            return promise;
          }),
        );
        deliveries.close();
        outcomes.forEach(({ status }, i) => {
          const copies = hop.messages.filter(({ sender }) => sender === `m${i}@example.net`).length;
          assert.notEqual(status, 'failed', `drop at ${drop}`);
          if (status === 'delivered') assert.equal(copies, 1, `drop at ${drop}`);
          else assert.ok(copies <= 1, `drop at ${drop}`);
        });
        isOver = hop.drops === 0;
      }
    });
  }
});
