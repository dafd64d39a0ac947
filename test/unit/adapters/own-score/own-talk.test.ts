/**
 * Aim: the server's own score speaks as a scanner does; a model is taken up when it changes, and a damaged one harms
 *      nothing.
 * Method: the scanner on files of its own; time is turned by hand.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SpamModel, train } from '../../../../src/mail/trust/spam/model.ts';
import { writeModel } from '../../../../src/mail/trust/spam/model-bytes.ts';
import { readForSpam } from '../../../../src/mail/trust/spam/reading.ts';
import type { TrustVerdicts } from '../../../../src/ports/content-scanner.ts';
import { openScanner, subjectOf } from '../../../support/scanners.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const from =
  'From: Ann <ann@far.test>\r\nTo: bob@here.test\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n';
const ham = (n: number) =>
  `${from}Subject: minutes of meeting ${n}\r\nMessage-ID: <h${n}@far.test>\r\n\r\nThe agenda and the minutes are ready.\r\n`;
const spam = (n: number) =>
  `${from}Subject: cheap pills ${n}\r\nMessage-ID: <s${n}@far.test>\r\n\r\nBuy cheap pills without prescription now.\r\n`;

function taught(): Uint8Array {
  const model = new SpamModel();
  for (let n = 0; n < 60; n++) {
    train(model, readForSpam(Buffer.from(ham(n))), false);
    train(model, readForSpam(Buffer.from(spam(n))), true);
  }
  return writeModel(model);
}

test('a model is read when it comes, and again when it changes; what is damaged is not', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-own-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const address = join(folder, 'spam.model');
  const clock = new SeededClock();
  await using at = openScanner({ kind: 'own', address }, clock);
  const points = async (text: string) => {
    const verdict = await at.scanner.scan(subjectOf(text));
    assert.equal(verdict.kind, 'scored');
    return verdict.kind === 'scored' ? verdict.score : 0;
  };
  const bare = await points(spam(1_000));
  assert.equal((await at.scanner.check()).ok, false);
  writeFileSync(address, taught());
  assert.equal(await points(spam(1_000)), bare, 'it is looked at once in a while');
  clock.advance(11_000);
  const learnt = await points(spam(1_000));
  assert.ok(learnt > bare + 2, `${bare} → ${learnt}`);
  assert.ok((await points(ham(1_000))) < 0.5);
  assert.equal((await at.scanner.check()).ok, true);
  writeFileSync(address, 'no model');
  clock.advance(11_000);
  assert.equal(await points(spam(1_000)), learnt);
});

test('who vouches for it counts, and the threshold is the one that is set', async () => {
  await using strict = openScanner({ kind: 'own', address: 'rules', points: 3 });
  const verdicts: TrustVerdicts = {
    ...{ spf: 'fail', dkim: 'none', arc: 'none', dmarc: 'fail' },
    dmarcPolicy: 'reject',
    dkimDomains: [],
  };
  const plain = await strict.scanner.scan(subjectOf(ham(1)));
  const failing = await strict.scanner.scan(subjectOf(ham(1), { verdicts }));
  assert.ok(plain.kind === 'scored' && failing.kind === 'scored');
  assert.ok(failing.score > plain.score + 1);
  assert.deepEqual([plain.action, failing.action], ['accept', 'add-header']);
  assert.equal(failing.threshold, 3);
});
