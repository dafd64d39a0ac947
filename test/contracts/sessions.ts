/**
 * The part of the contract of `src/ports/credentials.ts` that is about sessions of the web.
 *
 * Method: as in `credentials.ts`, which runs it against each adapter.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sessionsMax } from '../../src/ports/credentials.ts';
import { passwordRow, renewal, sessionRow } from './credential-rows.ts';
import type { World } from './identity-world.ts';

export function sessionContract(world: () => Promise<World>): void {
  it('a session is renewed with the token it has, and ends when an old one is shown', async () => {
    await using one = await world();
    const { ann, identity } = one;
    const { credentials } = identity;
    const { id } = await credentials.createSession(ann, sessionRow(1));
    const renew = (from: string, to: string, nowMs?: number) =>
      credentials.renewSession(ann, id, renewal(from, to, nowMs));
    assert.equal(await renew('a', 'b'), 'renewed');
    assert.equal((await credentials.session(ann, id))?.expiresMs, 1_010);
    assert.equal(await renew('b', 'c'), 'renewed');
    // A token that was never this session's must not end it: numbers can be guessed.
    assert.equal(await renew('e', 'f'), 'gone');
    assert.equal(await renew('c', 'd'), 'renewed');
    const again = (await one.reopen?.()) ?? identity;
    const stolen = await again.credentials.renewSession(ann, id, renewal('a', 'e'));
    assert.equal(stolen, 'reused');
    assert.equal(await again.credentials.session(ann, id), undefined);
    const late = await again.credentials.renewSession(ann, id, renewal('d', 'e'));
    assert.equal(late, 'gone');
  });

  it('of two that renew with one token, one is told so', async () => {
    await using one = await world();
    const { credentials } = one.identity;
    const { id } = await credentials.createSession(one.ann, sessionRow(1));
    const both = await Promise.all([
      credentials.renewSession(one.ann, id, renewal('a', 'b')),
      credentials.renewSession(one.ann, id, renewal('a', 'c')),
    ]);
    assert.deepEqual(both.sort(), ['renewed', 'reused']);
  });

  it('begins no session of an account that was closed meanwhile', async () => {
    await using one = await world();
    const { credentials, directory } = one.identity;
    const close = directory.changeAccount(one.ann.id, (row) => ({ ...row, isEnabled: false }));
    const begin = credentials.createSession(one.ann, sessionRow(1));
    await Promise.all([close, assert.rejects(begin, { code: 'credentials-invalid' })]);
    await directory.changeAccount(one.ann.id, (row) => ({ ...row, isEnabled: true }));
    const kept = await credentials.createSession(one.ann, sessionRow(1));
    assert.deepEqual(await credentials.sessions(one.ann), [kept]);
  });

  it('begins no session where its password was set anew before', async () => {
    await using one = await world();
    const { credentials } = one.identity;
    await credentials.setPassword(one.ann, passwordRow('old', 1));
    const begin = (hash: string) =>
      credentials.createSession(one.ann, sessionRow(1), (now) => now === hash);
    const kept = await begin('old');
    assert.deepEqual(await credentials.sessions(one.ann), [kept]);
    const invalid = { code: 'credentials-invalid' };
    const setting = credentials.setPassword(one.ann, passwordRow('new', 2));
    await Promise.all([setting, assert.rejects(begin('old'), invalid)]);
    assert.deepEqual(await credentials.sessions(one.ann), []);
  });

  it('a session that is over is not renewed, and goes with the next one', async () => {
    await using one = await world();
    const { credentials } = one.identity;
    const first = await credentials.createSession(one.ann, sessionRow(1));
    const second = await credentials.createSession(one.ann, sessionRow(500));
    const late = renewal('a', 'b', 1_001);
    assert.equal(await credentials.renewSession(one.ann, first.id, late), 'gone');
    const third = await credentials.createSession(one.ann, sessionRow(1_500));
    assert.deepEqual(await credentials.sessions(one.ann), [third]);
    assert.equal(await credentials.session(one.ann, second.id), undefined);
  });

  it('a new password ends all sessions but the one it was set in', async () => {
    await using one = await world();
    const { ann, bob, identity } = one;
    const { credentials } = identity;
    const first = await credentials.createSession(ann, sessionRow(1));
    await credentials.createSession(ann, sessionRow(1));
    const others = await credentials.createSession(bob, sessionRow(1));
    await credentials.setPassword(ann, { ...passwordRow('h', 2), keptSession: first.id });
    assert.deepEqual(await credentials.sessions(ann), [first]);
    await credentials.setPassword(ann, passwordRow('h2', 3));
    assert.deepEqual(await credentials.sessions(ann), []);
    assert.deepEqual(await credentials.sessions(bob), [others]);
  });

  it('past `sessionsMax` the session used longest ago makes room', async () => {
    await using one = await world();
    const { ann, identity } = one;
    const { credentials } = identity;
    const make = () => credentials.createSession(ann, sessionRow(1));
    const all = await Promise.all(Array.from({ length: sessionsMax }, make));
    const use = { atMs: 50, address: '192.0.2.8' };
    credentials.noteUse(ann, { session: all[0]!.id }, use);
    await make();
    const kept = (await credentials.sessions(ann)).map(({ id }) => id);
    assert.equal(kept.length, sessionsMax);
    assert.equal(kept[0], all[0]!.id);
    assert.equal(kept.includes(all[1]!.id), false);
  });

  it('notes a second factor of a session, and ends sessions', async () => {
    await using one = await world();
    const { ann, heard, identity } = one;
    const { credentials } = identity;
    const { id } = await credentials.createSession(ann, sessionRow(1));
    assert.deepEqual(heard, []);
    await credentials.noteSecondFactor(ann, id, 77);
    assert.equal((await credentials.session(ann, id))?.secondFactorMs, 77);
    await credentials.deleteSession(ann, id);
    await assert.rejects(credentials.deleteSession(ann, id), { code: 'not-found' });
    await assert.rejects(credentials.noteSecondFactor(ann, id, 78), { code: 'not-found' });
    await credentials.createSession(ann, sessionRow(1));
    await credentials.deleteSessions(ann);
    assert.deepEqual(await credentials.sessions(ann), []);
    assert.deepEqual(heard.at(-1), { kind: 'credentials', id: ann.id });
  });
}
