/** Aim: received reports become one table. Method: real reports as files. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli } from '../run-cli.ts';

const fixture = (name: string) => join(import.meta.dirname, '../../../fixtures/mime', name);
const google = fixture('mox/dmarc-reports__google.eml');

test('reports are read once each, with what passed', async () => {
  const yahoo = fixture('mox/dmarc-reports__yahoo.eml');
  const { code, out } = await runCli(['dmarc', 'read', google, google, yahoo, '--json']);
  assert.equal(code, 0);
  const { reports, unread } = JSON.parse(out);
  assert.deepEqual(
    reports.map(({ organization, messages, passed }: Record<string, unknown>) => [
      ...[organization, messages, passed],
    ]),
    [
      ['google.com', 5, 5],
      ['Yahoo! Inc.', 1, 1],
    ],
  );
  assert.deepEqual(unread, []);
  const text = await runCli(['dmarc', 'read', google]);
  assert.match(text.out, /ueber\.net .* google\.com .* 2a02:2770:3:0:21a:4aff:fea1:8a7b/);
});

test('a file without a report is named, and alone it fails', async () => {
  const other = fixture('mox/tlsreports__example.eml');
  const mixed = await runCli(['dmarc', 'read', google, other]);
  assert.equal(mixed.code, 0);
  assert.match(mixed.error, /tlsreports__example\.eml: no DMARC report/);
  assert.equal((await runCli(['dmarc', 'read', other, '--json'])).code, 1);
});
