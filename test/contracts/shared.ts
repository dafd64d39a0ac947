/**
 * The contract of shared mailboxes and of sending in another's name (`src/ports/account-directory.ts`), run against each
 * adapter.
 *
 * Method: as of `credentials.ts`.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AccountId } from '../../src/base/ids.ts';
import { mayLogIn, sendersMax } from '../../src/ports/account-directory.ts';
import { identifierOf } from '../../src/ports/groups.ts';
import { accountRow } from './directory-rows.ts';
import { hashOf, identityWorld, type OpenedIdentity } from './identity-world.ts';

export function sharedContract(name: string, open: () => Promise<OpenedIdentity>): void {
  const world = async () => {
    const one = await identityWorld(await open());
    const { tenant } = one.ann;
    const { directory, groups } = one.identity;
    const shared = await directory.createAccount(
      accountRow('support@acme.test', { tenant, isShared: true }),
    );
    const desk = await groups.createGroup({
      ...{ tenant, address: 'desk@acme.test', senders: 'nobody', createdMs: 1 },
    });
    return { ...one, shared, desk };
  };

  describe(`shared mailboxes contract: ${name}`, () => {
    it('nothing that logs in is kept of one, and it stays what it is', async () => {
      await using one = await world();
      const { ann, shared, identity } = one;
      const { directory, credentials, secondFactors } = identity;
      assert.equal(mayLogIn(shared), false);
      assert.equal(mayLogIn(ann), true);
      const found = await directory.resolve('support', 'acme.test');
      assert.equal(found.kind === 'resolved' && found.targets.length, 1, 'it takes mail');
      const refused = { code: 'argument-invalid' };
      const times = { createdMs: 1, expiresMs: 9, secondFactorMs: 0 };
      for (const write of [
        credentials.setPassword(shared, { hash: 'x', verifiers: [], setMs: 1, historyMax: 0 }),
        credentials.createAppPassword(shared, {
          ...{
            name: 'mail',
            hash: hashOf('a'),
            scopes: ['imap'],
            networks: [],
            createdMs: 1,
            expiresMs: 0,
          },
        }),
        credentials.createSession(shared, {
          ...{ device: '', address: '', refreshHash: hashOf('a'), ...times },
        }),
        secondFactors.addTotp(shared, { name: '', secret: 'c2VjcmV0', createdMs: 1 }),
        directory.putAccount({ ...shared, passwordHash: 'x' }),
        directory.putAccount({ ...ann, isShared: true }),
        directory.createAccount(
          accountRow('x@acme.test', { tenant: ann.tenant, isShared: true, passwordHash: 'x' }),
        ),
      ]) {
        await assert.rejects(write, refused);
      }
      const { isShared: _, ...own } = shared;
      await assert.rejects(directory.putAccount(own), refused);
      await directory.putAccount({ ...shared, isEnabled: false });
      const again = (await one.reopen?.()) ?? identity;
      assert.equal((await again.directory.accountById(shared.id))?.isShared, true);
    });

    it('an account or a group sends in its name, and its aliases’, until that is taken back', async () => {
      await using one = await world();
      const { ann, bob, shared, desk, identity } = one;
      const { directory, groups } = identity;
      const { tenant } = ann;
      await directory.putAlias({ address: 'help@acme.test', tenant, targets: [shared.address] });
      const may = async (account = ann) => [
        await directory.maySendAs(account, shared.address),
        await directory.maySendAs(account, 'help@acme.test'),
      ];
      assert.deepEqual(await may(), [false, false]);
      await directory.putSender(shared.id, ann.id, true);
      await directory.putSender(shared.id, identifierOf(desk.id), true);
      assert.deepEqual(await may(), [true, true]);
      assert.deepEqual(await may(bob), [false, false]);
      await groups.addMembers(desk, [{ account: bob.id }]);
      assert.deepEqual(await may(bob), [true, true]);
      assert.equal(await directory.maySendAs(shared, ann.address), false, 'not the other way');
      const again = ((await one.reopen?.()) ?? identity).directory;
      assert.deepEqual(await again.sendersOf(shared.id), [ann.id, identifierOf(desk.id)]);
      assert.deepEqual(await again.ownersSentFor(bob.id), [shared.id]);
      await again.putSender(shared.id, ann.id, false);
      await again.putSender(shared.id, ann.id, false);
      assert.deepEqual(await again.ownersSentFor(ann.id), []);
      assert.equal(await again.maySendAs(ann, shared.address), false);
    });

    it('it goes with whoever goes', async () => {
      await using one = await world();
      const { ann, bob, shared, desk, identity } = one;
      const { directory, groups } = identity;
      for (const identifier of [ann.id, bob.id, identifierOf(desk.id)]) {
        await directory.putSender(shared.id, identifier, true);
      }
      await directory.deleteAccount(ann.id);
      await groups.deleteGroup(desk);
      assert.deepEqual(await directory.sendersOf(shared.id), [bob.id]);
      await directory.deleteAccount(shared.id);
      assert.deepEqual(await directory.ownersSentFor(bob.id), []);
      assert.deepEqual(await directory.sendersOf(shared.id), []);
    });

    it('nobody sends over a tenant’s wall, and no more than may', async () => {
      await using one = await world();
      const { eve, shared, identity } = one;
      const { directory, groups } = identity;
      const foreign = await groups.createGroup({
        ...{ tenant: eve.tenant, address: 'all@rival.test', senders: 'nobody', createdMs: 1 },
      });
      for (const identifier of [eve.id, identifierOf(foreign.id), 4_711]) {
        const write = directory.putSender(shared.id, identifier, true);
        await assert.rejects(write, { code: 'not-found' });
      }
      const nobody = directory.putSender(4_711 as AccountId, eve.id, true);
      await assert.rejects(nobody, { code: 'not-found' });
      const { tenant } = shared;
      for (let n = 0; n <= sendersMax; n++) {
        const { id } = await directory.createAccount(accountRow(`m${n}@acme.test`, { tenant }));
        const write = directory.putSender(shared.id, id, true);
        if (n < sendersMax) await write;
        else await assert.rejects(write, { code: 'not-possible-now' });
      }
    });
  });
}
