/** Keys change while the server runs: mail goes on being signed, by the new key at once, and after a restart. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NextHop } from '../support/next-hop.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

test('signing moves to a new key without a restart and stays there over one', async () => {
  await using hop = await new NextHop({}).start();
  const folder = mkdtempSync(join(tmpdir(), 'chaski-test-'));
  const settings = {
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'dkim.alsoDomain': 'relay.test',
  };
  const signWith = ['ed25519-sha256'] as const;
  try {
    {
      await using test = await startTestServer(settings, { folder });
      await test.call('domain.create', { name: 'here.test', signWith });
      await test.call('domain.create', { name: 'relay.test', signWith });
      assert.deepEqual(await signersOf(test, hop), ['here.test chaski-ed', 'relay.test chaski-ed']);
      const { keys } = await test.call('dkim.rotate', { domain: 'here.test', force: true });
      assert.deepEqual(
        keys.map(({ state }) => state),
        ['retired', 'signing'],
      );
      assert.doesNotMatch(JSON.stringify(keys), /PRIVATE/);
      const [own] = await signersOf(test, hop);
      assert.equal(own, `here.test ${keys[1]!.selector}`);
    }
    await using again = await startTestServer(settings, { folder });
    const { keys } = await again.call('dkim.list', { domain: 'here.test' });
    assert.deepEqual(await signersOf(again, hop), [
      `here.test ${keys[1]!.selector}`,
      'relay.test chaski-ed',
    ]);
    const { records } = await again.call('domain.show', { name: 'here.test' });
    const published = records.filter(({ name }) => name.includes('_domainkey'));
    assert.equal(published.length, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Domain and selector of each signature of a message that is sent now. */
async function signersOf(test: TestServer, hop: NextHop): Promise<string[]> {
  const before = hop.messages.length;
  const client = await WireClient.connect(test.ports.smtp!);
  await client.line();
  for (const line of [
    'HELO me.test',
    'MAIL FROM:<ann@here.test>',
    'RCPT TO:<bob@there.test>',
    'DATA',
    'From: ann@here.test\r\nSubject: hi\r\n\r\ntext\r\n.',
  ]) {
    client.send(Buffer.from(`${line}\r\n`));
    assert.match((await client.line())!, /^[23]/);
  }
  const message = await eventually('the message', () => hop.messages[before]);
  const found = message.content.matchAll(
    /DKIM-Signature:[^;]*;[^;]*;[^;]*;\s+d=([^;]+); s=([^;]+);/g,
  );
  return [...found].map(([, domain, selector]) => `${domain} ${selector}`);
}
