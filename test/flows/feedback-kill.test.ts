/**
 * Aim: what was acknowledged of feedback survives a kill: a bounce taken by SMTP, an unsubscription answered by HTTP.
 * Method: a server process of its own, SIGKILL the moment it answered, and the store opened again.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { createTransport } from 'nodemailer';
import { relayEnvironment, serve } from '../../bench/servers/chaski.ts';
import { freePort, untilGreets } from '../../bench/servers/free-port.ts';
import { NextHop } from '../support/next-hop.ts';
import { eventually, startTestServer } from '../support/test-server.ts';

it('a bounce and an unsubscription that were answered are acted on and told after a kill', async () => {
  await using hop = await new NextHop().start();
  const folder = mkdtempSync(join(tmpdir(), 'chaski-feedback-'));
  const [port, httpPort] = [await freePort(), await freePort()];
  const feedback = {
    'feedback.bounceDomain': 'bounces.test',
    'feedback.hardBounceMs': '30d',
    'feedback.unsubscribeUrl': 'https://127.0.0.1',
    'feedback.unsubscribeStreams': 'default/news',
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
  };
  const environment = {
    ...relayEnvironment(join(folder, 'data'), port, hop.port),
    CHASKI_LISTEN__HTTP: `127.0.0.1:${httpPort}`,
    CHASKI_FEEDBACK__BOUNCE_DOMAIN: feedback['feedback.bounceDomain'],
    CHASKI_FEEDBACK__HARD_BOUNCE_MS: feedback['feedback.hardBounceMs'],
    CHASKI_FEEDBACK__UNSUBSCRIBE_URL: feedback['feedback.unsubscribeUrl'],
    CHASKI_FEEDBACK__UNSUBSCRIBE_STREAMS: feedback['feedback.unsubscribeStreams'],
  };
  const server = serve(environment, folder);
  try {
    await untilGreets(port, 90_000, () => server.isRunning);
    const transport = createTransport({ host: '127.0.0.1', port, secure: false, ignoreTLS: true });
    const send = (to: string) =>
      transport.sendMail({
        envelope: { from: 'a@here.test', to: [to] },
        headers: { 'X-Chaski-Campaign': 'news' },
        ...{ from: 'a@here.test', to, text: 'Hi' },
      });
    await send('ann@far.test');
    await send('bob@far.test');
    await eventually('both', () => (hop.messages.length === 2 ? true : undefined));
    const [ann, bob] = ['ann@far.test', 'bob@far.test'].map(
      (name) => hop.messages.find(({ recipients }) => recipients[0] === name)!,
    );
    const path = /https:\/\/127\.0\.0\.1(\/u\/[\w-]+)/.exec(bob!.content)![1];
    await transport.sendMail({
      envelope: { from: '', to: [ann!.sender] },
      ...{ from: 'MAILER-DAEMON@far.test', to: ann!.sender },
      text: '<ann@far.test>: host mx said: 550 5.1.1 user unknown',
    });
    const clicked = await fetch(`http://127.0.0.1:${httpPort}${path}`, {
      ...{ method: 'POST', body: 'List-Unsubscribe=One-Click' },
    });
    assert.equal(clicked.status, 200);
    await server.stop('SIGKILL');
    transport.close();

    await using test = await startTestServer(
      { ...feedback, shards: '0', 'data.dir': join(folder, 'data') },
      { folder },
    );
    const reasons = await eventually('both entries', async () => {
      const { entries } = await test.call('suppression.list', { tenant: 'default', limit: 9 });
      return entries.length === 2 ? entries : undefined;
    });
    assert.deepEqual(
      reasons.map(({ address, reason, stream }) => [address, reason, stream]),
      [
        ['ann@far.test', 'hard-bounce', ''],
        ['bob@far.test', 'unsubscribe', 'news'],
      ],
    );
    for (const [kind, recipient] of [
      ['bounce', 'ann@far.test'],
      ['unsubscribe', 'bob@far.test'],
    ] as const) {
      await eventually(kind, async () => {
        const { events } = await test.call('events', { after: 'start', limit: 1_000 });
        return events.find((each) => each.kind === kind && each.recipients[0] === recipient);
      });
    }
  } finally {
    await server.stop('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
