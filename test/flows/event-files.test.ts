/**
 * Aim: `eventFiles.folder` has every event as `chaski events --json` prints it, those from before it was set, too, and
 *      goes on after a restart without telling again what is there.
 * Method: the real server twice on one data folder, a next hop; the files read as a shipper of logs does.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { nodeDisk } from '../../src/adapters/files/disk.ts';
import { readJsonl } from '../support/jsonl-reader.ts';
import { NextHop } from '../support/next-hop.ts';
import { sendSmall } from '../support/small-mail.ts';
import { eventually, startTestServer } from '../support/test-server.ts';

it('events of mail stand in files, line by line, over a restart', async () => {
  await using hop = await new NextHop().start();
  const folder = mkdtempSync(join(tmpdir(), 'chaski-event-files-'));
  const files = join(folder, 'new', 'events');
  const settings = {
    'listen.http': '127.0.0.1:0',
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'eventFiles.folder': files,
  };
  const has = (id: string) =>
    eventually(`${id} in the files`, async () => {
      const lines = await readJsonl(nodeDisk, files).catch(() => []);
      const isThere = lines.some((line) => line.message === id && line.kind === 'delivered');
      return isThere ? lines : undefined;
    });
  try {
    await using before = await startTestServer(
      { ...settings, 'eventFiles.folder': '' },
      { folder },
    );
    const ids = [await sendSmall(before, 'bob@far.test')];
    await eventually('the first', () => (hop.messages.length > 0 ? true : undefined));
    await before.stop();
    for (let start = 0; start < 2; start++) {
      await using test = await startTestServer(settings, { folder });
      ids.push(await sendSmall(test, 'bob@far.test'));
      const lines = (await has(ids.at(-1)!)).filter(({ cursor }) => cursor === undefined);
      for (const id of ids) {
        const kinds = lines.filter(({ message }) => message === id).map(({ kind }) => kind);
        assert.deepEqual(kinds, ['accepted', 'delivered']);
      }
      const { events } = await test.call('events', { after: 'start', limit: 1_000 });
      const byId = new Map(lines.map((line) => [line.id, line]));
      for (const event of events) assert.deepEqual(byId.get(event.id), event);
      // What a reader of the files missed it reads from the server by the last cursor.
      const cursor = (await readJsonl(nodeDisk, files)).at(-1)!.cursor!;
      const after = await test.call('events', { after: cursor, limit: 1_000 });
      assert.deepEqual(after.events, []);
      const sink = await eventually('a reader that has caught up', async () => {
        const { sinks } = await test.call('events.sinks', {});
        return sinks[0]?.lagSeconds === 0 ? sinks[0] : undefined;
      });
      const { name, state, reason, bytes, sentCount } = sink;
      assert.deepEqual([name, state, reason], ['files', 'active', '']);
      assert.ok(bytes > 0 && sentCount > 0, `${bytes} bytes, ${sentCount} events`);
      assert.equal(sink.cursor, cursor);
      const answer = await fetch(`http://127.0.0.1:${test.ports.http}/metrics`);
      const rows = await answer.text();
      assert.match(rows, new RegExp(`^chaski_event_files_bytes ${bytes}$`, 'm'));
      assert.match(rows, /^chaski_event_files_lag_seconds 0$/m);
      assert.match(rows, /^chaski_webhooks_failing 0$/m);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
