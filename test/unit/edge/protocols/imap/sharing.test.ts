/**
 * Aim: two accounts share mailboxes: each hears of the other's changes, \Seen is each one's own, and copies between them
 *      lose nothing, whatever fails.
 * Method: sessions of two accounts on fake transports, the engine's handlers in memory; failures put in their place.
 *
 * RFC 4314; RFC 9051 §6.4.7-8.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imapAsks } from '../../../../../src/actors/asks/imap-asks.ts';
import { failure } from '../../../../../src/base/errors.ts';
import { placeOf } from '../../../../../src/edge/protocols/imap/places.ts';
import { ImapSession } from '../../../../../src/edge/protocols/imap/session.ts';
import { FakeTransport } from '../../../../support/fake-transport.ts';
import { FakeImap } from '../../../../support/imap-fakes.ts';
import { SeededClock, turns } from '../../../../support/seeded-clock.ts';

const plans = '"Other Users/bob@local.test/Plans"';

class Person {
  readonly transport = new FakeTransport();
  readonly session: ImapSession;

  constructor(fake: FakeImap) {
    const tls = { version: 'TLSv1.3', cipher: 'x' };
    this.session = new ImapSession(fake.service, this.transport, '192.0.2.1', tls);
    this.session.open();
  }

  async say(...lines: readonly string[]): Promise<string> {
    this.transport.text = '';
    this.session.receive(Buffer.from(lines.map((line) => `${line}\r\n`).join('')));
    await turns(60);
    return this.transport.text;
  }
}

async function world(rights: string) {
  const clock = new SeededClock();
  const fake = new FakeImap({}, clock);
  fake.hideRecent();
  await fake.shareAs(rights);
  const [alice, bob] = [new Person(fake), new Person(fake)];
  await alice.say('e1 LOGIN alice@local.test secret');
  await bob.say('e1 LOGIN bob@local.test secret');
  return { clock, fake, alice, bob };
}

/** How many messages a mailbox of a person has. */
async function count(person: Person, mailbox: string): Promise<number> {
  const heard = await person.say(`c1 STATUS ${mailbox} (MESSAGES)`);
  return Number(/MESSAGES (\d+)/.exec(heard)?.[1] ?? -1);
}

