/**
 * Aim: scripts of mailboxes run as people change them, know what happened, and do with the message what they mean
 *      there; what cannot be done leaves it where it is; a script sets off no other.
 * Method: the real mailboxes, filters and shelf on a fake shard.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { annotatedDraft } from '../../../../../src/engine/mailbox/annotation-records.ts';
import { systemFlags } from '../../../../../src/engine/mailbox/rows/uid-block.ts';
import { ImapActions } from '../../../../../src/engine/mailbox/sieve/imap-actions.ts';
import { ImapScripts } from '../../../../../src/engine/mailbox/sieve/imap-scripts.ts';
import { account, messageBytes, tenant } from '../mailbox-world.ts';
import { SieveWorld } from './sieve-world.ts';

const owner = { account, tenant };
const entry = '/shared/imapsieve/script';
const [inboxNumber, archiveNumber] = [1, 6];

class EventWorld extends SieveWorld {
  readonly warnings: unknown[] = [];
  readonly scripts: ImapScripts;
  address: string | undefined = 'u@a.test';
  runs = 0;

  constructor(options: { readonly redirects?: boolean } = {}) {
    super();
    const { sieveBoxes: mailboxes, tree, clock } = this;
    const { filters, memory, outgoing, spool } = mailboxes.deliverer.filters!;
    const { redirects = true } = options;
    this.scripts = new ImapScripts({
      ...{ mailboxes, memory, clock, names: mailboxes.names },
      shard: () => this.sieveShard,
      hostname: () => 'mx.a.test',
      serverScripts: () => ({ lists: new Map() }),
      scriptOf: (of, name) => {
        this.runs++;
        return filters.named(of, name);
      },
      addressOf: async () => this.address,
      actions: new ImapActions({ mailboxes, tree, memory, outgoing, spool, redirects }),
      log: {
        info: (facts) => void this.warnings.push(facts),
        warn: (facts) => void this.warnings.push(facts),
      },
    });
    mailboxes.watches = [this.scripts];
  }

  /** A message in INBOX, and a script that runs by what happens in `mailbox`; 0: in all of them. */
  async begin(source: string, mailbox = archiveNumber, bytes = messageBytes()): Promise<this> {
    await this.deliver(bytes);
    const put = await this.shelf.put(owner, 'events', Buffer.from(source));
    assert.equal(put.result, 'stored', JSON.stringify(put));
    await this.annotate(mailbox, 'events');
    return this;
  }

  annotate(mailbox: number, name: string): Promise<void> {
    return this.sieveBoxes.decide(account, tenant, (actor) => {
      const values = [[entry, Buffer.from(name)] as const];
      const record = { account, modseq: actor.nextModseq(), mailbox, reader: account, values };
      return { drafts: [annotatedDraft(tenant, record)], mailboxes: [], value: undefined };
    });
  }

  async copied(isMove = false, target = archiveNumber): Promise<Record<string, number>> {
    const from = { mailbox: inboxNumber, uids: [1, 1] };
    await this.sieveBoxes.copy(account, tenant, from, target, isMove);
    return this.settled();
  }

  async settled(): Promise<Record<string, number>> {
    for (let turns = 0; turns < 60; turns++) await turn();
    return this.counts();
  }

  flags(mailbox: number, uid = 1): string[] {
    const entries = this.sieveBoxes.reader.messages(account, mailbox, uid, 1);
    return [...(entries[0]?.flags ?? [])].sort();
  }

  store(op: 'add' | 'remove', flag: string, mailbox = inboxNumber): Promise<unknown> {
    const place = systemFlags.indexOf(flag as (typeof systemFlags)[number]);
    const step = place < 0 ? { flags: 0, keywords: [flag] } : { flags: 1 << place, keywords: [] };
    return this.sieveBoxes.storeFlags(account, tenant, { op, ...step, mailbox, uids: [1, 1] });
  }
}

