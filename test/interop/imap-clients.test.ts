/**
 * Aim: mail programs we did not write read mailboxes: Python's imaplib and curl.
 * Method: the real server in this process, the programs beside it; what is missing is skipped and said.
 */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { address, ImapPlace, needs, password } from './imap-place.ts';

/** What both programs below begin with: a session, logged in, and `ok`. */
const loggedIn = `
import imaplib, ssl, sys, time
host, port, user, word = '127.0.0.1', int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
def ok(answer):
    assert answer[0] == 'OK', answer
    return answer[1]
def session():
    m = imaplib.IMAP4(host, port)
    m.starttls(context)
    return m
m = session()
`;

const worksThrough = String.raw`
try:
    m.login(user, 'wrong')
    assert False, 'a wrong password'
except imaplib.IMAP4.error as error:
    assert 'AUTHENTICATIONFAILED' in str(error), error
ok(m.authenticate('PLAIN', lambda _: b'\0' + user.encode() + b'\0' + word.encode()))
ok(m.noop())
names = ok(m.list())
assert any(b'INBOX' in name for name in names), names
assert b'"/"' in ok(m.namespace())[0]
ok(m.create('Work'))
ok(m.subscribe('Work'))
assert any(b'Work' in name for name in ok(m.lsub())), 'lsub'
message = b'From: a@example.test\r\nTo: b@example.test\r\nSubject: Hello\r\n\r\nSome text.\r\n'
for n in range(3):
    ok(m.append('Work', '(\\Seen)' if n == 0 else None, imaplib.Time2Internaldate(time.time() - 60 * n), message))
assert ok(m.select('Work')) == [b'3']
assert ok(m.search(None, 'UNSEEN')) == [b'2 3']
assert ok(m.search('UTF-8', 'SUBJECT', 'hello')) == [b'1 2 3']
assert ok(m.uid('SEARCH', None, 'BODY', 'text')) == [b'1 2 3']
assert ok(m.sort('(ARRIVAL)', 'UTF-8', 'ALL')) == [b'3 2 1']
assert ok(m.thread('ORDEREDSUBJECT', 'UTF-8', 'ALL'))[0].count(b'3') == 1
data = ok(m.fetch('1', '(RFC822)'))
assert data[0][1] == message, data
data = ok(m.uid('FETCH', '2', '(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])'))
assert data[0][1] == b'Subject: Hello\r\n\r\n', data
ok(m.fetch('1:*', '(ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)'))
flags = ok(m.store('2', '+FLAGS', '(\\Deleted)'))
assert b'Deleted' in flags[0], flags
ok(m.copy('1', 'INBOX'))
assert ok(m.expunge()) == [b'2']
assert ok(m.status('INBOX', '(MESSAGES UIDNEXT)'))[0].endswith(b'(MESSAGES 1 UIDNEXT 2)')
ok(m.uid('MOVE', '3', 'Trash'))
ok(m.rename('Work', 'Play'))
ok(m.append('Play', '(\\Draft $Own)', None, message.replace(b'Hello', b'Kept')))
ok(m.myrights('Play'))
ok(m.setacl('Play', 'anyone', 'lr'))
assert b'anyone' in ok(m.getacl('Play'))[0]
assert ok(m.getquotaroot('INBOX'))
ok(m.close())
ok(m.create('Gone'))
ok(m.delete('Gone'))
assert not any(b'Gone' in name for name in ok(m.list())), 'deleted'
assert m.logout()[0] == 'BYE'
print('done')
`;

it('Python’s imaplib works through mailboxes', needs('python3'), async () => {
  await using place = await ImapPlace.open();
  const args = [String(place.test.ports.imap), address, password];
  const { stdout } = await place.run('python3', ['-c', loggedIn + worksThrough, ...args]);
  assert.equal(stdout, 'done\n');
  assert.deepEqual(await place.mail(), {
    INBOX: ['Hello \\Seen'],
    Play: ['Hello \\Seen', 'Kept $Own \\Draft'],
    Trash: ['Hello'],
  });
});

/** Two sessions: what one does, the other hears of in IDLE, and finds by what changed since. */
const keepsInStep = String.raw`
ok(m.login(user, word))
other = session()
ok(other.login(user, word))
ok(m.enable('CONDSTORE'))
assert ok(m.select('INBOX')) == [b'2']
since = m.response('HIGHESTMODSEQ')[1][0].decode()
def idle_until(wanted):
    tag = m._new_tag()
    m.send(tag + b' IDLE\r\n')
    assert m.readline().startswith(b'+ ')
    yield
    while True:
        line = m.readline()
        assert line.startswith(b'* '), line
        if wanted in line:
            break
    m.send(b'DONE\r\n')
    while not m.readline().startswith(tag + b' OK'):
        pass
def hears(wanted, act):
    idling = idle_until(wanted)
    next(idling)
    act()
    for _ in idling:
        pass
message = b'Subject: three\r\n\r\nText.\r\n'
hears(b'3 EXISTS', lambda: ok(other.append('INBOX', None, None, message)))
ok(other.select('INBOX'))
hears(b'\\Flagged', lambda: ok(other.store('1', '+FLAGS', '\\Flagged')))
def takes_out():
    ok(other.store('2', '+FLAGS.SILENT', '\\Deleted'))
    ok(other.uid('EXPUNGE', '2'))
hears(b'2 EXPUNGE', takes_out)
found = ok(m.uid('FETCH', '1:*', '(FLAGS) (CHANGEDSINCE ' + since + ')'))
assert len(found) == 2 and b'UID 1 ' in found[0] and b'UID 3 ' in found[1], found
assert b'\\Flagged' in found[0], found
assert ok(m.search(None, 'ALL')) == [b'1 2']
other.logout()
m.logout()
print('done')
`;

it('Python’s imaplib keeps in step with another session', needs('python3'), async () => {
  await using place = await ImapPlace.open();
  for (const subject of ['one', 'two']) await place.append('INBOX', subject);
  const args = [String(place.test.ports.imap), address, password];
  const { stdout } = await place.run('python3', ['-c', loggedIn + keepsInStep, ...args]);
  assert.equal(stdout, 'done\n');
  assert.deepEqual(await place.mail(), { INBOX: ['one \\Flagged', 'three'] });
});

it('curl appends, lists, searches and fetches over TLS', needs('curl'), async () => {
  await using place = await ImapPlace.open();
  const base = `imaps://127.0.0.1:${place.test.ports.imaps}`;
  const login = ['-sSk', '--max-time', '20', '-u', `${address}:${password}`];
  const curl = (path: string, ...more: readonly string[]) =>
    place.run('curl', [...login, base + path, ...more]);
  const message = 'Subject: From curl\r\n\r\nText.\r\n';
  writeFileSync(place.path('message'), message);
  await curl('/Drafts', '-T', place.path('message'));
  assert.match((await curl('/')).stdout, /\) "\/" INBOX/);
  assert.equal((await curl('/Drafts?SUBJECT%20curl')).stdout, '* SEARCH 1\r\n');
  assert.equal((await curl('/Drafts;UID=1')).stdout, message);
  await curl('/Drafts', '-X', 'STORE 1 +FLAGS (\\Flagged)');
  assert.deepEqual(await place.mail(), { Drafts: ['From curl \\Flagged \\Seen'] });
});
