/**
 * Aim: what imaptest says is read right, and a witness of its mailboxes finds each fault there is.
 * Method: its own words, and a mailbox found again with one thing wrong at a time.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FoundMailbox } from '../support/mail-ledger.ts';
import { MailWitness } from '../support/mail-witness.ts';
import { countCommands, stressFaults } from './imaptest-stress.ts';

const box: FoundMailbox = {
  ...{ name: 'Stress', uidValidity: 7, uidNext: 4, modseq: 5 },
  messages: [
    { uid: 1, text: 'w9-1-30', flags: '' },
    { uid: 3, text: 'w9-2-30', flags: '' },
  ],
};
const [first, last] = box.messages as [(typeof box.messages)[0], (typeof box.messages)[0]];

describe('a witness of mailboxes', () => {
  it('lets messages come above UIDNEXT and go anywhere', () => {
    const witness = new MailWitness();
    assert.deepEqual(witness.look('user1', box), []);
    const added = { ...last, uid: 4 };
    const later = { ...box, uidNext: 5, modseq: 6, messages: [last, added] };
    assert.deepEqual(witness.look('user1', later), []);
    assert.deepEqual(witness.look('user2', { ...box, uidValidity: 9 }), []);
  });

  for (const [what, found, fault] of [
    ['another UIDVALIDITY', { uidValidity: 8 }, /UIDVALIDITY 7 and has 8/],
    ['a lower UIDNEXT', { uidNext: 3 }, /UIDNEXT 4 and has 3/],
    ['a lower modseq', { modseq: 4 }, /modseq 5 and has 4/],
    ['another message', { messages: [{ ...first, text: 'w9-7-30' }] }, /was w9-1-30 and is w9-7/],
    ['a UID that is back', { messages: [{ ...first, uid: 2 }] }, /UID 2 .* is back/],
    ['a UID twice', { messages: [first, first] }, /has a UID twice/],
    ['half a message', { messages: [{ ...first, text: 'w9-1-30, damaged' }] }, /not whole/],
  ] as const) {
    it(`finds ${what}`, () => {
      const witness = new MailWitness();
      witness.look('user1', box);
      assert.match(witness.look('user1', { ...box, ...found }).join('; '), fault);
    });
  }
});

describe('what imaptest says', () => {
  it('is no fault where a connection was lost by the kill', () => {
    const said = [
      'Error: Client disconnected: read(client 3) failed: Connection reset by peer',
      'Error: connect() failed: Connection refused',
      'Info: Received SIGINT - waiting for existing clients to finish',
    ];
    assert.deepEqual(stressFaults(said.join('\n')), []);
  });

  it('is a fault where it is of what the server said', () => {
    const said = 'Error: user1@local.test[3]: UID 5 changed Message-Id: <a> -> <b>: 3 FETCH\n';
    assert.match(stressFaults(said).join(), /^imaptest says: .* UID 5 changed/);
  });

  it('ends with how much it did', () => {
    const said =
      'Logi List \n   5    2 1/1\n\nTotals:\nLogi List \n100%  50% \n       5% \n  12   30 \n';
    assert.equal(countCommands(said), 42);
    assert.equal(countCommands('Logi List \n   5    2 1/1\n'), undefined);
  });
});
