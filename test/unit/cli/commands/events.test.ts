/** Aim: `events` reads page by page from a cursor, keeps it in a file, and prints what programs and people read. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ControlHandlers, EventView } from '../../../../src/actors/asks/control.ts';
import { runCli } from '../run-cli.ts';

const event: EventView = {
  id: '0-1-32-0',
  at: '2026-01-02T03:04:05.000Z',
  kind: 'deferred',
  message: '01JQ5Z8N3K7M0ABC',
  tenant: 0,
  sender: 'ann@example.org',
  recipients: ['bob@example.net'],
  host: 'mx.example.net',
  reply: '450 4.2.0 Greylisted',
  why: 'greylist',
};

/** Two pages of one event each; what comes after them is nothing. */
function twoPages() {
  const asked: { readonly after: string; readonly limit: number }[] = [];
  const handlers: ControlHandlers = {
    events: (params) => {
      asked.push(params);
      const page = params.after === 'start' ? 1 : params.after === 'c1' ? 2 : 3;
      return {
        events: page === 3 ? [] : [{ ...event, id: `0-1-32-${page}` }],
        cursor: page === 1 ? 'c1' : 'c2',
        isCut: page === 2,
        hasMore: page === 1,
        unread: [],
      };
    },
  };
  return { asked, handlers };
}

test('events prints a line for each event, page after page', async () => {
  const { asked, handlers } = twoPages();
  const { code, out, error } = await runCli(['events', '--limit', '5'], { handlers });
  assert.equal(code, 0);
  assert.deepEqual(asked, [
    { after: 'start', limit: 5 },
    { after: 'c1', limit: 4 },
  ]);
  const line =
    '2026-01-02T03:04:05.000Z 01JQ5Z8N3K7M0ABC deferred from=<ann@example.org> ' +
    'to=<bob@example.net> at mx.example.net (greylist) 450 4.2.0 Greylisted';
  assert.equal(out, `${line}\n${line}\n`);
  assert.match(error, /kept no more/);
});

test('with --json events are lines, and cursors stand behind what they cover', async () => {
  const { handlers } = twoPages();
  const { out } = await runCli(['events', '--json'], { handlers });
  const lines = out.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => {
      const { id, cursor } = JSON.parse(line) as { readonly id?: string; readonly cursor?: string };
      return id ?? cursor;
    }),
    ['0-1-32-1', 'c1', '0-1-32-2', 'c2'],
  );
});

test('a cursor file is begun, kept, and read the next time', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-events-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'cursor');
  const { asked, handlers } = twoPages();
  const line = ['events', '--cursor-file', file];
  assert.equal((await runCli(line, { handlers })).code, 0);
  assert.equal(readFileSync(file, 'utf8'), 'c2\n');
  assert.equal((await runCli(line, { handlers })).out, '');
  assert.deepEqual(
    asked.map(({ after }) => after),
    ['start', 'c1', 'c2'],
  );
});

test('a cursor given twice, and a cursor file that cannot be read, are faults of the line', async () => {
  for (const line of [
    ['events', '--after', 'end', '--cursor-file', 'x'],
    ['events', '--cursor-file', tmpdir()],
    ['events', '--limit', '0'],
  ]) {
    assert.equal((await runCli(line, { handlers: {} })).code, 2, line.join(' '));
  }
});
