/**
 * Aim: `prove.ts` can take out each feature of IMAP and POP3 that docs/rfc.tsv names.
 * Method: what is to be taken out still stands in the source, once; a short form of the proof itself runs one row.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { readRfcTable } from '../tidy/rules.ts';
import { mutations } from './features.ts';
import { isOf, mutated } from './mutation.ts';

const rows = readRfcTable(readFileSync('docs/rfc.tsv', 'utf8'));
/** Rows of sessions that read mail, by their tests. */
const ofMailboxes = rows.filter(({ state, test }) => {
  return state !== 'no' && /^test\/(?:sessions|unit\/edge\/protocols)\/(?:imap|pop3)\//.test(test);
});

describe('features that can be taken out', () => {
  it('are all those of IMAP and POP3', () => {
    assert.ok(ofMailboxes.length > 50);
    const missing = ofMailboxes.filter((row) => !mutations.some((one) => isOf(one, row)));
    assert.deepEqual(missing, []);
  });

  for (const mutation of mutations) {
    const { rfc, section, file } = mutation;
    it(`RFC ${rfc} ${section} stands in ${file} once, and has one row`, () => {
      assert.notEqual(mutated(readFileSync(file, 'utf8'), mutation), undefined);
      assert.equal(rows.filter((row) => isOf(mutation, row)).length, 1);
    });
  }

  it('a test is found to fail without its feature', () => {
    const args = ['test/mutations/prove.ts', '--rfc', '5092'];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.match(stdout, /RFC 5092 §5\t.*\tfails without/);
    assert.equal(status, 0);
  });
});
