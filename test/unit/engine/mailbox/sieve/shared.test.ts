/**
 * Aim: scripts take in what operators give to all (RFC 6609), and compare with lists of addresses, their own and the
 *      server's (RFC 6134); what is not there keeps the message.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { annotatedDraft } from '../../../../../src/engine/mailbox/annotation-records.ts';
import { account, messageBytes, tenant } from '../mailbox-world.ts';
import { SieveWorld } from './sieve-world.ts';

async function ownList(world: SieveWorld, name: string, text: string): Promise<void> {
  await world.deliver(messageBytes());
  await world.sieveBoxes.decide(account, tenant, (actor) => {
    const entry = `/private/vendor/chaski/addrbook/${name}`;
    const values = [[entry, Buffer.from(text)] as const];
    const record = { account, modseq: actor.nextModseq(), mailbox: 0, reader: account, values };
    return { drafts: [annotatedDraft(tenant, record)], mailboxes: [], value: undefined };
  });
}

describe('include :global', () => {
  const global = 'require ["include", "fileinto"]; include :global "lists";';

  it("runs the server's script as a part of the account's", async () => {
    const world = new SieveWorld();
    world.globals = [['lists', 'require "fileinto"; fileinto "Archive"; stop;']];
    await world.script(`${global} fileinto "Trash";`);
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { Archive: 1 });
  });

  it("serves the server's own scripts too, which see none of an account's", async () => {
    const world = new SieveWorld();
    world.globals = [['lists', 'require "fileinto"; fileinto "Archive"; stop;']];
    world.before = global;
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { Archive: 1 });
    world.before = 'require "include"; include :personal "main";';
    await world.script('discard;');
    world.after = 'keep;';
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { Archive: 1, INBOX: 1 });
  });

  it('of one that is not there, or has faults, keeps the message', async () => {
    const world = await new SieveWorld().script(`${global} discard;`);
    await world.deliver(messageBytes());
    world.globals = [['lists', 'fileinto;']];
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { INBOX: 2 });
  });

  it("takes in an account's own by :personal from there", async () => {
    const world = new SieveWorld();
    world.globals = [['lists', 'require "include"; include :personal "mine";']];
    const owner = { account, tenant };
    await world.shelf.put(
      owner,
      'mine',
      Buffer.from('require "fileinto"; fileinto "Trash"; stop;'),
    );
    await world.script(global);
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { Trash: 1 });
  });
});

describe('lists of addresses', () => {
  const filed = (list: string) =>
    `require ["extlists", "fileinto", "envelope"]; if envelope :list "from" "${list}" { fileinto "Archive"; }`;

  it("are the server's, by the last part of a tag", async () => {
    const world = new SieveWorld();
    world.lists = [['known', '# friends\nS@X.test\n\n@y.test # all of them\n']];
    await world.script(filed('tag:a.test,2026:Known'));
    for (const sender of ['s@x.test', 'anybody@Y.test', 'other@x.test', 'y.test', '']) {
      await world.deliver(messageBytes(), { sender });
    }
    assert.deepEqual(world.counts(), { INBOX: 3, Archive: 2 });
  });

  it('are an own address book, empty until it is written', async () => {
    const world = await new SieveWorld().script(filed(':addrbook:default'));
    await ownList(world, 'default', 's@x.test\n');
    assert.deepEqual(world.counts(), { INBOX: 1 });
    await world.deliver(messageBytes());
    await world.script(filed('urn:ietf:params:sieve:addrbook:default'));
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { INBOX: 1, Archive: 2 });
  });

  it('that nobody made fail the script: what it asked for before is not done', async () => {
    const world = await new SieveWorld().script(
      `require ["fileinto", "extlists", "copy"]; fileinto :copy "Trash"; if header :list "From" ":addrbook:none" { discard; } else { discard; }`,
    );
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { INBOX: 1 });
  });

  it('are asked about before, by valid_ext_list', async () => {
    const world = await new SieveWorld().script(
      `require ["fileinto", "extlists"]; if valid_ext_list [":addrbook:default", "tag:a.test,2026:known"] { fileinto "Archive"; } elsif valid_ext_list ":addrbook:default" { fileinto "Trash"; }`,
    );
    await world.deliver(messageBytes());
    world.lists = [['known', '']];
    await world.deliver(messageBytes());
    assert.deepEqual(world.counts(), { Trash: 1, Archive: 1 });
  });

  it('receive what is redirected to them, 25 addresses at the most', async () => {
    const world = await new SieveWorld().script(
      'require "extlists"; redirect :list ":addrbook:club";',
    );
    const addresses = Array.from({ length: 26 }, (_, i) => `u${i}@y.test`);
    await ownList(world, 'club', addresses.join('\n'));
    await world.deliver(messageBytes({ id: 'many@x' }));
    assert.equal(world.sent().length, 0);
    await ownList(world, 'club', [...addresses.slice(1), '@z.test'].join('\n'));
    await world.deliver(messageBytes({ id: 'few@x' }));
    assert.deepEqual(
      world.sent().flatMap(({ to }) => to),
      addresses.slice(1),
    );
    // Two that came before there was a list, and the one that was for too many.
    assert.deepEqual(world.counts(), { INBOX: 3 });
  });

  it('with nobody in it keeps the message', async () => {
    const world = await new SieveWorld().script(
      'require "extlists"; redirect :list ":addrbook:default";',
    );
    await world.deliver(messageBytes());
    assert.deepEqual([world.counts(), world.sent()], [{ INBOX: 1 }, []]);
  });
});
