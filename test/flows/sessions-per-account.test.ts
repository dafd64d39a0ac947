/**
 * Aim: an account has so many sessions at a time, over all protocols together; another is another, and one that ends
 * makes room. Method: the real server.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImapClient } from '../support/imap-client.ts';
import { submit } from '../support/submit-line.ts';
import { eventually, startTestServer } from '../support/test-server.ts';

const password = 'correct horse';

test('sessions of one account are bounded over protocols', async () => {
  await using server = await startTestServer({
    ...{ 'listen.imap': '127.0.0.1:0', 'listen.submissions': '127.0.0.1:0' },
    'guard.sessionsPerAccountMax': '2',
  });
  await server.call('domain.create', { name: 'here.test' });
  const users = ['ann@here.test', 'bob@here.test'];
  for (const address of users) await server.call('account.create', { address, password });
  const logIn = async (user: string) => {
    const client = await ImapClient.connect(server.ports.imap!);
    await client.response();
    await client.ok('STARTTLS');
    await client.startTls();
    const { tagged } = await client.run(`LOGIN ${user} "${password}"`);
    return { client, answer: tagged.raw.replace(/^\S+ /, '') };
  };
  const send = (user: string) =>
    submit({
      ...{ port: server.ports.submissions!, user, password, from: user },
      to: ['bob@here.test'],
    });
  const first = await logIn('ann@here.test');
  const second = await logIn('ann@here.test');
  assert.match(`${first.answer} ${second.answer}`, /^OK .* OK /);
  const third = await logIn('ann@here.test');
  assert.match(third.answer, /^NO \[LIMIT\] Too many sessions of this account/);
  assert.match((await send('ann@here.test'))[0]!, /^454 4\.7\.0 Too many sessions of this account/);
  assert.match((await send('bob@here.test'))[0]!, /^250 /);
  second.client.destroy();
  await eventually('room', async () =>
    (await send('ann@here.test'))[0]!.startsWith('250') ? true : undefined,
  );
  first.client.destroy();
  third.client.destroy();
});