describe('a script of a mailbox runs', () => {
  it('RFC 6785: by COPY and MOVE, and is told of it', async () => {
    const world = await new EventWorld().begin(
      `require ["imapsieve", "environment", "imap4flags"];
       if allof (environment :is "imap.cause" "COPY", environment :is "imap.mailbox" "Archive",
                 environment :is "imap.user" "u@a.test", environment :is "imap.email" "u@a.test",
                 environment :is "location" "MS", environment :is "phase" "post",
                 environment :is "imap.changedflags" "")
       { addflag "$Right"; }`,
    );
    await world.store('add', '\\Seen');
    await world.copied();
    assert.deepEqual(world.flags(archiveNumber), ['$Right', '\\Seen']);
    assert.deepEqual(await world.copied(true), { Archive: 2 });
    assert.deepEqual(world.flags(archiveNumber, 2), ['$Right', '\\Seen']);
  });

  it('by APPEND, once', async () => {
    const world = await new EventWorld().begin(
      'require ["imapsieve", "environment", "fileinto"]; if environment "imap.cause" "APPEND" { fileinto "Trash"; }',
    );
    const one = { account, tenant, mailbox: archiveNumber, id: world.ids.next(), internalMs: 1 };
    const append = { ...one, bytes: messageBytes(), flags: 0, keywords: [] };
    await world.sieveBoxes.append(append);
    await world.sieveBoxes.append(append);
    assert.deepEqual(await world.settled(), { INBOX: 1, Trash: 1 });
    assert.equal(world.runs, 1);
  });

  it('by flags set and taken away, and is told which', async () => {
    const world = await new EventWorld().begin(
      `require ["imapsieve", "environment", "variables", "fileinto", "copy"];
       if environment :is "imap.cause" "FLAG" {
         if environment :matches "imap.changedflags" "*" { fileinto :copy "Archive"; }
         if not environment :contains "imap.changedflags" "$Done" { keep; } else { fileinto "Trash"; }
       }`,
      inboxNumber,
    );
    await world.store('add', '\\Flagged');
    assert.deepEqual(await world.settled(), { INBOX: 1, Archive: 1 });
    await world.store('remove', '\\Flagged');
    assert.deepEqual(await world.settled(), { INBOX: 1, Archive: 2 });
    await world.store('add', '$Done');
    assert.deepEqual(await world.settled(), { Trash: 1, Archive: 3 });
  });

  it("in all mailboxes, where the server names one; a mailbox's own goes before", async () => {
    const world = await new EventWorld().begin('discard;', 0);
    await world.shelf.put(owner, 'own', Buffer.from('keep;'));
    await world.annotate(archiveNumber, 'own');
    assert.deepEqual(await world.copied(), { INBOX: 1, Archive: 1 });
    assert.deepEqual(await world.copied(false, 5), { INBOX: 1, Archive: 1 });
    assert.equal(world.runs, 2);
  });

  it('nowhere else, nor by what scripts and the server do', async () => {
    const world = await new EventWorld().begin(
      'require ["fileinto", "imap4flags"]; addflag "$X"; fileinto "Archive"; keep;',
    );
    assert.deepEqual(await world.copied(false, 5), { INBOX: 1, Trash: 1 });
    assert.equal(world.runs, 0);
    await world.annotate(5, 'events');
    assert.deepEqual(await world.copied(false, 5), { INBOX: 1, Trash: 2, Archive: 1 });
    assert.equal(world.runs, 1);
    await world.deliver(messageBytes());
    await world.settled();
    assert.equal(world.runs, 1);
  });
});

