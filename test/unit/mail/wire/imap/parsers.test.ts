/**
 * The parsers of commands: what they answer, and what they refuse with which words.
 *
 * RFC 9051 §6 and §9; RFC 3501; RFC 7162, RFC 5258, RFC 5256, RFC 4731, RFC 9394, RFC 8970, RFC 3516.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Cursor } from '../../../../../src/mail/wire/imap/cursor.ts';
import { nameFault } from '../../../../../src/mail/wire/imap/mailbox-name.ts';
import { parseCommandStart, tagOf } from '../../../../../src/mail/wire/imap/parse-command.ts';
import { parseFetch, parseUidFetch } from '../../../../../src/mail/wire/imap/parse-fetch.ts';
import { parseListCommand, parseLsub } from '../../../../../src/mail/wire/imap/parse-list.ts';
import {
  parseCopy,
  parseCreate,
  parseMailboxArgument,
  parseRename,
} from '../../../../../src/mail/wire/imap/parse-mailbox.ts';
import { parseSelect } from '../../../../../src/mail/wire/imap/parse-select.ts';
import {
  parseAuthenticate,
  parseEnable,
  parseId,
  parseLogin,
  parseNothing,
} from '../../../../../src/mail/wire/imap/parse-session.ts';
import { parseSort, parseThread } from '../../../../../src/mail/wire/imap/parse-sort.ts';
import { parseStatus } from '../../../../../src/mail/wire/imap/parse-status.ts';
import { parseStore } from '../../../../../src/mail/wire/imap/parse-store.ts';

type Parser<T> = (cursor: Cursor) => T | undefined;

function open(text: string, isUtf8 = false): Cursor {
  const bytes = Buffer.from(text, 'utf8');
  const cursor = new Cursor();
  cursor.isUtf8 = isUtf8;
  return cursor.open(bytes, 0, bytes.length);
}

function read<T>(parse: Parser<T>, text: string, isUtf8 = false): T {
  const cursor = open(text, isUtf8);
  const value = parse(cursor);
  assert.ok(value !== undefined, `${text}: ${cursor.fault} at ${cursor.faultAt}`);
  assert.equal(cursor.fault, '');
  assert.ok(cursor.isAtEnd());
  return value;
}

/** Each text is refused, with words and a place. */
function refuses<T>(parse: Parser<T>, texts: readonly string[], kind = 'syntax'): void {
  for (const text of texts) {
    const cursor = open(text);
    assert.equal(parse(cursor), undefined, `${JSON.stringify(text)} was taken`);
    assert.match(cursor.fault, /^[A-Z][\x20-\x7e]+$/);
    assert.ok(cursor.faultAt >= 0 && cursor.faultAt <= cursor.end);
    assert.equal(cursor.faultKind, kind, `${text}: ${cursor.fault}`);
  }
}

describe('the start of a command', () => {
  test('tag and name are told, in any case, UID with what follows it', () => {
    assert.deepEqual(parseCommandStart(open('a.1] noop')), { tag: 'a.1]', name: 'NOOP' });
    assert.deepEqual(parseCommandStart(open('7 uid fetch 1')), { tag: '7', name: 'UID FETCH' });
  });

  test('what has no tag or no name is refused', () => {
    refuses(parseCommandStart, [
      '',
      ' ',
      'a',
      'a ',
      'a+ NOOP',
      '* NOOP',
      'a  NOOP',
      'a UID',
      'a UID ',
    ]);
    refuses(parseCommandStart, [`${'a'.repeat(200)} NOOP`, `a ${'A'.repeat(40)}`]);
  });

  test('a command that cannot be read is answered under its tag, or *', () => {
    const tag = (text: string) => tagOf(Buffer.from(text), 0, text.length);
    assert.equal(tag('a1 (x'), 'a1');
    assert.equal(tag('a1'), 'a1');
    assert.equal(tag(' NOOP'), '*');
    assert.equal(tag('a+ NOOP'), '*');
  });
});

