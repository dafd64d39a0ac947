/**
 * Aim: real milters that were asked before DATA take the messages of a session by the same connection, one after the
 *      other, over STARTTLS and RSET, and what they change is heeded.
 * Method: the real server between a client and a next hop, with Debian's python3-milter or opendkim beside it; skipped,
 *         and said, where one is not there.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type DebianScanner, needs, startDebianScanner } from '../support/debian-scanners.ts';
import { NextHop } from '../support/next-hop.ts';
import { eventually, startTestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const filler = `${'x'.repeat(70)}\r\n`.repeat(5_000);

async function world(name: DebianScanner) {
  const milter = await startDebianScanner(name);
  const hop = await new NextHop().start();
  const stages = ['connect', 'helo', 'mail', 'rcpt', 'data'];
  const row = { name: 'one', kind: 'milter', address: milter.address, when: 'all', fail: 'closed' };
  const server = await startTestServer({
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'scanners.list': JSON.stringify([{ ...row, stages }]),
  });
  const client = await WireClient.connect(server.ports.smtp!);
  await client.line();
  const say = async (line: string): Promise<string> => {
    client.send(Buffer.from(`${line}\r\n`));
    let reply = (await client.line())!;
    while (reply[3] === '-') reply = (await client.line())!;
    return reply;
  };
  return {
    ...{ milter, client, say },
    async bring(subject: string, body: string, recipients: readonly string[]) {
      await say('MAIL FROM:<ann@example.net>');
      for (const recipient of recipients) await say(`RCPT TO:<${recipient}>`);
      assert.match(await say('DATA'), /^354/);
      return await say(`From: ann@example.net\r\nSubject: ${subject}\r\n\r\n${body}.`);
    },
    taken: async (count: number) =>
      await eventually(`message ${count}`, () =>
        hop.messages.length < count ? undefined : hop.messages.map(({ content }) => content),
      ),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server[Symbol.asyncDispose]();
      await hop[Symbol.asyncDispose]();
      await milter[Symbol.asyncDispose]();
    },
  };
}

const fieldsOf = (content: string, name: string) =>
  [...content.matchAll(new RegExp(`^${name}: (.*)\\r$`, 'gm'))].map(([, value]) => value!);

it(
  'a milter by python3-milter hears of a session in one conversation',
  needs('python3-milter'),
  async () => {
    await using play = await world('python3-milter');
    const { say, bring, client } = play;
    await say('EHLO plain.example.net');
    assert.match(await say('MAIL FROM:<gone@example.net>'), /^250/);
    assert.equal((await say('STARTTLS')).slice(0, 3), '220');
    await client.startTls();
    await say('EHLO mx.example.net');
    const both = ['bob@example.org', 'refused@example.org'];
    assert.match(await bring('said', 'Hello.\r\n', both), /^250/);
    await say('MAIL FROM:<gone@example.net>');
    assert.match(await say('RSET'), /^250/);
    assert.match(await bring('reject', 'Hello.\r\n', ['bob@example.org']), /^554/);
    assert.match(await bring('said', filler, ['bob@example.org', 'cat@example.org']), /^250/);
    // One message may leave for each recipient.
    const contents = await play.taken(2);
    const said = contents.flatMap((content) => fieldsOf(content, 'X-Said'));
    const words = new Set(said.map((text) => text.split(' ').slice(0, 4).join(' ')));
    const head = 'mx.example.net <ann@example.net>';
    assert.deepEqual(
      words,
      new Set([
        `${head} <bob@example.org>,<refused@example.org> 8`,
        `${head} <bob@example.org>,<cat@example.org> ${filler.length}`,
      ]),
    );
    // Its queue id is the message's own.
    assert.ok(
      said.every((text) => /^[0-9A-Z]{10,}$/i.test(text.split(' ')[4]!)),
      said.join(),
    );
    const conversations = contents.flatMap((content) => fieldsOf(content, 'X-Conversation'));
    assert.deepEqual(new Set(conversations).size, 1);
  },
);

it('opendkim looks at message after message of a session', needs('opendkim'), async () => {
  await using play = await world('opendkim');
  await play.say('EHLO mx.example.net');
  for (const [index, body] of ['Hello.\r\n', filler, 'Again.\r\n'].entries()) {
    assert.match(await play.bring(`number ${index}`, body, ['bob@example.org']), /^250/);
  }
  const contents = await play.taken(3);
  for (const content of contents)
    assert.match(content, /^Authentication-Results: scan\.example\.org;\s+dkim=none/m);
});
