/**
 * Aim: LIST of names without wildcards answers what LIST of all says of them, and asks for no more than those.
 * Method: a session over the engine's handlers; the lines of LIST * are the expectation.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Ask } from '../../../../../src/actors/ask.ts';
import { imapAsks } from '../../../../../src/actors/asks/imap-asks.ts';
import { Crowd, type CrowdClient } from '../../../../support/imap-crowd.ts';
import { turns } from '../../../../support/seeded-clock.ts';

const listed = (text: string) => text.split('\r\n').filter((line) => line.startsWith('* '));

async function begun(): Promise<{ client: CrowdClient; asked: string[] }> {
  const crowd = new Crowd();
  const client = crowd.open();
  await client.enter();
  for (const name of ['A/B/C', 'A/D', 'E', 'INBOX/below']) await client.does(`c1 CREATE ${name}`);
  await client.does('c2 SUBSCRIBE A/B', 'c3 SUBSCRIBE Gone', 'c4 UNSUBSCRIBE Junk');
  const asked: string[] = [];
  const { asks } = crowd.fake.service;
  const ask = asks.ask.bind(asks);
  asks.ask = (to, name: Ask['name'], ...rest) => {
    asked.push(name);
    return ask(to, name as never, ...(rest as [never]));
  };
  await turns(1);
  return { client, asked };
}

it('tells of a mailbox asked for by name what LIST of all tells', async () => {
  const { client, asked } = await begun();
  const returns = 'RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (MESSAGES UIDNEXT))';
  const all = listed(await client.say(`a1 LIST "" * ${returns}`));
  const names = ['INBOX', 'A', 'A/B', 'A/B/C', 'A/D', 'E', 'INBOX/below', 'Junk', 'Sent'];
  asked.length = 0;
  for (const name of names) {
    const lines = listed(await client.say(`a2 LIST "" ${name} ${returns}`));
    const wanted = all.filter((line) => line.split(' ').includes(name));
    assert.equal(wanted.length, 2, name);
    assert.deepEqual(lines, wanted, name);
  }
  assert.deepEqual(new Set(asked), new Set([imapAsks.listNamed]));
});

it('finds them below a reference, in any case of INBOX, several at once, and what is subscribed alone', async () => {
  const { client } = await begun();
  const lines = async (line: string) => listed(await client.say(line));
  assert.deepEqual(await lines('a1 LIST A/ B'), ['* LIST (\\HasChildren) "/" A/B']);
  assert.deepEqual(await lines('a1 LIST "" inbox'), ['* LIST (\\HasChildren) "/" INBOX']);
  assert.deepEqual(await lines('a1 LIST "" (E None A/D)'), [
    '* LIST (\\HasNoChildren) "/" A/D',
    '* LIST (\\HasNoChildren) "/" E',
  ]);
  assert.deepEqual(await lines('a1 LIST (SUBSCRIBED) "" (Gone E Junk A/B)'), [
    '* LIST (\\HasChildren \\Subscribed) "/" A/B',
    '* LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" Gone',
  ]);
  assert.deepEqual(await lines(`a1 LIST ${'x'.repeat(1_000)} ${'y'.repeat(1_000)}`), []);
  assert.deepEqual(await lines('a1 LIST (SUBSCRIBED RECURSIVEMATCH) "" A'), [
    '* LIST (\\HasChildren) "/" A ("CHILDINFO" ("SUBSCRIBED"))',
  ]);
});