describe('the session', () => {
  test('NOOP takes nothing but spaces', () => {
    read(parseNothing, '');
    read(parseNothing, ' ');
    refuses(parseNothing, [' x', 'x']);
  });

  test('LOGIN takes atoms, quoted strings and literals', () => {
    const expected = { user: 'ann', password: 'p"\\w' };
    assert.deepEqual(read(parseLogin, ' ann "p\\"\\\\w"'), expected);
    assert.deepEqual(read(parseLogin, ' {3}\r\nann {4+}\r\np"\\w'), expected);
    assert.deepEqual(read(parseLogin, ' "ünn" ""'), { user: 'ünn', password: '' });
    assert.deepEqual(read(parseLogin, ' ~a ]b'), { user: '~a', password: ']b' });
    refuses(parseLogin, [
      '',
      ' a',
      ' a ',
      ' a  b',
      ' a b c',
      ' "a" "b',
      ' "a\\n" b',
      ' a "b\r\nc"',
      ' a {5}\r\nabc',
      ' a {1}\r\n\0',
    ]);
  });

  test('a string that is not UTF-8 is refused', () => {
    const bytes = Buffer.from(' "\xe9" b', 'latin1');
    const cursor = new Cursor().open(bytes, 0, bytes.length);
    assert.equal(parseLogin(cursor), undefined);
    assert.equal(cursor.fault, 'A string is not UTF-8');
  });

  test('AUTHENTICATE with and without an initial response', () => {
    assert.deepEqual(read(parseAuthenticate, ' plain'), { mechanism: 'PLAIN', initial: undefined });
    assert.equal(read(parseAuthenticate, ' PLAIN =').initial?.length, 0);
    assert.equal(read(parseAuthenticate, ' PLAIN AGEAYg==').initial?.toString(), '\0a\0b');
    refuses(parseAuthenticate, ['', ' PLAIN AGEAYg=', ' PLAIN %', ' PLAIN AA== x', ' PLAIN ===']);
  });

  test('ENABLE and ID', () => {
    assert.deepEqual(read(parseEnable, ' condstore utf8=accept'), ['CONDSTORE', 'UTF8=ACCEPT']);
    refuses(parseEnable, ['', ' ', ' (x)']);
    assert.deepEqual(
      [...read(parseId, ' ("Name" "x" "os" NIL)')],
      [
        ['name', 'x'],
        ['os', null],
      ],
    );
    assert.equal(read(parseId, ' NIL').size, 0);
    assert.equal(read(parseId, ' ()').size, 0);
    refuses(parseId, ['', ' x', ' ("a")', ' ("a" "b"', ' (a "b")']);
    refuses(parseId, [` ("${'a'.repeat(31)}" "b")`, ` ("a" "${'b'.repeat(1_025)}")`], 'limit');
  });
});

describe('mailboxes', () => {
  test('a name is modified UTF-7 until UTF-8 is enabled', () => {
    assert.equal(read(parseMailboxArgument, ' inbox'), 'INBOX');
    assert.equal(read(parseMailboxArgument, ' "Entw&APw-rfe"'), 'Entwürfe');
    assert.equal(read(parseMailboxArgument, ' "Entw&APw-rfe"', true), 'Entw&APw-rfe');
    assert.equal(read(parseMailboxArgument, ' "Entwürfe"', true), 'Entwürfe');
    refuses(parseMailboxArgument, [' "Entwürfe"', ' "a&"', ' ""', ' a//b', ' /'], 'name');
  });

  test('CREATE, with a separator at its end or a use', () => {
    assert.deepEqual(read(parseCreate, ' a/b/'), { mailbox: 'a/b', specialUses: [] });
    assert.deepEqual(read(parseCreate, ' a (USE (\\sent \\Junk))').specialUses, [
      '\\Sent',
      '\\Junk',
    ]);
    assert.deepEqual(read(parseCreate, ' a (USE (\\Odd))').specialUses, ['\\odd']);
    refuses(parseCreate, ['', ' a (', ' a (USE)', ' a (FOO (\\Sent))', ' a (USE (Sent))', ' a b']);
    refuses(parseCreate, [' /', ' a//'], 'name');
  });

  test('RENAME and COPY', () => {
    assert.deepEqual(read(parseRename, ' inbox {3}\r\nold'), { from: 'INBOX', to: 'old' });
    assert.deepEqual(read(parseCopy, ' $ x'), { set: { ranges: [], isSaved: true }, mailbox: 'x' });
    refuses(parseCopy, [' x', ' 1', ' 1 ', ' 1 a b', ' 0 a']);
  });

  test('SELECT with its parameters', () => {
    assert.deepEqual(read(parseSelect, ' x'), {
      mailbox: 'x',
      isCondstore: false,
      qresync: undefined,
    });
    const full = read(
      parseSelect,
      ' x (CONDSTORE QRESYNC (67890007 20050715194045000 41,43:211 (1,3 41,45)))',
    );
    assert.ok(full.isCondstore);
    assert.equal(full.qresync?.modseq, Number.MAX_SAFE_INTEGER);
    assert.deepEqual(full.qresync?.knownUids?.ranges, [41, 41, 43, 211]);
    assert.deepEqual(full.qresync?.matchUids?.ranges, [41, 41, 45, 45]);
    const bare = read(parseSelect, ' x (QRESYNC (1 2 (1 1)))');
    assert.equal(bare.qresync?.knownUids, undefined);
    assert.deepEqual(bare.qresync?.matchNumbers?.ranges, [1, 1]);
    refuses(parseSelect, [
      '',
      ' x (',
      ' x ()',
      ' x (FOO)',
      ' x (QRESYNC (0 1))',
      ' x (QRESYNC (1 1 1:*))',
      ' x (QRESYNC (1))',
      ' x (QRESYNC (1 1) QRESYNC (1 1))',
    ]);
  });

  test('STATUS asks for each item once', () => {
    assert.deepEqual(read(parseStatus, ' a (messages UIDNEXT messages)').items, [
      'MESSAGES',
      'UIDNEXT',
    ]);
    refuses(parseStatus, [' a', ' a ()', ' a MESSAGES', ' a (FOO)', ' a (MESSAGES) x']);
  });
});

