/**
 * Aim: the ledger that judges crash runs and simulations finds each fault there is, and none where there is none.
 * Method: a small mailbox is found again as it should be, and then with one thing wrong at a time.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Copy, type FoundMailbox, MailLedger } from '../support/mail-ledger.ts';
import { messageOf, readText } from '../support/mail-text.ts';
import {
  flagsCopied,
  flagsGiven,
  flagsStored,
  ledgerName,
  merged,
  wireName,
} from '../support/mail-views.ts';

const inbox: FoundMailbox = {
  ...{ name: 'INBOX', uidValidity: 7, uidNext: 3, modseq: 5 },
  messages: [
    { uid: 1, text: 'w0-1-30', flags: '\\Seen' },
    { uid: 2, text: 'w0-2-30', flags: '' },
  ],
};
const archive: FoundMailbox = {
  ...{ name: 'Archive', uidValidity: 8, uidNext: 1, modseq: 0, messages: [] },
};

function begun() {
  const ledger = new MailLedger();
  ledger.adopt([inbox, archive]);
  const box = ledger.boxes.get('INBOX')!;
  const target = ledger.boxes.get('Archive')!;
  const copies = [...box.copies.values()] as [Copy, Copy];
  return { ledger, box, target, copies };
}

/** Found with something else about it. */
const inboxWith = (more: Partial<FoundMailbox>): FoundMailbox[] => [{ ...inbox, ...more }, archive];
const [first, second] = inbox.messages as [(typeof inbox.messages)[0], (typeof inbox.messages)[0]];

