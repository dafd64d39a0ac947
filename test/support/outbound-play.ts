/**
 * Plays transcripts of the client side of SMTP over a fake connection.
 *
 * `S:` is what the next hop says, `C:` all that we write in answer, in one write for each unbroken row of `C:` lines;
 * `→` is what the senders were told by then. Empty lines are passed over.
 */

import assert from 'node:assert/strict';
import type { OutboundMessage } from '../../src/engine/delivery/message.ts';
import { FakeDialer, settled } from './fake-peer.ts';
import type { OutboundTest } from './outbound.ts';
import { deliveriesFor, Sender } from './outbound.ts';
import { SeededClock, SeededRandom } from './seeded-clock.ts';

export interface Play {
  readonly messages: readonly OutboundMessage[];
  readonly test?: Partial<OutboundTest>;
  readonly script: string;
}

export async function play({ messages, test, script }: Play): Promise<void> {
  const dialer = new FakeDialer();
  const deliveries = deliveriesFor({
    clock: new SeededClock(),
    random: new SeededRandom(1),
    dialer,
    limits: { connectionsMax: 1 },
    ...test,
  });
  const sender = new Sender(deliveries);
  for (const message of messages) assert.equal(sender.send(message), true);
  await settled();
  const rows = script
    .trim()
    .split('\n')
    .map((row) => row.trim())
    .filter((row) => row !== '');
  let at = 0;
  const run = (mark: string) => {
    const start = at;
    while (at < rows.length && rows[at]!.startsWith(mark)) at++;
    return rows.slice(start, at).map((row) => row.slice(mark.length).trimStart());
  };
  let said = 0;
  while (at < rows.length) {
    const peer = dialer.peers.at(-1);
    assert.ok(peer, 'no connection was made');
    const row = rows[at]!;
    if (row.startsWith('S:')) {
      peer.say(`${run('S:').join('\r\n')}\r\n`);
      await settled();
      said++;
    } else if (row.startsWith('C:')) {
      const expected = `${run('C:').join('\r\n')}\r\n`;
      const { writes } = peer;
      assert.equal(peer.take(), expected, `after ${said} replies`);
      assert.equal(writes, 1, `one write for ${JSON.stringify(expected)}`);
    } else if (row.startsWith('→')) {
      assert.equal(sender.told, run('→').join(' '));
    } else if (row === 'X: peer closes') {
      at++;
      peer.hangUp();
      await settled();
    } else if (row === 'X: we closed') {
      at++;
      // A new connection may be there already.
      const ended = dialer.peers.findLast((each) => each.isDestroyed);
      assert.equal(ended?.take(), '');
    } else {
      throw new Error(`unknown row ${row}`);
    }
  }
  const left = dialer.peers.at(-1)?.take() ?? '';
  assert.equal(left, '', 'all that was written is in the transcript');
  deliveries.close();
}

export const greet = (...capabilities: readonly string[]) => `
  S: 220 hop.test ESMTP
  C: EHLO relay.test
  ${['hop.test', ...capabilities]
    .map((each, i) => `S: 250${i < capabilities.length ? '-' : ' '}${each}`)
    .join('\n')}`;

export const envelope = `
  C: MAIL FROM:<sam@example.net>
  C: RCPT TO:<rita@example.org>
  C: DATA`;
/** The envelope to a server that does not pipeline. */
export const lockStep = `
  C: MAIL FROM:<sam@example.net>
  S: 250 ok
  C: RCPT TO:<rita@example.org>
  S: 250 ok
  C: DATA
  S: 354 go`;
export const content = `
  C: Subject: hi
  C:
  C: hello
  C: .`;