describe('LIST', () => {
  test('in its old form', () => {
    const list = read(parseListCommand, ' "" *');
    assert.deepEqual(list.patterns, ['*']);
    assert.ok(list.isBasic);
    assert.deepEqual(read(parseListCommand, ' "" ""').patterns, ['']);
    assert.deepEqual(read(parseLsub, ' ~a/ %').reference, '~a/');
  });

  test('RFC 5258: with options', () => {
    const list = read(
      parseListCommand,
      ' (SUBSCRIBED RECURSIVEMATCH) "" (a% "b*") RETURN (CHILDREN STATUS (MESSAGES) SPECIAL-USE SUBSCRIBED)',
    );
    assert.deepEqual(list.patterns, ['a%', 'b*']);
    assert.ok(list.select.subscribed && list.select.recursiveMatch && !list.isBasic);
    assert.ok(list.returns.children && list.returns.specialUse && list.returns.subscribed);
    assert.deepEqual(list.returns.status, ['MESSAGES']);
    assert.ok(!read(parseListCommand, ' () "" *').isBasic);
    assert.ok(!read(parseListCommand, ' "" * RETURN ()').isBasic);
  });

  test('what is no LIST', () => {
    refuses(parseListCommand, [
      '',
      ' ""',
      ' "" ',
      ' (FOO) "" *',
      ' (RECURSIVEMATCH) "" *',
      ' (REMOTE RECURSIVEMATCH) "" *',
      ' "" ()',
      ' "" * RETURN',
      ' "" * RETURN (FOO)',
      ' "" * RETURN (STATUS)',
      ' "" * x',
    ]);
  });

  test('a pattern that is no modified UTF-7 becomes one that no name matches', () => {
    assert.deepEqual(read(parseListCommand, ' "" (& a%)').patterns, ['\uffff', 'a%']);
    assert.notEqual(nameFault('\uffff'), undefined);
  });
});

