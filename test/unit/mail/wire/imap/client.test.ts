/**
 * Aim:    the tests' own IMAP client says what it was told and hears what was answered.
 * Method: a scripted far end in memory: it answers each line with what the test gave it.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImapClient } from '../../../../support/imap-client.ts';
import { fetchItems } from '../../../../support/imap-values.ts';

/** Answers the n-th chunk heard with the n-th answer; what was heard is gathered. */
function scripted(answers: readonly string[], isLiteralPlus = false) {
  const { client, far } = ImapClient.inMemory({ isLiteralPlus });
  const heard: string[] = [];
  far.on('data', (chunk: Buffer) => {
    heard.push(chunk.toString());
    const answer = answers[heard.length - 1];
    if (answer === undefined) far.end();
    else far.write(answer);
  });
  return { client, heard };
}

test('a command ends with its tagged response, and has the untagged ones before it', async () => {
  const { client } = scripted([
    '* 3 EXISTS\r\n* OK [UIDNEXT 4] next\r\nc1 OK [READ-WRITE] done\r\n* 4 EXISTS\r\n',
  ]);
  const { tagged, untagged } = await client.ok('SELECT INBOX');
  assert.equal(tagged.code, 'READ-WRITE');
  assert.deepEqual(
    untagged.map(({ number, name, code }) => [number, name, code]),
    [
      [3, 'EXISTS', ''],
      [-1, 'OK', 'UIDNEXT 4'],
    ],
  );
  assert.equal((await client.response())?.number, 4);
  client.destroy();
});

test('a literal waits for its continuation, or does not with LITERAL+', async () => {
  const waiting = scripted(['+ go\r\n', 'c1 OK done\r\n']);
  await waiting.client.ok('APPEND x ', Buffer.from('abc'));
  assert.deepEqual(waiting.heard, ['c1 APPEND x {3}\r\n', 'abc\r\n']);
  const hasty = scripted(['c1 OK done\r\n'], true);
  await hasty.client.ok('APPEND x ', Buffer.from('abc'));
  assert.deepEqual(hasty.heard, ['c1 APPEND x {3+}\r\nabc\r\n']);
});

test('a refused literal is not sent', async () => {
  const { client, heard } = scripted(['c1 NO [TRYCREATE] no\r\n']);
  const { tagged } = await client.run('APPEND x ', Buffer.from('abc'));
  assert.equal(tagged.code, 'TRYCREATE');
  assert.equal(heard.length, 1);
});

test('IDLE hears what comes, and is done', async () => {
  const { client } = scripted(['+ idling\r\n* 1 EXISTS\r\n', 'c1 OK done\r\n']);
  const tag = await client.idle();
  assert.equal((await client.heard('EXISTS')).number, 1);
  assert.equal((await client.done(tag)).tagged.name, 'OK');
});

test('literals are values, cut as they may be', async () => {
  const { client, far } = ImapClient.inMemory();
  const answer = '* 1 FETCH (BODY[HEADER.FIELDS (TO)] {5}\r\na\r\n)b UID 7)\r\n';
  for (const octet of answer) {
    far.write(octet);
    await new Promise(setImmediate);
  }
  const response = await client.heard('FETCH');
  assert.deepEqual(
    [...fetchItems(response)],
    [
      ['BODY[HEADER.FIELDS (TO)]', 'a\r\n)b'],
      ['UID', 7],
    ],
  );
  assert.equal(response.literals[0]?.length, 5);
});

test('what is no IMAP ends every wait with what is wrong', async () => {
  const { client } = scripted(['* 1 FETCH (UID 7\r\n']);
  await assert.rejects(client.run('NOOP'), /has no end/);
});

test('a connection that ends is told', async () => {
  const { client } = scripted([]);
  await assert.rejects(client.run('LOGOUT'), /closed before the answer/);
  await client.closed();
});
