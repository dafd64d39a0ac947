/** Aim: of rows that others wrote, listeners hear what they would have heard of writes of their own. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryIndex } from '../../../../src/adapters/memory/memory-index.ts';
import { openTableIdentity } from '../../../../src/adapters/table/account-directory.ts';
import { toldBy } from '../../../../src/adapters/table/told-by.ts';
import { WriteTurns } from '../../../../src/adapters/table/write-turns.ts';
import type { DirectoryChange } from '../../../../src/ports/account-directory.ts';
import { type IndexChange, IndexMoved } from '../../../../src/ports/shard-index.ts';
import { accountRow, domainRow } from '../../../contracts/directory-rows.ts';

/** Remembers what was committed last. */
class Watched extends MemoryIndex {
  last: readonly IndexChange[] = [];

  override commit(changes: readonly IndexChange[]): Promise<void> {
    this.last = changes;
    return super.commit(changes);
  }
}

describe('what others wrote', () => {
  it('is told as the writes that made it', async () => {
    const table = new Watched();
    const { directory, credentials, roles, groups } = openTableIdentity({ table, shards: 4 });
    const heard: DirectoryChange[] = [];
    directory.subscribe((change) => heard.push(change));
    const check = (what: string) => {
      const told = toldBy(table.last);
      assert.ok(
        told.some((one) => JSON.stringify(one) === JSON.stringify(heard.at(-1))),
        `${what}: ${JSON.stringify(told)} has no ${JSON.stringify(heard.at(-1))}`,
      );
    };
    const tenant = await directory.createTenant({ name: 'acme', createdMs: 1 });
    check('tenant');
    await directory.putDomain(domainRow('here.test', { tenant: tenant.id }));
    check('domain');
    const ann = await directory.createAccount(accountRow('ann@here.test', { tenant: tenant.id }));
    check('account');
    await directory.putAlias({ address: 'a@here.test', tenant: tenant.id, targets: ['x@y.test'] });
    check('alias');
    await directory.putSrsSecrets([{ secret: 's', createdMs: 1 }]);
    check('srs secrets');
    await credentials.putPolicy(await credentials.policy(tenant.id));
    check('policy');
    await credentials.setPassword(ann, {
      ...{ hash: 'hash', verifiers: [], setMs: 1, historyMax: 1 },
    });
    check('password');
    await roles.grant({ tenant: tenant.id, account: ann.id, role: 'owner', createdMs: 1, by: 'x' });
    check('roles');
    await groups.createGroup({
      ...{ tenant: tenant.id, address: 'all@here.test', senders: 'anybody', createdMs: 1 },
    });
    check('group');
    await directory.deleteAccount(ann.id);
    check('account that goes');
  });

  it('is told once for each thing, and a session that is made is no news', async () => {
    const table = new Watched();
    const { directory, credentials } = openTableIdentity({ table, shards: 4 });
    await directory.putDomain(domainRow('here.test'));
    const ann = await directory.createAccount(accountRow('ann@here.test'));
    const session = await credentials.createSession(ann, {
      ...{ device: 'x', address: '192.0.2.1', createdMs: 1, refreshHash: 'a'.repeat(64) },
      ...{ expiresMs: 10, secondFactorMs: 0 },
    });
    assert.deepEqual(toldBy(table.last), []);
    await credentials.deleteSession(ann, session.id);
    const gone = table.last;
    assert.deepEqual(toldBy([...gone, ...gone]), [{ kind: 'credentials', id: ann.id }]);
  });

  it('makes a decision that it overtook be made again, and not without end', async () => {
    let times = 0;
    const table = new MemoryIndex();
    table.commit = async () => {
      times++;
      if (times < 3) throw new IndexMoved('others wrote');
    };
    const turns = new WriteTurns(table, () => {});
    let decisions = 0;
    const decide = () => {
      decisions++;
      return { changes: [{ remove: Buffer.from('a') }] };
    };
    await turns.write(decide);
    assert.equal(decisions, 3);
    table.commit = async () => {
      throw new IndexMoved('others wrote');
    };
    decisions = 0;
    await assert.rejects(turns.write(decide), { code: 'store-busy' });
    assert.equal(decisions, 16);
  });
});
