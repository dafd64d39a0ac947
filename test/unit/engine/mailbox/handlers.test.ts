/** Aim: asks about mailboxes are answered as `mailbox-asks.ts` says. Method: handlers called as the server calls them. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer } from '../../../../src/actors/ask.ts';
import {
  type AccountUse,
  accountActor,
  type DeliverAnswer,
  type ExportWindow,
  exportWindowBytesMax,
  type MailboxInfo,
  mailboxAsks,
  type PackedDelivery,
} from '../../../../src/actors/asks/mailbox-asks.ts';
import { shardId } from '../../../../src/base/ids.ts';
import { mailboxHandlers } from '../../../../src/engine/mailbox/handlers.ts';
import { account, MailboxWorld, messageBytes, startMs, tenant } from './mailbox-world.ts';

class Desk {
  readonly world = new MailboxWorld();
  isOpen = true;
  readonly #handlers = mailboxHandlers({
    mailboxesOf: () => (this.isOpen ? this.world.mailboxes : undefined),
  });

  async ask(name: string, meta: unknown, body: Uint8Array = new Uint8Array(0)): Promise<Answer> {
    const ask = {
      shard: shardId(0),
      actor: accountActor(account),
      name,
      key: '',
      class: 'short' as const,
      lane: 'normal' as const,
      deadlineMs: 0,
      meta,
      body,
    };
    const outcome = this.#handlers[name]!(ask, { isFull: false });
    return 'pending' in outcome ? outcome.pending : outcome;
  }

  async value<T>(name: string, meta: unknown, body?: Uint8Array): Promise<T> {
    const answer = await this.ask(name, meta, body);
    assert.ok(answer.ok, JSON.stringify(answer));
    return answer.value as T;
  }

  deliver(targets: PackedDelivery[4], bytes = messageBytes()): Promise<DeliverAnswer> {
    const meta: PackedDelivery = [this.world.ids.next(), 0, 's@x.test', startMs, targets];
    return this.value(mailboxAsks.deliver, meta, bytes);
  }
}

describe('mailbox handlers', () => {
  it('deliver to each target and answer each', async () => {
    const desk = new Desk();
    await desk.value(mailboxAsks.put, [2, 0, 10]);
    const outcomes = await desk.deliver([1, 'u@a.test', 2, 'v@a.test']);
    assert.deepEqual(outcomes[0], { ok: true, mailbox: 1, uid: 1, document: 1, isRepeat: false });
    assert.equal(outcomes[1]!.ok === false && outcomes[1]!.code, 'account-over-quota');
  });

  it('list mailboxes, show one, and tell of one that is not there', async () => {
    const desk = new Desk();
    assert.deepEqual(await desk.value(mailboxAsks.list, [1]), []);
    await desk.deliver([1, 'u@a.test']);
    const list = await desk.value<MailboxInfo[]>(mailboxAsks.list, [1]);
    assert.deepEqual(
      list.map((one) => one.name),
      ['INBOX', 'Drafts', 'Sent', 'Junk', 'Trash', 'Archive'],
    );
    assert.deepEqual(await desk.value(mailboxAsks.status, [1, 1]), list[0]);
    assert.equal(list[0]!.messages, 1);
    const missing = await desk.ask(mailboxAsks.status, [1, 9]);
    assert.equal(missing.ok === false && missing.code, 'not-found');
  });

  it('export messages in windows: small ones together, a large one in pieces', async () => {
    const desk = new Desk();
    for (let i = 0; i < 3; i++) await desk.deliver([1, 'u@a.test']);
    const large = messageBytes({ text: 'x'.repeat(exportWindowBytesMax) });
    await desk.deliver([1, 'u@a.test'], large);
    await desk.deliver([1, 'u@a.test']);
    const lengths: number[][] = [];
    const texts = new Map<number, string>();
    let place: ExportWindow['next'] = [2, 0];
    while (place !== undefined) {
      const answer = await desk.ask(mailboxAsks.export, [1, 1, ...place]);
      assert.ok(answer.ok && answer.body !== undefined);
      assert.ok(answer.body.length <= exportWindowBytesMax);
      const { pieces, next } = answer.value as ExportWindow;
      let at = 0;
      for (const [uid, , , , offset, length] of pieces) {
        assert.equal(texts.get(uid)?.length ?? 0, offset, 'pieces come in order');
        const text = Buffer.from(answer.body.subarray(at, at + length)).toString();
        texts.set(uid, (texts.get(uid) ?? '') + text);
        at += length;
      }
      lengths.push(pieces.map(([uid]) => uid));
      place = next;
    }
    assert.deepEqual(lengths, [[2, 3], [4], [4, 5]]);
    assert.ok(texts.get(2)!.endsWith(messageBytes().toString()));
    assert.ok(texts.get(4)!.endsWith(large.toString()));
    const missing = await desk.ask(mailboxAsks.export, [1, 99, 1, 0]);
    assert.equal(missing.ok === false && missing.code, 'not-found');
  });

  it('tell that a message went while it was exported in pieces, and go on behind it', async () => {
    const desk = new Desk();
    await desk.deliver([1, 'u@a.test'], messageBytes({ text: 'x'.repeat(exportWindowBytesMax) }));
    await desk.deliver([1, 'u@a.test']);
    const first = await desk.value<ExportWindow>(mailboxAsks.export, [1, 1, 1, 0]);
    assert.equal(first.next?.[0], 1);
    await desk.world.mailboxes.expunge(account, tenant, 1, [1, 1]);
    const { pieces } = await desk.value<ExportWindow>(mailboxAsks.export, [1, 1, ...first.next!]);
    assert.deepEqual(
      pieces.map(([uid, , , size]) => [uid, size < 0]),
      [
        [1, true],
        [2, false],
      ],
    );
  });

  it('set a quota, tell of its use, and delete the account', async () => {
    const desk = new Desk();
    await desk.deliver([1, 'u@a.test']);
    await desk.value(mailboxAsks.put, [1, 0, 100]);
    const use = await desk.value<AccountUse>(mailboxAsks.use, [1]);
    assert.equal(use.messages, 1);
    assert.equal(use.isFull, true);
    await desk.value(mailboxAsks.delete, [1, 0]);
    assert.deepEqual(await desk.value(mailboxAsks.use, [1]), {
      bytes: 0,
      messages: 0,
      quotaBytes: 0,
      quotaMessages: 0,
      isFull: false,
    });
    const refused = await desk.ask(mailboxAsks.put, [1, 0, 0]);
    assert.equal(refused.ok === false && refused.code, 'account-missing');
  });

  it('say so where the shard is not open', async () => {
    const desk = new Desk();
    desk.isOpen = false;
    const answer = await desk.ask(mailboxAsks.list, [1]);
    assert.equal(answer.ok === false && answer.code, 'not-possible-now');
  });
});