describe('FETCH', () => {
  const labels = (text: string) => read(parseFetch, text).items.map(({ label }) => label);

  test('macros, single items and lists', () => {
    assert.deepEqual(labels(' 1 fast'), ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE']);
    assert.deepEqual(labels(' 1 UID'), ['UID']);
    assert.deepEqual(labels(' 1 (BODY BODYSTRUCTURE rfc822.text)'), [
      'BODY',
      'BODYSTRUCTURE',
      'RFC822.TEXT',
    ]);
    refuses(parseFetch, [
      '',
      ' 1',
      ' 1 ',
      ' 1 ()',
      ' 1 (ALL)',
      ' 1 FOO',
      ' 1 (UID',
      ' 1 (UID  UID)',
      ' 1 UID UID',
    ]);
  });

  test('sections are told with their label', () => {
    const [item] = read(
      parseFetch,
      ' 1 BODY[1.2.header.fields.not (To "x y" {2}\r\nab)]<10.20>',
    ).items;
    assert.equal(item?.label, 'BODY[1.2.HEADER.FIELDS.NOT (TO "X Y" AB)]<10>');
    assert.deepEqual(item?.section, {
      part: '1.2',
      text: 'HEADER.FIELDS.NOT',
      fields: ['TO', 'X Y', 'AB'],
    });
    assert.deepEqual([item?.offset, item?.length, item?.marksSeen], [10, 20, true]);
    assert.deepEqual(labels(' 1 (BODY.PEEK[] BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[TEXT])'), [
      'BODY[]',
      'BODY[1]',
      'BODY[1.MIME]',
      'BODY[TEXT]',
    ]);
    assert.ok(!read(parseFetch, ' 1 BODY.PEEK[]').items[0]?.marksSeen);
    refuses(parseFetch, [
      ' 1 BODY[MIME]',
      ' 1 BODY[0]',
      ' 1 BODY[1.]',
      ' 1 BODY[1',
      ' 1 BODY[01]',
      ' 1 BODY[FOO]',
      ' 1 BODY[1.2.FOO]',
      ' 1 BODY[HEADER.FIELDS]',
      ' 1 BODY[HEADER.FIELDS ()]',
      ' 1 BODY[]<1>',
      ' 1 BODY[]<1.0>',
      ' 1 BODY[]<1.2',
      ' 1 FLAGS[]',
      ` 1 BODY[${'1.'.repeat(70)}1]`,
    ]);
  });

  test('RFC 3516, RFC 8970: BINARY and PREVIEW', () => {
    assert.deepEqual(labels(' 1 (BINARY.PEEK[1.2]<0.5> BINARY.SIZE[1] BINARY[])'), [
      'BINARY[1.2]<0>',
      'BINARY.SIZE[1]',
      'BINARY[]',
    ]);
    assert.ok(read(parseFetch, ' 1 (PREVIEW (LAZY) UID)').items[0]?.isLazy);
    assert.ok(!read(parseFetch, ' 1 PREVIEW').items[0]?.isLazy);
    refuses(parseFetch, [
      ' 1 BINARY[TEXT]',
      ' 1 BINARY.SIZE[1]<0.1>',
      ' 1 BINARY',
      ' 1 (PREVIEW (EAGER))',
    ]);
  });

  test('RFC 7162, RFC 9394: modifiers', () => {
    const fetch = read(parseUidFetch, ' 1:* (FLAGS) (CHANGEDSINCE 12 VANISHED PARTIAL -1:-5)');
    assert.deepEqual([fetch.changedSince, fetch.isVanished], [12, true]);
    assert.deepEqual(fetch.partial, { first: 1, last: 5, isFromEnd: true });
    assert.equal(read(parseFetch, ' 1 PREVIEW (CHANGEDSINCE 7)').changedSince, 7);
    assert.equal(read(parseFetch, ' 1 FLAGS').changedSince, -1);
    refuses(parseUidFetch, [
      ' 1 FLAGS (VANISHED)',
      ' 1 FLAGS (FOO)',
      ' 1 FLAGS (CHANGEDSINCE)',
      ' 1 FLAGS (PARTIAL 1:-1)',
    ]);
    refuses(parseFetch, [' 1 FLAGS (CHANGEDSINCE 1 VANISHED)']);
  });
});

describe('STORE', () => {
  test('flags in and without parentheses', () => {
    assert.deepEqual(read(parseStore, ' 1 flags.silent (\\seen \\Draft $A $a b)'), {
      set: { ranges: [1, 1], isSaved: false },
      unchangedSince: -1,
      op: 'replace',
      isSilent: true,
      flags: { system: 17, keywords: ['$A', 'b'] },
    });
    assert.equal(read(parseStore, ' 1 +FLAGS \\Deleted x').op, 'add');
    assert.equal(read(parseStore, ' 1 (UNCHANGEDSINCE 0) -FLAGS ()').unchangedSince, 0);
    refuses(parseStore, [
      '',
      ' 1',
      ' 1 FLAGS',
      ' 1 FLAGS ',
      ' 1 FLAGS (\\Recent)',
      ' 1 FLAGS (\\Foo)',
      ' 1 FLAGS (\\Seen',
      ' 1 FLAGS.FOO ()',
      ' 1 *FLAGS ()',
      ' 1 (UNCHANGEDSINCE) FLAGS ()',
      ' 1 (FOO 1) FLAGS ()',
      ' 1 FLAGS (a  b)',
      ' 1 FLAGS () x',
    ]);
    refuses(parseStore, [` 1 FLAGS (${'a'.repeat(129)})`], 'limit');
  });
});

describe('SORT and THREAD', () => {
  test('RFC 5256: keys, charset, search', () => {
    const sort = read(parseSort, ' RETURN (PARTIAL 1:50) (REVERSE date subject date) UTF-8 ALL');
    assert.deepEqual(sort.order, [
      { kind: 'DATE', isReverse: true },
      { kind: 'SUBJECT', isReverse: false },
    ]);
    assert.equal(sort.returns?.partial?.last, 50);
    assert.equal(read(parseThread, ' references us-ascii UNSEEN').algorithm, 'REFERENCES');
    refuses(parseSort, [
      ' () UTF-8 ALL',
      ' (FOO) UTF-8 ALL',
      ' (REVERSE REVERSE DATE) UTF-8 ALL',
      ' (DATE UTF-8 ALL',
      ' (REVERSE) UTF-8 ALL',
      ' (DATE) UTF-8',
    ]);
    refuses(parseSort, [' (DATE) KOI8-R ALL'], 'charset');
    refuses(parseThread, ['', ' FOO UTF-8 ALL', ' REFERENCES UTF-8']);
  });
});