describe('a ledger of mail', () => {
  it('finds nothing wrong with what was left alone', () => {
    const { ledger } = begun();
    assert.deepEqual(ledger.check([inbox, archive]), []);
    assert.deepEqual(ledger.check([inbox, archive]), []);
  });

  for (const [what, found, fault] of [
    ['a lost message', inboxWith({ messages: [first] }), /w0-2-30 is missing/],
    [
      'a doubled one',
      inboxWith({ uidNext: 4, messages: [first, second, { ...first, uid: 3 }] }),
      /nobody put it there/,
    ],
    ['lost flags', inboxWith({ messages: [{ ...first, flags: '' }, second] }), /had "\\Seen"/],
    ['another text', inboxWith({ messages: [{ ...first, text: 'x' }, second] }), /was w0-1-30/],
    ['another UIDVALIDITY', inboxWith({ uidValidity: 9 }), /UIDVALIDITY/],
    ['a lower UIDNEXT', inboxWith({ uidNext: 2 }), /UIDNEXT/],
    ['a UID twice', inboxWith({ messages: [first, second, second] }), /UID 2 twice/],
    ['a mailbox that is gone', [inbox], /Archive is missing/],
    [
      'a mailbox nobody made',
      [inbox, archive, { ...archive, name: 'Other' }],
      /Other is there, and nobody made it/,
    ],
  ] as const) {
    it(`finds ${what}`, () => {
      assert.match(begun().ledger.check(found).join('\n'), fault);
    });
  }

  it('lets a mailbox be deleted whose MOVE was refused, and finds what a MOVE alone lost', () => {
    for (const isDeleted of [true, false]) {
      const { ledger, box, target, copies } = begun();
      ledger.begin({ kind: 'move', copies: [copies[1]], flags: [''], target });
      if (isDeleted) ledger.begin({ kind: 'delete', box });
      const faults = ledger.check(inboxWith({ messages: [first] }));
      assert.deepEqual(faults, isDeleted ? [] : ['w0-2-30 was lost while it moved']);
    }
  });

  it('finds a modseq that goes back', () => {
    const { ledger } = begun();
    ledger.check([inbox, archive]);
    assert.match(ledger.check(inboxWith({ modseq: 4 })).join(), /modseq/);
  });

  it('finds a message that was expunged and is back', () => {
    const { ledger, copies } = begun();
    ledger.done(ledger.begin({ kind: 'expunge', copies: [copies[0]] }));
    assert.match(ledger.check([inbox, archive]).join(), /UID 1 of INBOX is back/);
  });

  it('finds a UID that is given out again', () => {
    const { ledger, box } = begun();
    const append = { kind: 'append', box, text: 'w0-3-30', flags: '' } as const;
    assert.match(ledger.done(ledger.begin(append), [2], 7).join(), /given out again/);
    assert.match(ledger.done(ledger.begin(append), [3], 8).join(), /UIDVALIDITY/);
    assert.match(ledger.done(ledger.begin(append), [], 7).join(), /1 messages came/);
  });

  it('lets what was not answered be done or not', () => {
    for (const isDone of [true, false]) {
      const { ledger, box, copies } = begun();
      ledger.begin({ kind: 'append', box, text: 'w0-3-30', flags: '\\Draft' });
      ledger.begin({ kind: 'store', copies: [copies[0]], flags: ['\\Flagged'] });
      ledger.begin({ kind: 'expunge', copies: [copies[1]] });
      const done = [
        { ...first, flags: '\\Flagged' },
        { uid: 3, text: 'w0-3-30', flags: '\\Draft' },
      ];
      const found = isDone ? inboxWith({ uidNext: 4, messages: done }) : [inbox, archive];
      assert.deepEqual(ledger.check(found), []);
      // From then on it is so.
      assert.deepEqual(ledger.check(found), []);
      assert.notDeepEqual(
        ledger.check(isDone ? [inbox, archive] : inboxWith({ messages: done })),
        [],
      );
    }
  });

  it('wants a move that was not answered in one place', () => {
    const there = { ...archive, uidNext: 2, messages: [{ ...second, uid: 1 }] };
    const without = { ...inbox, messages: [first] };
    const moved = (found: readonly FoundMailbox[]) => {
      const { ledger, target, copies } = begun();
      ledger.begin({ kind: 'move', copies: [copies[1]], flags: [''], target });
      return ledger.check(found).join();
    };
    assert.equal(moved([inbox, archive]), '');
    assert.equal(moved([without, there]), '');
    assert.match(moved([without, archive]), /lost while it moved/);
    assert.match(moved([inbox, there]), /stayed as well/);
  });

  it('lets a move between accounts stay in both places, and wants it there once when it is moved again', () => {
    const there = { ...archive, uidNext: 2, messages: [{ ...second, uid: 1 }] };
    const without = { ...inbox, messages: [first] };
    const half = () => {
      const { ledger, target, copies } = begun();
      const move = {
        kind: 'move',
        copies: [copies[1]],
        flags: [''],
        target,
        isBetween: true,
      } as const;
      ledger.begin(move);
      assert.deepEqual(ledger.check([inbox, there]), []);
      assert.deepEqual(ledger.halfMoved, [{ copy: copies[1], target, uid: 1 }]);
      ledger.halfMoved.pop();
      return { ledger, again: ledger.begin({ ...move, known: [1] }) };
    };
    const answered = half();
    assert.deepEqual(answered.ledger.done(answered.again, [1], 8), []);
    assert.deepEqual(answered.ledger.check([without, there]), []);
    const doubled = half();
    assert.match(doubled.ledger.done(doubled.again, [2], 8).join(), /is UID 2, and was there as 1/);
    const cut = half();
    assert.deepEqual(cut.ledger.check([inbox, there]), []);
    assert.equal(cut.ledger.halfMoved.length, 1);
    const twice = { ...there, uidNext: 3, messages: [1, 2].map((uid) => ({ ...second, uid })) };
    assert.match(half().ledger.check([without, twice]).join(), /nobody put it there/);
    assert.match(half().ledger.check([without, archive]).join(), /w0-2-30 is missing/);
  });

  it('wants a copy whole or not at all', () => {
    const { ledger, target, copies } = begun();
    ledger.begin({ kind: 'copy', copies, flags: ['\\Seen', ''], target });
    const half = { ...archive, uidNext: 2, messages: [{ ...first, uid: 1 }] };
    assert.match(ledger.check([inbox, half]).join(), /half done/);
  });

  it('knows mailboxes by what was done to them', () => {
    const { ledger, target } = begun();
    ledger.done(ledger.begin({ kind: 'rename', from: 'Archive', to: 'Old' }));
    assert.equal(target.name, 'Old');
    ledger.begin({ kind: 'rename', from: 'Old', to: 'Older' });
    assert.deepEqual(ledger.check([inbox, { ...archive, name: 'Older' }]), []);
    ledger.done(ledger.begin({ kind: 'delete', box: target }));
    assert.match(ledger.check([inbox, { ...archive, name: 'Older' }]).join(), /nobody made it/);
    const again = ledger.begin({ kind: 'create', name: 'Older' });
    assert.match(ledger.done(again, [], 8).join(), /old UIDVALIDITY 8/);
  });
});