describe('a shared mailbox', () => {
  it('whose reader leaves in the middle of a long answer is asked of as before, and nothing fails', async () => {
    const { alice, bob } = await world('lr');
    const texts = ' {1+}\r\nx'.repeat(400);
    for (let i = 0; i < 3; i++) await bob.say(`b1 APPEND Plans${texts}`);
    await turns(200);
    assert.equal(await count(bob, 'Plans'), 1_202);
    await alice.say(`a1 SELECT ${plans}`);
    const faults: unknown[] = [];
    alice.session.failed = (error) => faults.push(error);
    const whole = await alice.say('a2 FETCH 1:* (UID ENVELOPE BODYSTRUCTURE)');
    assert.match(whole, /a2 OK/);
    alice.session.receive(Buffer.from('a3 FETCH 1:* (UID ENVELOPE BODYSTRUCTURE)\r\n'));
    alice.session.closed();
    await turns(60);
    assert.deepEqual(faults, []);
  });

  it('tells an idling reader what its owner does, and ends when the rights are taken away', async () => {
    const { clock, alice, bob } = await world('lrs');
    await alice.say(`a1 SELECT ${plans}`, 'a2 IDLE');
    alice.transport.text = '';
    await bob.say('b1 APPEND Plans {3+}', 'abc');
    clock.advance(60);
    await turns(20);
    assert.match(alice.transport.text, /\* 3 EXISTS/);
    await bob.say('b2 DELETEACL Plans alice@local.test');
    clock.advance(60);
    await turns(20);
    assert.match(alice.transport.text, /\* BYE/);
    assert.ok(alice.transport.isEnded);
  });

  it('keeps \\Seen apart: the reader’s and the owner’s', async () => {
    const { alice, bob } = await world('lrsw');
    const flagsOf = async (person: Person) => {
      const heard = await person.say('f1 FETCH 1:* FLAGS');
      return [...heard.matchAll(/\(FLAGS \((.*?)\)\)/g)].map(([, flags]) => flags);
    };
    await alice.say(`a1 SELECT ${plans}`);
    await bob.say('b1 SELECT Plans');
    assert.deepEqual(await flagsOf(alice), ['', '']);
    assert.deepEqual(await flagsOf(bob), ['\\Seen', '']);
    await alice.say('a2 STORE 1:2 FLAGS (\\Seen \\Flagged)');
    assert.deepEqual(await flagsOf(alice), ['\\Seen \\Flagged', '\\Seen \\Flagged']);
    await bob.say('b2 NOOP');
    assert.deepEqual(await flagsOf(bob), ['\\Seen \\Flagged', '\\Flagged']);
    await bob.say('b3 STORE 1:2 FLAGS ()');
    await alice.say('a3 NOOP');
    assert.deepEqual(await flagsOf(alice), ['\\Seen', '\\Seen']);
    assert.match(await bob.say('b4 STATUS Plans (UNSEEN)'), /UNSEEN 2/);
    assert.match(await alice.say(`a4 STATUS ${plans} (UNSEEN)`), /UNSEEN 0/);
  });

  it('tells a keyword that somebody gave it before the FETCH response that has it', async () => {
    const { alice, bob } = await world('lrsw');
    await alice.say(`a1 SELECT ${plans}`);
    await bob.say('b1 SELECT Plans', 'b2 STORE 1 +FLAGS.SILENT (Blue)');
    const heard = await alice.say('a2 FETCH 1 FLAGS');
    assert.match(heard, /^\* FLAGS \([^)]*Blue\)\r\n[\s\S]*\* 1 FETCH \(FLAGS \(Blue\)\)/);
    assert.doesNotMatch(await alice.say('a3 FETCH 1 FLAGS'), /\* FLAGS/);
  });

  it('another session of the reader hears of its \\Seen', async () => {
    const { clock, fake, alice } = await world('lrs');
    const second = new Person(fake);
    await second.say('e1 LOGIN alice@local.test secret', `e2 SELECT ${plans}`, 'e3 IDLE');
    second.transport.text = '';
    await alice.say(`a1 SELECT ${plans}`, 'a2 STORE 2 +FLAGS (\\Seen)');
    clock.advance(60);
    await turns(20);
    assert.match(second.transport.text, /\* 2 FETCH \(UID 2 FLAGS \(\\Seen\)\)/);
  });

  it('private annotations of its owner are not told to a reader', async () => {
    const { alice, bob } = await world('lrw');
    await bob.say('b1 SETMETADATA Plans (/private/comment "mine" /shared/comment "ours")');
    const heard = await alice.say(`a1 GETMETADATA ${plans} (/private/comment /shared/comment)`);
    assert.match(heard, /\/private\/comment NIL \/shared\/comment "ours"/);
  });
});

