/**
 * The contract of `src/ports/second-factors.ts`, run against each adapter.
 *
 * Specs:     RFC 6238 §5.2 (a code is taken once); WebAuthn §7.2 (signature counter).
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Passkey, passkeysMax, totpsMax } from '../../src/ports/second-factors.ts';
import { askedBy, hashOf, identityWorld, type OpenedIdentity } from './identity-world.ts';

const totp = { name: 'phone', secret: 'c2VjcmV0IG9mIHRvdHA=', createdMs: 1 };

function passkeyRow(credentialId: string, counter = 0): Omit<Passkey, 'id'> {
  const publicKey = 'cHVibGljLWtleQ';
  return { name: 'key', credentialId, publicKey, counter, transports: ['usb'], createdMs: 1 };
}

export function secondFactorContract(name: string, open: () => Promise<OpenedIdentity>): void {
  const world = async () => await identityWorld(await open());

  describe(`second factors contract: ${name}`, () => {
    it('a code generator counts once a code of it was good, and takes each step once', async () => {
      await using one = await world();
      const { ann, heard, identity } = one;
      const { secondFactors } = identity;
      assert.equal(await secondFactors.hasSecondFactor(ann), false);
      const { id } = await secondFactors.addTotp(ann, totp);
      assert.equal(await secondFactors.hasSecondFactor(ann), false);
      assert.deepEqual(heard, [{ kind: 'credentials', id: ann.id }]);
      const use = (step: number) => secondFactors.useTotp(ann, id, step);
      assert.deepEqual((await Promise.all([use(50), use(50)])).sort(), [false, true]);
      assert.equal(await use(49), false);
      assert.equal(await secondFactors.useTotp(ann, id + 1, 60), false);
      const again = (await one.reopen?.()) ?? identity;
      assert.equal(await again.secondFactors.hasSecondFactor(ann), true);
      assert.equal(await again.secondFactors.useTotp(ann, id, 50), false);
      assert.equal(await again.secondFactors.useTotp(ann, id, 51), true);
      const { totps } = await again.secondFactors.secondFactors(ann);
      assert.deepEqual(totps, [{ ...totp, id, lastStep: 51 }]);
    });

    it('a passkey is one account’s, and its counter only rises', async () => {
      await using one = await world();
      const { ann, eve, identity } = one;
      const { secondFactors } = identity;
      const { id } = await secondFactors.addPasskey(ann, passkeyRow('Y3JlZA', 3));
      const owner = { tenant: ann.tenant, id: ann.id };
      assert.deepEqual(await secondFactors.passkeyOwner('Y3JlZA'), owner);
      assert.equal(await secondFactors.passkeyOwner('b3RoZXI'), undefined);
      assert.equal(await secondFactors.passkeyOwner('no base64!'), undefined);
      const taken = secondFactors.addPasskey(eve, passkeyRow('Y3JlZA'));
      await assert.rejects(taken, { code: 'already-exists' });
      const use = (counter: number) => secondFactors.usePasskey(ann, id, counter);
      assert.equal(await use(3), false);
      assert.equal(await use(0), false);
      assert.deepEqual((await Promise.all([use(4), use(4)])).sort(), [false, true]);
      const without = await secondFactors.addPasskey(ann, passkeyRow('b3RoZXI'));
      for (const wanted of [true, true]) {
        assert.equal(await secondFactors.usePasskey(ann, without.id, 0), wanted);
      }
      const again = (await one.reopen?.()) ?? identity;
      assert.equal(await again.secondFactors.usePasskey(ann, id, 4), false);
    });

    it('a recovery code is good once, and goes with the last factor', async () => {
      await using one = await world();
      const { ann, identity } = one;
      const { secondFactors } = identity;
      const codes = [hashOf('a'), hashOf('b'), hashOf('c')];
      const early = secondFactors.putRecoveryCodes(ann, codes);
      await assert.rejects(early, { code: 'not-possible-now' });
      const key = await secondFactors.addPasskey(ann, passkeyRow('Y3JlZA'));
      await secondFactors.putRecoveryCodes(ann, codes);
      const use = (letter: string) => secondFactors.useRecoveryCode(ann, hashOf(letter));
      assert.deepEqual((await Promise.all([use('a'), use('a')])).sort(), [false, true]);
      assert.equal(await use('d'), false);
      const again = (await one.reopen?.()) ?? identity;
      assert.equal(await again.secondFactors.useRecoveryCode(ann, hashOf('a')), false);
      await again.secondFactors.deleteFactor(ann, key.id);
      assert.equal(await again.secondFactors.useRecoveryCode(ann, hashOf('b')), false);
      const left = await again.secondFactors.secondFactors(ann);
      assert.deepEqual(left, { totps: [], passkeys: [], recoveryHashes: [] });
      assert.equal(await again.secondFactors.passkeyOwner('Y3JlZA'), undefined);
      await assert.rejects(again.secondFactors.deleteFactor(ann, key.id), { code: 'not-found' });
    });

    it('refuses what is no factor, and too many', async () => {
      await using one = await world();
      const { secondFactors } = one.identity;
      const invalid = { code: 'argument-invalid' };
      await assert.rejects(secondFactors.addTotp(one.ann, { ...totp, secret: 'short' }), invalid);
      await assert.rejects(secondFactors.addTotp(one.ann, { ...totp, name: '\n' }), invalid);
      const bad = secondFactors.addPasskey(one.ann, passkeyRow('no base64!'));
      await assert.rejects(bad, invalid);
      await assert.rejects(secondFactors.addPasskey(one.ann, passkeyRow('YQ', -1)), invalid);
      const full = { code: 'not-possible-now' };
      for (let place = 0; place < totpsMax; place++) await secondFactors.addTotp(one.ann, totp);
      await assert.rejects(secondFactors.addTotp(one.ann, totp), full);
      for (let place = 0; place < passkeysMax; place++) {
        await secondFactors.addPasskey(one.ann, passkeyRow(`k${place}`));
      }
      await assert.rejects(secondFactors.addPasskey(one.ann, passkeyRow('more')), full);
      const codes = Array.from({ length: 21 }, (_, place) => place.toString(16).padStart(64, '0'));
      await assert.rejects(secondFactors.putRecoveryCodes(one.ann, codes), full);
    });

    it('a foreign tenant’s account is not there, whatever is asked of it', async () => {
      await using one = await world();
      const { ann, eve, heard, identity } = one;
      const { secondFactors } = identity;
      const { id } = await secondFactors.addTotp(ann, totp);
      await secondFactors.useTotp(ann, id, 5);
      await secondFactors.putRecoveryCodes(ann, [hashOf('a')]);
      const before = await secondFactors.secondFactors(ann);
      heard.length = 0;
      const crossed = askedBy(eve, ann);
      const none = { totps: [], passkeys: [], recoveryHashes: [] };
      assert.deepEqual(await secondFactors.secondFactors(crossed), none);
      assert.equal(await secondFactors.hasSecondFactor(crossed), false);
      for (const write of [
        () => secondFactors.addTotp(crossed, totp),
        () => secondFactors.useTotp(crossed, id, 9),
        () => secondFactors.addPasskey(crossed, passkeyRow('YQ')),
        () => secondFactors.usePasskey(crossed, id, 9),
        () => secondFactors.deleteFactor(crossed, id),
        () => secondFactors.putRecoveryCodes(crossed, []),
        () => secondFactors.useRecoveryCode(crossed, hashOf('a')),
        () => secondFactors.clearFactors(crossed),
      ]) {
        await assert.rejects(write, { code: 'not-found' }, String(write));
      }
      assert.deepEqual(heard, []);
      assert.deepEqual(await secondFactors.secondFactors(ann), before);
    });

    it('factors go all at once, or with their account, and free their passkeys', async () => {
      await using one = await world();
      const { ann, bob, identity } = one;
      const { directory, secondFactors } = identity;
      await secondFactors.addPasskey(ann, passkeyRow('YQ'));
      await secondFactors.clearFactors(ann);
      assert.equal(await secondFactors.hasSecondFactor(ann), false);
      await secondFactors.addPasskey(bob, passkeyRow('YQ'));
      await directory.deleteAccount(bob.id);
      const again = (await one.reopen?.()) ?? identity;
      assert.equal(await again.secondFactors.passkeyOwner('YQ'), undefined);
      assert.equal(await again.secondFactors.hasSecondFactor(bob), false);
      await again.secondFactors.addPasskey(ann, passkeyRow('YQ'));
    });
  });
}
