/**
 * Aim: a delivery does what the account's scripts want, all of it in one append, once; and whatever goes wrong, the
 *      message is kept.
 * Method: the real mailboxes, filters and shelf on a fake shard.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PolicySnapshot } from '../../../../../src/actors/asks/policy-snapshot.ts';
import type { MessageId } from '../../../../../src/base/ids.ts';
import { dayMs } from '../../../../../src/base/units.ts';
import { generateDkimKey } from '../../../../../src/mail/trust/dkim/keys.ts';
import { account, messageBytes, rebuilt, tableText, tenant } from '../mailbox-world.ts';
import { SieveWorld } from './sieve-world.ts';

const other = [['b@a.test', 7, 0, 0, '']] as const;

describe('a script files', () => {
  it('into a mailbox that is there, with flags', async () => {
    const world = await new SieveWorld().script(
      'require ["fileinto", "imap4flags"]; fileinto :flags ["\\\\Seen", "$Label1", "\\\\Flagged"] "Archive";',
    );
    const outcome = await world.deliver(messageBytes());
    assert.equal(outcome.ok, true);
    assert.deepEqual(world.counts(), { Archive: 1 });
    const row = world.sieveBoxes.reader.mailbox(account, 6)!;
    assert.equal(row.unseen, 0);
    assert.deepEqual(row.keywords, ['$Label1']);
  });

  it('one text into several, stored once, each with its flags', async () => {
    const world = await new SieveWorld().script(
      'require ["fileinto", "copy", "imap4flags"]; fileinto :copy :flags "\\\\Seen" "Archive"; fileinto :copy "Trash"; keep;',
    );
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { INBOX: 1, Trash: 1, Archive: 1 });
    assert.equal(world.sieveBoxes.reader.account(account)!.documents, 1);
    assert.equal(world.sieveBoxes.reader.mailbox(account, 6)!.unseen, 0);
    assert.equal(world.sieveBoxes.reader.mailbox(account, 5)!.unseen, 1);
  });

  it('RFC 5490 §3.2: into one that is not there: into INBOX, or one that is made', async () => {
    const world = await new SieveWorld().script('require "fileinto"; fileinto "Lists/one";');
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { INBOX: 1 });
    await world.script('require ["fileinto", "mailbox"]; fileinto :create "Lists/one";');
    const made = await Promise.all([1, 2, 3].map(() => world.deliver(messageBytes())));
    assert.ok(made.every(({ ok }) => ok));
    assert.deepEqual(world.counts(), { INBOX: 1, 'Lists/one': 3 });
    await world.script('require ["fileinto", "mailbox"]; fileinto :create "a//b";');
    await world.deliver(messageBytes());
    assert.equal(world.counts().INBOX, 2);
  });

  it('by special use and by id, before the name', async () => {
    const world = await new SieveWorld().script(
      'require ["fileinto", "special-use"]; fileinto :specialuse "\\\\Junk" "Elsewhere";',
    );
    await world.deliver(messageBytes());
    await world.script('require ["fileinto", "mailboxid"]; fileinto :mailboxid "F5" "Elsewhere";');
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { Junk: 1, Trash: 1 });
  });

  it('nothing of what it discards, and knows it again', async () => {
    const world = await new SieveWorld().script('discard;');
    const id = world.ids.next();
    const first = await world.deliver(messageBytes(), { id });
    await world.script('keep;');
    const second = await world.deliver(messageBytes(), { id });
    assert.deepEqual([first.ok, second.ok && second.isRepeat], [true, true]);
    assert.deepEqual(world.counts(), {});
  });

  it('RFC 5293 §6: with edits of the header, for the copies behind them', async () => {
    const world = await new SieveWorld().script(
      `require ["fileinto", "editheader", "copy"];
       fileinto :copy "Archive"; addheader "X-Größe" "x"; deleteheader "Subject"; addheader :last "X-Note" "süß"; keep;`.replace(
        'X-Größe',
        'X-Size',
      ),
    );
    await world.deliver(messageBytes({ subject: 'Old' }));
    const [plain] = await world.mail('Archive');
    assert.match(plain!, /^Return-Path: <s@x\.test>\r\nDelivered-To: u@a\.test\r\nFrom: /);
    assert.match(plain!, /Subject: Old/);
    const [edited] = await world.mail('INBOX');
    assert.match(edited!, /^Return-Path: <s@x\.test>\r\nDelivered-To: u@a\.test\r\nX-Size: x\r\n/);
    assert.doesNotMatch(edited!, /Subject/);
    assert.match(edited!, /X-Note: =\?UTF-8\?B\?c8O8w58=\?=\r\n\r\nText\.\r\n$/);
  });

  it('RFC 5228 §2.10.6: nothing else, where it fails: the message is kept', async () => {
    const world = await new SieveWorld().script(
      'require ["fileinto", "ihave", "copy"]; fileinto :copy "Archive"; error "no";',
    );
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { INBOX: 1 });
  });

  it("by the server's scripts around it", async () => {
    const world = new SieveWorld();
    world.before = 'require "fileinto"; if header :is "Subject" "bad" { fileinto "Junk"; }';
    world.after = 'require ["imap4flags"]; addflag "$Kept"; keep;';
    await world.deliver(messageBytes({ subject: 'bad' }));
    await world.deliver(messageBytes({ subject: 'good' }));
    assert.deepEqual(world.counts(), { INBOX: 1, Junk: 1 });
    assert.deepEqual(world.sieveBoxes.reader.mailbox(account, 1)!.keywords, ['$Kept']);
    await world.script('if header :is "Subject" "gone" { discard; }');
    await world.deliver(messageBytes({ subject: 'gone' }));
    assert.deepEqual(world.counts(), { INBOX: 1, Junk: 1 });
  });
});

describe('a delivery that fails', () => {
  it('is not remembered: its next try is no repeat, and no answer was sent', async () => {
    const world = await new SieveWorld().script(
      'require ["duplicate", "vacation"]; if duplicate { discard; } vacation "Away.";',
    );
    const quota = (bytes: number) =>
      world.sieveBoxes.putAccount(account, tenant, { bytes, messages: 0 });
    await quota(10);
    const id = world.ids.next();
    const failed = await world.deliver(messageBytes(), { id });
    assert.deepEqual([failed.ok, world.sent()], [false, []]);
    await world.script('require "duplicate"; if duplicate { discard; }');
    const again = await world.deliver(messageBytes(), { id });
    assert.equal(again.ok, false);
    await quota(0);
    assert.equal((await world.deliver(messageBytes(), { id })).ok, true);
    assert.deepEqual(world.counts(), { INBOX: 1 });
  });

  it('fails alone: others of its parcel are delivered', async () => {
    const world = await new SieveWorld().script('redirect "b@y.test";');
    const { filters } = world.sieveBoxes.deliverer.filters!;
    const scriptsOf = filters.scriptsOf.bind(filters);
    filters.scriptsOf = (of) => {
      if (of === 2) throw new Error('a bug');
      return scriptsOf(of);
    };
    const targets = [1, 2, 3].map((of) => ({
      account: of as typeof account,
      recipient: `${of}@a.test`,
    }));
    const outcomes = await world.sieveBoxes.deliver({
      ...{ id: world.ids.next(), tenant, sender: 's@x.test', receivedMs: world.nowMs },
      targets,
      parts: [messageBytes()],
    });
    assert.deepEqual(
      outcomes.map(({ ok }) => ok),
      [true, false, true],
    );
  });

  it('for a recipient named twice is one delivery', async () => {
    const world = await new SieveWorld().script('require "copy"; redirect :copy "b@y.test";');
    const target = { account, recipient: 'u@a.test' };
    const outcomes = await world.sieveBoxes.deliver({
      ...{ id: world.ids.next(), tenant, sender: 's@x.test', receivedMs: world.nowMs },
      targets: [target, target],
      parts: [messageBytes()],
    });
    assert.ok(outcomes.every(({ ok }) => ok));
    assert.deepEqual([world.counts(), world.sent().length], [{ INBOX: 1 }, 1]);
  });
});

describe('what scanners marked', () => {
  const marked = (score: number) =>
    Buffer.concat([
      Buffer.from(score >= 5 ? 'X-Spam-Flag: YES\r\n' : ''),
      Buffer.from(
        `X-Spam-Status: ${score >= 5 ? 'Yes' : 'No'}, score=${score} required=5 scanner=x\r\n`,
      ),
      messageBytes(),
    ]);

  it('goes to Junk, but where a script files it; and nobody is believed where none are asked', async () => {
    const world = new SieveWorld({ hasScanners: true });
    await world.deliver(marked(7));
    await world.deliver(marked(2));
    assert.deepEqual(world.counts(), { INBOX: 1, Junk: 1 });
    await world.script('require "fileinto"; fileinto "Archive";');
    await world.deliver(marked(7));
    assert.deepEqual(world.counts(), { INBOX: 1, Junk: 1, Archive: 1 });
    const without = new SieveWorld();
    await without.deliver(marked(7));
    assert.deepEqual(without.counts(), { INBOX: 1 });
  });

  it('and what fails DMARC goes where the operator says, by our own word alone', async () => {
    const suspect = (name: string) =>
      Buffer.concat([Buffer.from(`X-DMARC-Outcome: ${name}; quarantine\r\n`), messageBytes()]);
    const at = async (levels: Partial<PolicySnapshot>, name = 'mx.a.test') => {
      const world = new SieveWorld({ levels: () => ({ authservId: 'mx.a.test', ...levels }) });
      await world.deliver(suspect(name));
      return Object.keys(world.counts());
    };
    assert.deepEqual(await at({ dmarc: 'enforce' }), ['Junk']);
    assert.deepEqual(await at({ dmarc: 'enforce', dmarcQuarantine: 'quarantine' }), ['']);
    assert.deepEqual(await at({ dmarc: 'mark' }), ['INBOX']);
    assert.deepEqual(await at({ dmarc: 'enforce' }, 'mx.other.test'), ['INBOX']);
  });

  it('RFC 5235: is what spamtest tells', async () => {
    const world = await new SieveWorld({ hasScanners: true }).script(
      `require ["spamtestplus", "relational", "comparator-i;ascii-numeric", "fileinto"];
       if spamtest :percent :value "ge" :comparator "i;ascii-numeric" "90" { discard; }
       elsif spamtest :percent :is "20" { fileinto "Archive"; }`,
    );
    for (const score of [9, 2, 1]) await world.deliver(marked(score));
    assert.deepEqual(world.counts(), { INBOX: 1, Archive: 1 });
  });
});

describe('a script sends', () => {
  it('mail on: once, with the mark it is known by', async () => {
    const world = await new SieveWorld().script('redirect "elsewhere@y.test";');
    const id = world.ids.next();
    const outcomes = await Promise.all([1, 2].map(() => world.deliver(messageBytes(), { id })));
    await world.deliver(messageBytes(), { id });
    assert.ok(outcomes.every(({ ok }) => ok));
    assert.deepEqual(world.counts(), {});
    const [sent, ...more] = world.sent();
    assert.deepEqual([sent!.to, more], [['elsewhere@y.test'], []]);
    assert.match(sent!.text, /^Delivered-To: u@a\.test\r\nFrom: /);
  });

  it('mail on and keeps it: killed at any record, both are there or neither', async () => {
    const world = await new SieveWorld().script(
      'require "copy"; redirect :copy "elsewhere@y.test";',
    );
    const { sieveShard } = world;
    const append = sieveShard.append.bind(sieveShard);
    const kinds: number[][] = [];
    sieveShard.append = (drafts) => {
      kinds.push(drafts.map(({ type }) => type));
      return append(drafts);
    };
    await world.deliver(messageBytes());
    assert.deepEqual(kinds, [[43, 67, 20]]);
    assert.deepEqual(world.counts(), { INBOX: 1 });
    assert.equal(world.sent().length, 1);
  });

  it('nothing on that was here before, or that leads nowhere: it is kept', async () => {
    const world = await new SieveWorld().script('redirect "nobody@a.test";');
    world.leadsTo.set('nobody@a.test', []);
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { INBOX: 1 });
    await world.script('redirect "b@a.test";');
    world.leadsTo.set('b@a.test', other);
    const looping = Buffer.concat([Buffer.from('Delivered-To: U@A.test\r\n'), messageBytes()]);
    await world.deliver(looping);
    assert.deepEqual([world.counts(), world.sent()], [{ INBOX: 2 }, []]);
  });

  it('the same message on to an address once, whoever brings it again', async () => {
    const world = await new SieveWorld().script('redirect "b@y.test";');
    await Promise.all([1, 2].map(() => world.deliver(messageBytes({ id: 'same@x' }))));
    await world.deliver(messageBytes({ id: 'same@x' }));
    await world.deliver(messageBytes({ id: 'other@x' }));
    assert.deepEqual([world.counts(), world.sent().length], [{ INBOX: 2 }, 2]);
    // Without a name it goes on where nobody sent it on before.
    const nameless = messageBytes({ id: 'x' })
      .toString()
      .replace(/^Message-ID.*\r\n/m, '');
    await world.deliver(Buffer.from(nameless));
    await world.deliver(Buffer.from(nameless));
    assert.deepEqual([world.counts(), world.sent().length], [{ INBOX: 2 }, 4]);
    await world.deliver(Buffer.from(`Delivered-To: a@z.test\r\n${nameless}`));
    assert.deepEqual([world.counts(), world.sent().length], [{ INBOX: 3 }, 4]);
    world.nowMs += dayMs;
    await world.deliver(messageBytes({ id: 'same@x' }));
    assert.equal(world.sent().length, 5);
  });

  it('mail on with what it is known by, whatever a script would change', async () => {
    const world = await new SieveWorld().script(
      `require ["editheader", "variables"]; set "n" "1";
       deleteheader "Delivered-To"; deleteheader "Message-ID"; addheader "Message-ID" "<new@x>";
       addheader "Delivered-To" "x@y.test"; redirect "b@y.test";`,
    );
    const before = Buffer.from('Delivered-To: a@z.test\r\n');
    await world.deliver(Buffer.concat([before, messageBytes({ id: 'old@x' })]));
    const { text } = world.sent()[0]!;
    assert.match(text, /^Delivered-To: u@a\.test\r\nDelivered-To: a@z\.test\r\nFrom: /);
    assert.match(text, /\r\nMessage-ID: <old@x>\r\n/);
    assert.doesNotMatch(text, /new@x|x@y\.test/);
  });

  it('RFC 8617 §5.1: mail on with a seal, by the key of the domain that seals', async () => {
    const { selector, privatePem } = generateDkimKey('rsa-sha256', 'arc');
    const policy = {
      authservId: 'mx.a.test',
      domains: { 'a.test': { dkim: [{ selector, privatePem, algorithm: 'rsa-sha256' as const }] } },
      forwarding: { returnDomain: '', srsSecrets: [], arcDomain: 'a.test' },
    };
    const world = await new SieveWorld({ policy }).script('redirect "b@y.test";');
    const results = Buffer.from('Authentication-Results: mx.a.test; dmarc=pass; arc=none\r\n');
    await world.deliver(Buffer.concat([results, messageBytes()]));
    const { text } = world.sent()[0]!;
    assert.match(
      text,
      /^ARC-Seal: i=1;[\s\S]*\r\nDelivered-To: u@a\.test\r\nAuthentication-Results: /,
    );
  });

  it('nothing on where operators forbid it', async () => {
    const world = await new SieveWorld({ redirects: false }).script('redirect "b@y.test";');
    await world.deliver(messageBytes());
    assert.deepEqual([world.counts(), world.sent()], [{ INBOX: 1 }, []]);
  });

  it('RFC 5230 §4.2: an answer, once to each, again when it is time', async () => {
    const world = await new SieveWorld().script(
      'require "vacation"; vacation :days 3 :subject "Weg ✈" "Bin bald zurück.";',
    );
    await Promise.all([1, 2, 3].map(() => world.deliver(messageBytes())));
    await world.deliver(messageBytes(), { sender: 't@x.test' });
    await world.deliver(messageBytes(), { sender: 'T@X.test' });
    assert.deepEqual(
      world.sent().map(({ from, to }) => [from, ...to]),
      [
        ['', 's@x.test'],
        ['', 't@x.test'],
      ],
    );
    const { text } = world.sent()[0]!;
    assert.match(text, /From: <u@a\.test>\r\nTo: <s@x\.test>\r\n/);
    assert.match(text, /Subject: =\?UTF-8\?B\?V2VnIOKciA==\?=\r\n/);
    assert.match(text, /In-Reply-To: <m@x\.test>\r\nReferences: <m@x\.test>\r\n/);
    assert.match(text, /Auto-Submitted: auto-replied\r\n/);
    assert.equal(
      Buffer.from(text.split('\r\n\r\n')[1]!, 'base64').toString(),
      'Bin bald zurück.\r\n',
    );
    world.nowMs += 3 * dayMs + 1;
    await world.deliver(messageBytes());
    assert.equal(world.sent().length, 3);
    assert.equal(world.counts().INBOX, 6);
  });

  it('RFC 8580 §3: an answer with a copy of it, from an address of its own', async () => {
    const world = await new SieveWorld().script(
      'require ["vacation", "fcc", "mailbox"]; vacation :from "Me <me@a.test>" :fcc "Sent" "Away.";',
    );
    world.leadsTo.set('me@a.test', [['me@a.test', account, 0, 0, '']]);
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { INBOX: 1, Sent: 1 });
    assert.match((await world.mail('Sent'))[0]!, /From: <me@a\.test>\r\n/);
    await world.script('require "vacation"; vacation :handle "2" :from "you@y.test" "Away.";');
    await world.deliver(messageBytes());
    assert.match(world.sent()[1]!.text, /From: <u@a\.test>\r\n/);
  });

  it('RFC 5436 §2.7: word of mail, but not of what programs sent', async () => {
    const world = await new SieveWorld().script(
      'require "enotify"; notify :importance "1" :message "Mail!" "mailto:p@y.test?subject=no&body=Look%20at%20it.&cc=q@y.test";',
    );
    await world.deliver(messageBytes());
    const [notice] = world.sent();
    assert.deepEqual([notice!.from, notice!.to], ['u@a.test', ['p@y.test', 'q@y.test']]);
    assert.match(notice!.text, /Subject: Mail!\r\n/);
    assert.match(notice!.text, /Auto-Submitted: auto-notified\r\nImportance: high\r\n/);
    assert.match(notice!.text, /\r\n\r\nLook at it\.\r\n$/);
    const automatic = Buffer.concat([
      Buffer.from('Auto-Submitted: auto-generated\r\n'),
      messageBytes(),
    ]);
    await world.deliver(automatic);
    assert.equal(world.sent().length, 1);
    assert.equal(world.counts().INBOX, 2);
  });
});

describe('a script', () => {
  it('refuses with words for the sender', async () => {
    const world = await new SieveWorld().script('require "reject"; reject "Not here.";');
    const outcome = await world.deliver(messageBytes());
    assert.deepEqual(outcome, { ok: false, code: 'recipient-refused', detail: 'Not here.' });
    assert.deepEqual(world.counts(), {});
  });

  it('RFC 7352 §3: knows what it saw, as far as there is room to remember', async () => {
    const world = await new SieveWorld({ rememberedMax: 3 }).script(
      'require ["duplicate", "fileinto"]; if duplicate { fileinto "Trash"; }',
    );
    const mail = (id: string) => world.deliver(messageBytes({ id }));
    await Promise.all([mail('a@x'), mail('a@x')]);
    assert.deepEqual(world.counts(), { INBOX: 1, Trash: 1 });
    for (const id of ['b@x', 'c@x', 'd@x']) {
      world.nowMs += 1_000;
      await mail(id);
    }
    // The fourth pushed the first out.
    await mail('a@x');
    await mail('d@x');
    assert.deepEqual(world.counts(), { INBOX: 5, Trash: 2 });
    world.nowMs += 8 * dayMs;
    await mail('d@x');
    assert.equal(world.counts().INBOX, 6);
  });

  it('is another from the next message on', async () => {
    const world = await new SieveWorld().script('require "fileinto"; fileinto "Trash";');
    await world.deliver(messageBytes());
    await world.script('require "fileinto"; fileinto "Archive";');
    await world.deliver(messageBytes());
    await world.shelf.activate({ account, tenant }, '');
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { Trash: 1, Archive: 1, INBOX: 1 });
  });

  it('takes in others of its account', async () => {
    const world = new SieveWorld();
    const owner = { account, tenant };
    await world.shelf.put(owner, 'lists', Buffer.from('require "fileinto"; fileinto "Archive";'));
    await world.script('require "include"; include "lists";');
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { Archive: 1 });
    await world.shelf.put(owner, 'lists', Buffer.from('require "fileinto"; fileinto "Trash";'));
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { Archive: 1, Trash: 1 });
  });

  it('leaves the same rows behind when the journal is replayed', async () => {
    const world = await new SieveWorld().script(
      'require ["duplicate", "fileinto", "copy", "vacation"]; if not duplicate { fileinto :copy "Trash"; vacation "Away."; } else { discard; }',
    );
    const ids = [1, 2, 3].map(() => world.ids.next() as MessageId);
    for (const id of ids)
      await world.deliver(messageBytes({ id: `${ids.indexOf(id) % 2}@x` }), { id });
    const wanted = tableText(world.sieveShard);
    const mailRecords = world.sieveShard.records.filter(({ type }) => type >= 40);
    for (const again of [0, 1, 5, mailRecords.length]) {
      const made = rebuilt(world.sieveShard, (to) => {
        for (const record of mailRecords) to.apply(record);
        for (const record of mailRecords.slice(again)) to.apply(record);
      });
      assert.deepEqual(tableText(made), wanted);
    }
  });
});
