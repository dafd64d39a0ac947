/** The contract of `src/ports/account-owners.ts`, run against each adapter. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placesMax } from '../../src/ports/account-owners.ts';
import { accountRow } from './directory-rows.ts';
import { askedBy, identityWorld, type OpenedIdentity } from './identity-world.ts';

export function ownerContract(name: string, open: () => Promise<OpenedIdentity>): void {
  const world = async () => await identityWorld(await open());

  describe(`account owners contract: ${name}`, () => {
    it('keeps an address elsewhere, and forgets it', async () => {
      await using one = await world();
      const { ann, eve, heard, identity } = one;
      assert.equal(await identity.owners.recoveryAddress(ann), '');
      await identity.owners.putRecoveryAddress(ann, 'ann@far.test');
      const foreign = askedBy(eve, ann);
      assert.equal(await identity.owners.recoveryAddress(foreign), '');
      const write = identity.owners.putRecoveryAddress(foreign, 'eve@far.test');
      await assert.rejects(write, { code: 'not-found' });
      for (const wrong of ['a b@far.test', 'a\r\n@far.test', `${'x'.repeat(260)}@far.test`]) {
        const put = identity.owners.putRecoveryAddress(ann, wrong);
        await assert.rejects(put, { code: 'argument-invalid' });
      }
      const again = (await one.reopen?.()) ?? identity;
      assert.equal(await again.owners.recoveryAddress(ann), 'ann@far.test');
      await again.owners.putRecoveryAddress(ann, '');
      assert.equal(await again.owners.recoveryAddress(ann), '');
      assert.deepEqual(heard, []);
    });

    it('keeps places of log-ins, the last ones', async () => {
      await using one = await world();
      const { ann, bob, eve, identity } = one;
      const { owners } = identity;
      assert.deepEqual(await owners.places(ann), []);
      for (let place = 0; place <= placesMax; place++) {
        await owners.notePlace(ann, { name: `place ${place}`, atMs: place });
      }
      await owners.notePlace(ann, { name: 'place 1', atMs: 99 });
      const places = await owners.places(ann);
      assert.equal(places.length, placesMax);
      assert.deepEqual(places.slice(0, 2), [
        { name: 'place 1', atMs: 99 },
        { name: `place ${placesMax}`, atMs: placesMax },
      ]);
      assert.equal(
        places.some(({ name: each }) => each === 'place 0'),
        false,
      );
      assert.deepEqual(await owners.places(bob), []);
      assert.deepEqual(await owners.places(askedBy(eve, ann)), []);
      await assert.rejects(owners.notePlace(askedBy(eve, ann), { name: 'x', atMs: 1 }), {
        code: 'not-found',
      });
      const again = (await one.reopen?.()) ?? identity;
      assert.equal((await again.owners.places(ann)).length, placesMax);
    });

    it('goes with its account', async () => {
      await using one = await world();
      const { ann, identity } = one;
      const { owners, directory } = identity;
      await owners.putRecoveryAddress(ann, 'ann@far.test');
      await directory.deleteAccount(ann.id);
      assert.equal(await owners.recoveryAddress(ann), '');
      const row = accountRow('ann@acme.test', { tenant: ann.tenant });
      const made = await directory.createAccount(row);
      assert.equal(await owners.recoveryAddress(made), '');
    });
  });
}
