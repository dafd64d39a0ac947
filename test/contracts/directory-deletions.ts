/**
 * The part of the account directory's contract that is about accounts that are gone, whose mail is not yet.
 *
 * Method: as in `account-directory.ts`, which runs it against each adapter.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Account } from '../../src/ports/account-directory.ts';
import type { OpenedDirectory } from './account-directory.ts';
import { accountRow, domainRow } from './directory-rows.ts';

export function deletionContract(opened: () => Promise<OpenedDirectory>): void {
  it('remembers an account that is gone until its mail is, too', async () => {
    await using one = await opened();
    const { directory } = one;
    await directory.putDomain(domainRow('a.test'));
    const ann = await directory.createAccount(accountRow('ann@a.test'));
    const bob = await directory.createAccount(accountRow('bob@a.test'));
    assert.deepEqual(await directory.deletions(), []);
    await directory.deleteAccount(bob.id);
    await directory.deleteAccount(ann.id);
    const of = ({ id, tenant, shard, address }: Account) => ({ id, tenant, shard, address });
    assert.deepEqual(await directory.deletions(), [of(ann), of(bob)]);
    const again = await directory.createAccount(accountRow('ann@a.test'));
    assert.notEqual(again.id, ann.id);
    await directory.endDeletion(ann.id);
    await directory.endDeletion(ann.id);
    assert.deepEqual(await directory.deletions(), [of(bob)]);
    assert.equal((await directory.accountById(again.id))?.address, 'ann@a.test');
  });
}