describe('a copy between accounts', () => {
  it('takes back what it copied when one message is refused', async () => {
    const { fake, alice, bob } = await world('lri');
    for (let i = 0; i < 3; i++) await fake.world.deliver();
    await fake.world.mailboxes.putAccount(2 as never, 0 as never, { bytes: 0, messages: 4 });
    const heard = await alice.say('a1 SELECT INBOX', `a2 MOVE 1:3 ${plans}`);
    assert.match(heard, /a2 NO \[/);
    assert.equal(await count(bob, 'Plans'), 2);
    assert.equal(await count(alice, 'INBOX'), 3);
    const quota = await alice.say(`a3 COPY 1:2 ${plans}`, `a4 COPY 1 ${plans}`);
    assert.match(quota, /a3 OK \[COPYUID \d+ 1:2 \d+:\d+\]/);
    assert.match(quota, /a4 NO \[OVERQUOTA\]/);
  });

  it('a MOVE whose originals could not be taken out leaves messages in both, never in none', async () => {
    const { fake, alice, bob } = await world('lri');
    await fake.world.deliver();
    await alice.say('a1 SELECT INBOX');
    fake.answers.set(imapAsks.takeOut, failure('deadline-passed'));
    assert.match(await alice.say(`a2 MOVE 1 ${plans}`), /a2 NO/);
    assert.equal(await count(bob, 'Plans'), 3);
    assert.equal(await count(alice, 'INBOX'), 1);
    // Said again, for want of an answer, it goes on with the copy that is there.
    fake.answers.clear();
    assert.match(await alice.say(`a3 MOVE 1 ${plans}`), /\[COPYUID \d+ 1 3\][\s\S]*a3 OK/);
    assert.equal(await count(bob, 'Plans'), 3);
    assert.equal(await count(alice, 'INBOX'), 0);
  });

  it('a MOVE that goes in windows ends with what is moved, and says what that is', async () => {
    const { fake, alice, bob } = await world('lri');
    for (let i = 0; i < 120; i++) await fake.world.deliver();
    await fake.world.mailboxes.putAccount(2 as never, 0 as never, { bytes: 0, messages: 110 });
    const heard = await alice.say('a1 SELECT INBOX', `a2 MOVE 1:* ${plans}`);
    assert.match(heard, /\* OK \[COPYUID \d+ 1:100 3:102\]/);
    assert.match(heard, /a2 NO \[OVERQUOTA\]/);
    assert.equal(await count(bob, 'Plans'), 102);
    assert.equal(await count(alice, 'INBOX'), 20);
  });

  it('a COPY whose client is gone is taken back: who asks again must not get it twice', async () => {
    const { fake, alice, bob } = await world('lri');
    await fake.world.deliver();
    await alice.say('a1 SELECT INBOX');
    alice.session.receive(Buffer.from(`a2 COPY 1 ${plans}\r\n`));
    const asked: string[] = [];
    const carry = fake.world.carry.bind(fake.world);
    fake.world.carry = (name, ...rest) => {
      asked.push(name);
      return carry(name, ...rest);
    };
    await turns(1);
    alice.session.closed();
    await turns(60);
    assert.ok(asked.includes(imapAsks.append) && asked.includes(imapAsks.takeBack), `${asked}`);
    assert.equal(await count(bob, 'Plans'), 2);
  });

  it('a MOVE that could not copy takes nothing out', async () => {
    const { fake, alice, bob } = await world('lri');
    await fake.world.deliver();
    await alice.say('a1 SELECT INBOX');
    fake.answers.set(imapAsks.append, failure('store-failed'));
    assert.match(await alice.say(`a2 MOVE 1 ${plans}`), /a2 NO/);
    fake.answers.clear();
    assert.equal(await count(bob, 'Plans'), 2);
    assert.equal(await count(alice, 'INBOX'), 1);
  });

  it('what was copied is there byte for byte, with its date', async () => {
    const { fake, alice } = await world('lri');
    await fake.world.deliver();
    const fetch = 'FETCH 1 (INTERNALDATE RFC822.SIZE BODY.PEEK[])';
    const before = await alice.say('a1 SELECT INBOX', `a2 ${fetch}`);
    await alice.say(`a3 COPY 1 ${plans}`, `a4 SELECT ${plans}`);
    const after = await alice.say('a5 FETCH 3 (INTERNALDATE RFC822.SIZE BODY.PEEK[])');
    const told = (text: string) => /FETCH \((INTERNALDATE [\s\S]*?\r\n\))/.exec(text)?.[1];
    assert.ok(told(before) !== undefined);
    assert.equal(told(after), told(before));
  });
});

describe('names of others’ mailboxes', () => {
  it('lead to an account of the same tenant, with separators in its local part too', async () => {
    const own = { id: 1, tenant: 0, address: 'alice@local.test' };
    const known = new Map([
      ['a/b@local.test', { id: 5, tenant: 0 }],
      ['eve@far.test', { id: 6, tenant: 7 }],
    ]);
    const accountByAddress = (address: string) => known.get(address);
    const service = { policy: { otherUsers: 'Other Users' }, accounts: { accountByAddress } };
    const session = { account: own, service } as never;
    const place = async (name: string) => {
      const found = await placeOf(session, name);
      return found === undefined ? undefined : [found.owner.id, found.path];
    };
    assert.deepEqual(await place('Aa'), [1, 'Aa']);
    assert.deepEqual(await place('Other UsersX/Aa'), [1, 'Other UsersX/Aa']);
    assert.deepEqual(await place('Other Users/a/b@local.test/inbox/Aa'), [5, 'INBOX/Aa']);
    const none = ['Other Users', 'Other Users/a', 'Other Users/a/b@local.test', 'Other Users/x/y'];
    for (const name of [...none, 'Other Users/eve@far.test/INBOX', 'Other Users/no@a.test/INBOX']) {
      assert.equal(await place(name), undefined, name);
    }
  });
});
