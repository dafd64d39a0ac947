/**
 * The part of the account directory's contract that is about sharing: whose lists name whom.
 *
 * Method: as in `account-directory.ts`, which runs it against each adapter.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Account } from '../../src/ports/account-directory.ts';
import type { OpenedDirectory } from './account-directory.ts';
import { accountRow, domainRow } from './directory-rows.ts';

export function sharingContract(opened: () => Promise<OpenedDirectory>): void {
  it('notes whose lists name whom, until the owner is deleted', async () => {
    await using one = await opened();
    const { directory } = one;
    const [ann, bob, eve] = await Promise.all(
      ['ann', 'bob', 'eve'].map((name) => directory.createAccount(accountRow(`${name}@a.test`))),
    );
    const sharers = async (of: Account) => await directory.sharersFor(of.id);
    assert.deepEqual(await sharers(bob!), []);
    await directory.noteSharing(ann!.id, bob!.id, true);
    await directory.noteSharing(eve!.id, 0, true);
    await directory.noteSharing(eve!.id, 0, true);
    assert.deepEqual(await sharers(bob!), [ann!.id, eve!.id]);
    assert.deepEqual(await sharers(ann!), [eve!.id]);
    await directory.noteSharing(ann!.id, bob!.id, false);
    assert.deepEqual(await sharers(bob!), [eve!.id]);
    await directory.noteSharing(ann!.id, bob!.id, true);
    await directory.deleteAccount(eve!.id);
    assert.deepEqual(await sharers(bob!), [ann!.id]);
    await assert.rejects(async () => await directory.noteSharing(eve!.id, bob!.id, true), {
      code: 'not-found',
    });
    const again = await one.reopen?.();
    if (again !== undefined) assert.deepEqual(await again.sharersFor(bob!.id), [ann!.id]);
  });

  it('notes of sharing that come together hold in their order, and tell no subscriber', async () => {
    await using one = await opened();
    const { directory } = one;
    const [ann, bob] = await Promise.all(
      ['ann', 'bob'].map((name) => directory.createAccount(accountRow(`${name}@a.test`))),
    );
    let toldCount = 0;
    directory.subscribe(() => toldCount++);
    const note = (isNamed: boolean) => directory.noteSharing(ann!.id, bob!.id, isNamed);
    await note(true);
    await Promise.all([note(false), note(true)]);
    assert.deepEqual(await directory.sharersFor(bob!.id), [ann!.id]);
    await Promise.all([note(true), note(false)]);
    assert.deepEqual(await directory.sharersFor(bob!.id), []);
    assert.equal(toldCount, 0);
  });

  it('anyone is anyone of the owner’s tenant', async () => {
    await using one = await opened();
    const { directory } = one;
    const { id: tenant } = await directory.createTenant({ name: 'far', createdMs: 1 });
    const far = { tenant };
    await directory.putDomain(domainRow('far.test', far));
    const [ann, bob, eve] = await Promise.all([
      directory.createAccount(accountRow('ann@a.test')),
      directory.createAccount(accountRow('bob@a.test')),
      directory.createAccount(accountRow('eve@far.test', far)),
    ]);
    await directory.noteSharing(eve!.id, 0, true);
    await directory.noteSharing(ann!.id, 0, true);
    assert.deepEqual(await directory.sharersFor(bob!.id), [ann!.id]);
    // No list of one tenant names an account of another.
    await assert.rejects(async () => await directory.noteSharing(ann!.id, eve!.id, true), {
      code: 'not-found',
    });
    await directory.noteSharing(ann!.id, eve!.id, false);
    assert.deepEqual(await directory.sharersFor(eve!.id), [eve!.id]);
    const again = await one.reopen?.();
    if (again !== undefined) assert.deepEqual(await again.sharersFor(bob!.id), [ann!.id]);
  });
}
