/** Aim: no message is in more places than its row may name. Method: copies of copies up to the limit, and past it. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { placesMax } from '../../../../src/engine/mailbox/rows/document-row.ts';
import { account, MailboxWorld, tenant } from './mailbox-world.ts';

const tooMany = { code: 'not-possible-now', detail: 'copies-too-many' };

it('a COPY of many that are one message is refused where together they are too many', async () => {
  const world = new MailboxWorld();
  for (let i = 0; i < 3; i++) await world.deliver();
  const copy = (uids: readonly number[], to: number, isMove = false) =>
    world.mailboxes.copy(account, tenant, { mailbox: 1, uids }, to, isMove);
  const half = placesMax / 2;
  // Half of what fits of the first message, and one more of the second.
  for (let i = 1; i < half; i++) await copy([1, 1], 1);
  for (let i = 0; i < half; i++) await copy([2, 2], 1);
  const last = world.reader.mailbox(account, 1)!.uidNext - 1;
  const all = [1, last];
  const placesOf = () => [1, 2].map((id) => world.reader.document(account, id)!.places.length / 2);
  assert.deepEqual(placesOf(), [half, half + 1]);
  await assert.rejects(copy(all, 6), tooMany);
  assert.equal(world.reader.mailbox(account, 6)!.messages, 0, 'nothing is left behind');
  assert.deepEqual(placesOf(), [half, half + 1]);
  await copy([1, 1, 4, half + 2], 6);
  assert.deepEqual(placesOf(), [placesMax, half + 1], 'as many as fit');
  await assert.rejects(copy([1, 1], 6), tooMany);
  // A move puts nothing more there.
  await copy(all, 6, true);
  assert.deepEqual(placesOf(), [placesMax, half + 1]);
  assert.equal(world.reader.mailbox(account, 1)!.messages, 0);
});