describe('what such a script wants', () => {
  it('is done at once: moved, copied, expunged, flagged', async () => {
    for (const [script, counts] of [
      ['require "fileinto"; fileinto "Trash";', { INBOX: 1, Trash: 1 }],
      ['require ["fileinto", "copy"]; fileinto :copy "Trash";', { INBOX: 1, Archive: 1, Trash: 1 }],
      ['require "fileinto"; fileinto "Trash"; fileinto "Junk";', { INBOX: 1, Trash: 1, Junk: 1 }],
      ['require "fileinto"; fileinto "Archive";', { INBOX: 1, Archive: 1 }],
      ['require ["fileinto", "mailbox"]; fileinto :create "New";', { INBOX: 1, New: 1 }],
      ['discard;', { INBOX: 1 }],
      ['keep;', { INBOX: 1, Archive: 1 }],
    ] as const) {
      const world = await new EventWorld().begin(script);
      assert.deepEqual(await world.copied(), counts, script);
    }
  });

  it('leaves flags as they are, but those it changes', async () => {
    const world = await new EventWorld().begin(
      'require "imap4flags"; if hasflag "\\\\Flagged" { removeflag "\\\\Flagged"; addflag "$New"; }',
    );
    await world.store('add', '\\Flagged');
    await world.store('add', '\\Seen');
    await world.copied();
    assert.deepEqual(world.flags(archiveNumber), ['$New', '\\Seen']);
    const none = await new EventWorld().begin('require "imap4flags"; removeflag "\\\\Seen";');
    await none.store('add', '\\Seen');
    await none.copied();
    assert.deepEqual(none.flags(archiveNumber), []);
    const same = await new EventWorld().begin('keep;');
    await same.store('add', '\\Seen');
    const before = same.sieveShard.records.length;
    await same.copied();
    assert.deepEqual(same.flags(archiveNumber), ['\\Seen']);
    // The copy, and nothing by the script.
    assert.equal(same.sieveShard.records.length, before + 1);
  });

  it('is sent as its user, and then the message goes', async () => {
    const world = await new EventWorld().begin('redirect "b@y.test";');
    assert.deepEqual(await world.copied(), { INBOX: 1 });
    assert.deepEqual(
      world.sent().map(({ from, to }) => [from, to]),
      [['u@a.test', ['b@y.test']]],
    );
    const told = await new EventWorld().begin(
      'require "enotify"; notify :message "moved" "mailto:c@y.test";',
    );
    assert.deepEqual(await told.copied(), { INBOX: 1, Archive: 1 });
    assert.match(told.sent()[0]!.text, /Subject: moved/);
  });

  it('that cannot be done leaves the message where it is', async () => {
    const stays = { INBOX: 1, Archive: 1 };
    for (const script of [
      'require "fileinto"; fileinto "Nowhere";',
      'require "reject"; reject "no";',
      'require ["vacation"]; vacation "away"; discard;',
      'require "snooze"; snooze "10:00";',
      'redirect "nobody@a.test";',
      'require "ihave"; error "no";',
    ]) {
      const world = new EventWorld();
      world.leadsTo.set('nobody@a.test', []);
      await world.begin(script);
      assert.deepEqual(await world.copied(), stays, script);
      assert.deepEqual(world.sent(), [], script);
    }
    const forbidden = await new EventWorld({ redirects: false }).begin('redirect "b@y.test";');
    assert.deepEqual([await forbidden.copied(), forbidden.sent()], [stays, []]);
    const large = messageBytes({ text: 'x'.repeat(1_100_000) });
    const cut = await new EventWorld().begin('redirect "b@y.test";', archiveNumber, large);
    assert.deepEqual([await cut.copied(), cut.sent()], [stays, []]);
  });

  it('is not done where its script, its address or its message is gone', async () => {
    const world = await new EventWorld().begin('discard;');
    await world.annotate(archiveNumber, 'gone');
    assert.deepEqual(await world.copied(), { INBOX: 1, Archive: 1 });
    await world.annotate(archiveNumber, 'events');
    world.address = undefined;
    assert.deepEqual(await world.copied(), { INBOX: 1, Archive: 2 });
    world.address = 'u@a.test';
    const from = { mailbox: inboxNumber, uids: [1, 1] };
    await world.sieveBoxes.copy(account, tenant, from, archiveNumber, false);
    await world.sieveBoxes.expunge(account, tenant, archiveNumber, [3, 3]);
    assert.deepEqual(await world.settled(), { INBOX: 1, Archive: 2 });
    assert.deepEqual(world.warnings, []);
  });

  it('is done for a thousand messages of one command', async () => {
    const world = await new EventWorld().begin('require "imap4flags"; addflag "$X";');
    const from = { mailbox: inboxNumber, uids: [1, 1] };
    world.sieveBoxes.watches = [];
    for (let i = 0; i < 20; i++) {
      await world.sieveBoxes.copy(account, tenant, from, archiveNumber, false);
    }
    world.scripts.filed(owner, inboxNumber, archiveNumber, [1, 20, 100, 1_100]);
    for (let turns = 0; turns < 3_000; turns++) await turn();
    assert.equal(world.runs, 1_000);
    assert.deepEqual(world.warnings, [{ account, mailbox: archiveNumber, messages: 21 }]);
    assert.deepEqual(world.flags(archiveNumber, 20), ['$X']);
  });

  it('is done for two thousand messages that wait of an account, and then for more', async () => {
    const world = await new EventWorld().begin('keep;');
    const thousand = () => world.scripts.filed(owner, inboxNumber, archiveNumber, [1, 1_000]);
    for (let i = 0; i < 3; i++) thousand();
    assert.deepEqual(world.warnings, [{ account, mailbox: archiveNumber, messages: 1_000 }]);
    for (let turns = 0; turns < 6_000; turns++) await turn();
    thousand();
    for (let turns = 0; turns < 3_000; turns++) await turn();
    assert.deepEqual([world.runs, world.warnings.length], [3_000, 1]);
  });
});