describe('mailboxes that accounts share', () => {
  const [ann, bob] = ['ann@x.test', 'bob@x.test'];
  const plans = `${ann}/Plans`;

  it('have one name in a ledger, and each viewer’s on the wire', () => {
    assert.equal(wireName(ann, plans), 'Plans');
    assert.equal(wireName(bob, plans), `Other Users/${plans}`);
    for (const viewer of [ann, bob]) {
      assert.equal(ledgerName(viewer, wireName(viewer, plans)), plans);
    }
  });

  it('keep \\Seen apart, whoever stores, appends and copies', () => {
    assert.equal(flagsGiven(bob, plans, ['\\Seen', '$Work']), `$Work seen:${bob}`);
    assert.equal(flagsStored(bob, plans, '\\Seen', '+', '\\Seen'), `\\Seen seen:${bob}`);
    const both = `\\Flagged \\Seen seen:${bob}`;
    assert.equal(flagsStored(bob, plans, both, '', '\\Draft'), '\\Draft \\Seen');
    assert.equal(flagsStored(ann, plans, both, '-', '\\Seen'), `\\Flagged seen:${bob}`);
    assert.equal(flagsCopied(ann, plans, `${ann}/INBOX`, both), '\\Flagged \\Seen');
    assert.equal(flagsCopied(bob, plans, plans, both), both);
    assert.equal(flagsCopied(bob, plans, `${bob}/INBOX`, `seen:${bob}`), '\\Seen');
    assert.equal(flagsCopied(ann, `${ann}/INBOX`, `${bob}/Plans`, '\\Seen'), `seen:${ann}`);
    assert.equal(flagsCopied(bob, plans, `${bob}/INBOX`, '\\Seen'), '');
  });

  it('are looked at by all who may, and must be the same but for \\Seen', () => {
    const own = { viewer: ann, found: [{ ...inbox, name: 'Plans' }] };
    const seen = inbox.messages.map((message) => ({ ...message, flags: '\\Seen' }));
    const look = (found: Partial<FoundMailbox>) =>
      merged([own, { viewer: bob, found: [{ ...inbox, name: `Other Users/${plans}`, ...found }] }]);
    const { found, faults } = look({ messages: seen });
    assert.deepEqual(faults, []);
    const flags = found.flatMap(({ messages }) => messages.map((message) => message.flags));
    assert.deepEqual(flags, [`\\Seen seen:${bob}`, `seen:${bob}`]);
    for (const wrong of [
      { messages: [first] },
      { uidNext: 4 },
      { uidValidity: 8 },
      { modseq: 4 },
    ]) {
      assert.notDeepEqual(look(wrong).faults, []);
    }
    const flagged = seen.map((message) => ({ ...message, flags: '\\Flagged' }));
    assert.notDeepEqual(look({ messages: flagged }).faults, []);
  });
});

describe('a message that says what it is', () => {
  it('is read with trace fields before it, and not when an octet is wrong', () => {
    const octets = messageOf('w1-2-500').toString('latin1');
    assert.equal(readText(`Return-Path: <>\r\n${octets}`), 'w1-2-500');
    assert.match(readText(octets.replace(/w1-2-500\r\n$/, 'w1-2-501\r\n')), /damaged/);
    assert.match(readText('Subject: Hello\r\n\r\n'), /something else/);
  });
});
