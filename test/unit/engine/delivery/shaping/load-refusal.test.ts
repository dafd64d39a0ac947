/** Aim: a reply that says "fewer connections" is told from one that speaks of the connection it came over. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  isLoadRefusal,
  isSessionLimit,
} from '../../../../../src/engine/delivery/shaping/load-refusal.ts';

const reply = (code: number, enhanced: string, text: string) => ({ code, enhanced, text });
const ofSession = [
  reply(421, '4.7.0', 'Too many messages for this session, closing connection. a1 - gsmtp'),
  reply(421, '4.5.3', 'Message count per connection exceeded'),
  reply(421, '', 'Too many messages\nin this session'),
  reply(421, '4.4.5', 'Too many messages on this connection'),
];

describe('a limit of what one connection carries', () => {
  for (const said of ofSession) {
    it(`is no refusal for load: ${said.text.replaceAll('\n', ' ')}`, () => {
      assert.equal(isSessionLimit(said), true);
      assert.equal(isLoadRefusal(said), false);
    });
  }

  it('is none where the words are an address of the message', () => {
    const message = {
      sender: 'a@b.example',
      recipients: [{ address: 'too-per session@c.example' }],
    };
    const said = reply(421, '4.7.0', 'too-per session@c.example: rate limit');
    assert.equal(isSessionLimit(said, message), false);
    assert.equal(isLoadRefusal(said, message), true);
  });

  it('is none where the connection stays', () => {
    assert.equal(isSessionLimit(reply(450, '4.7.0', 'Too many messages in this session')), false);
  });
});

it('too many connections are a refusal for load', () => {
  for (const said of [
    reply(421, '4.7.0', 'Try again later, closing connection. (too many connections)'),
    reply(421, '4.3.2', 'Too busy'),
    reply(451, '4.7.0', 'rate limited'),
  ]) {
    assert.equal(isSessionLimit(said), false);
    assert.equal(isLoadRefusal(said), true);
  }
});
