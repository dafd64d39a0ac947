/** Aim: a change reaches who watches its mailbox, and the engine is told to look while anybody does. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { MailboxChange } from '../../../../src/actors/asks/imap-asks.ts';
import { Watched, Watchers, watchedWords } from '../../../../src/actors/watched.ts';
import { anyMailbox, NoticeHub } from '../../../../src/edge/notices/hub.ts';
import { turns } from '../../../support/seeded-clock.ts';

const change = (mailbox: number): MailboxChange => ({
  ...{ account: 7, mailbox, fromModseq: 0, modseq: 1, uidNext: 2, messages: 1 },
  isArrivalOnly: true,
});

class Watcher {
  readonly heard: number[] = [];

  changed({ mailbox }: MailboxChange): void {
    this.heard.push(mailbox);
  }
}

it('a change reaches the watchers of its mailbox and of its account, and no others', () => {
  const words = watchedWords();
  const hub = new NoticeHub(new Watchers(words));
  const [one, other, all] = [new Watcher(), new Watcher(), new Watcher()];
  hub.watch(7, 1, one);
  hub.watch(7, 2, other);
  hub.watch(7, anyMailbox, all);
  hub.tell(change(1));
  hub.tell({ ...change(1), account: 8 });
  assert.deepEqual([one.heard, other.heard, all.heard], [[1], [], [1]]);
});

it('an account is watched from its first watcher to its last, however often each leaves', () => {
  const words = watchedWords();
  const watched = new Watched(words);
  const hub = new NoticeHub(new Watchers(words));
  const [one, other] = [new Watcher(), new Watcher()];
  assert.ok(!watched.has(7));
  hub.watch(7, 1, one);
  hub.watch(7, 1, other);
  hub.watch(7, 2, one);
  hub.unwatch(7, 1, one);
  hub.unwatch(7, 1, one);
  assert.ok(watched.has(7));
  hub.unwatch(7, 2, one);
  assert.ok(watched.has(7), 'the other is there');
  hub.unwatch(7, 1, other);
  assert.ok(!watched.has(7));
  assert.ok(!watched.has(8));
});

it('ten thousand watchers are told in turns, so that others have theirs', async () => {
  const hub = new NoticeHub(new Watchers(watchedWords()));
  const watchers = Array.from({ length: 10_000 }, () => new Watcher());
  for (const watcher of watchers) hub.watch(7, 1, watcher);
  const toldOf = () => watchers.filter(({ heard }) => heard.length > 0).length;
  hub.tell(change(1));
  assert.ok(toldOf() < 1_000, `${toldOf()} in the first turn`);
  await turns(30);
  assert.equal(toldOf(), watchers.length);
});
