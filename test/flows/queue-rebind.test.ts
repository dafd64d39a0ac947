/**
 * Aim: operators give waiting mail another pool of sources, through a restart, and it leaves by that. Method: the real
 * server, two sources on loopback, a next hop that takes nothing at first.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { NextHop } from '../support/next-hop.ts';
import { sendSmall } from '../support/small-mail.ts';
import { eventually, startTestServer } from '../support/test-server.ts';

const news = 'X-Chaski-Campaign: news\r\nSubject: x\r\n\r\nx\r\n';

it('what waits is rebound by a filter, over a restart, and leaves by its new pool', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-test-'));
  let isOpen = false;
  const reply = (command: string) =>
    !isOpen && command.startsWith('RCPT') ? '451 4.7.1 Later' : undefined;
  await using hop = await new NextHop({ reply }).start();
  const settings = {
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'relay.sources': JSON.stringify({
      usual: { ipv4: '127.0.0.21', helloName: 'usual.here.test' },
      bulk: { ipv4: '127.0.0.22', helloName: 'bulk.here.test' },
    }),
    // `bulk` is nobody's to ask for: an operator may give it all the same.
    'relay.pools': JSON.stringify({
      usual: { sources: { usual: 1 } },
      bulk: { sources: { bulk: 1 } },
    }),
    'relay.pool': 'usual',
  };
  try {
    await using first = await startTestServer(settings, { folder });
    const ids = [
      await sendSmall(first, 'a@far.test', news),
      await sendSmall(first, 'b@near.test', news),
    ];
    await eventually('both are deferred', async () => {
      const { entries } = await first.call('queue.list', { limit: 9 });
      return entries.every(({ recipients }) => recipients[0]!.attemptCount > 0) || undefined;
    });
    const rebind = (more: object) => first.call('queue.rebind', { campaign: 'news', ...more });
    await assert.rejects(rebind({}), { code: 'argument-invalid' });
    await assert.rejects(rebind({ toPool: 'ghost' }), { code: 'argument-invalid' });
    await assert.rejects(rebind({ toCampaign: 'a b' }), { code: 'argument-invalid' });
    const to = { toPool: 'bulk', toCampaign: 'late' };
    assert.equal((await rebind({ domain: 'far.test', ...to })).count, 1);
    await first.stop();

    await using test = await startTestServer(settings, { folder });
    isOpen = true;
    await test.call('queue.flush', {});
    const delivered = await eventually('both are delivered', async () => {
      const { events } = await test.call('events', { after: 'start', limit: 1_000 });
      const found = ids.map((id) =>
        events.find(({ message, kind }) => message === id && kind === 'delivered'),
      );
      return found.every((each) => each !== undefined) ? found : undefined;
    });
    assert.deepEqual(
      delivered.map((event) => [event!.campaign, event!.source]),
      [
        ['late', 'bulk'],
        ['news', 'usual'],
      ],
    );
    const { events } = await test.call('events', { after: 'start', limit: 1_000 });
    const acts = events.filter(({ what }) => what === 'rebound');
    assert.deepEqual(
      acts.map(({ message, detail }) => [message, detail]),
      [[ids[0], 'campaign late, pool bulk']],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
