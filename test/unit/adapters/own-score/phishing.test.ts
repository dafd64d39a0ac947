/** What speaks for phishing is told in a field of its own, and look-alikes of the recipients' domains are seen. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openScanner, subjectOf } from '../../../support/scanners.ts';

async function fieldsOf(text: string, recipients = ['bob@example.org']): Promise<string[]> {
  await using at = openScanner({ kind: 'own', address: 'rules' });
  const verdict = await at.scanner.scan(subjectOf(text, { recipients }));
  assert.ok(verdict.kind === 'scored');
  return verdict.edits.map((edit) =>
    edit.kind === 'add-field' ? `${edit.name}: ${edit.value}` : edit.kind,
  );
}

const head = 'Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@x.test>\r\nSubject: Hi\r\n';
const html = `${head}Content-Type: text/html\r\n\r\n`;

test('a look-alike of who gets it, and a link that shows another host', async () => {
  const text = `From: Ann <ann@examp1e.org>\r\n${html}<a href="https://evil.test/">https://example.org/</a>\r\n`;
  assert.deepEqual(await fieldsOf(text), [
    'X-Phishing: author-looks-like-us, link-shows-other-host',
  ]);
  assert.deepEqual(await fieldsOf(text, ['bob@other.test']), ['X-Phishing: link-shows-other-host']);
});

test('usual mail has no such field', async () => {
  assert.deepEqual(await fieldsOf(`From: Ann <ann@far.test>\r\n${head}\r\nHello.\r\n`), []);
});
