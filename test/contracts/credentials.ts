/**
 * The contract of `src/ports/credentials.ts`, run against each adapter.
 *
 * Method: two tenants with accounts; each case asks for the account's own rows, and for them by the other tenant.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MailError } from '../../src/base/errors.ts';
import { defaultTenant, type TenantId } from '../../src/base/ids.ts';
import { type AppPassword, appPasswordsMax } from '../../src/ports/credentials.ts';
import { policyDefault, type TenantPolicy } from '../../src/ports/log-in-policy.ts';
import { passwordRow, renewal, sessionRow, verifier } from './credential-rows.ts';

import { askedBy, hashOf, identityWorld, type OpenedIdentity } from './identity-world.ts';
import { sessionContract } from './sessions.ts';

function appPasswordRow(more: Partial<AppPassword> = {}): Omit<AppPassword, 'id' | 'lastUse'> {
  return {
    name: 'phone',
    scopes: ['imap', 'smtp'],
    networks: ['192.0.2.0/24', '2001:db8::/32'],
    hash: hashOf('a'),
    createdMs: 5,
    expiresMs: 0,
    ...more,
  };
}

export function credentialContract(name: string, open: () => Promise<OpenedIdentity>): void {
  const world = async () => await identityWorld(await open());

  describe(`credentials contract: ${name}`, () => {
    it('sets a password with its verifiers, and keeps so many before it', async () => {
      await using one = await world();
      const { ann, heard, identity } = one;
      const { credentials, directory } = identity;
      assert.deepEqual(await credentials.password(ann), { setMs: 0, verifiers: [], history: [] });
      for (const [place, hash] of ['h1', 'h2', 'h3', 'h4'].entries()) {
        await credentials.setPassword(ann, passwordRow(hash, place + 1));
      }
      const wanted = { setMs: 4, verifiers: [verifier], history: ['h3', 'h2'] };
      assert.deepEqual(await credentials.password(ann), wanted);
      assert.equal((await directory.accountById(ann.id))?.passwordHash, 'h4');
      assert.deepEqual(heard[0], { kind: 'account', id: ann.id });
      const again = await one.reopen?.();
      if (again === undefined) return;
      assert.deepEqual(await again.credentials.password(ann), wanted);
      assert.equal((await again.directory.accountByAddress(ann.address))?.passwordHash, 'h4');
    });

    it('verifiers of a password go when the account’s hash is changed by its row', async () => {
      await using one = await world();
      const { ann, identity } = one;
      const { credentials, directory } = identity;
      await credentials.setPassword(ann, passwordRow('h1', 1));
      const row = (await directory.accountById(ann.id))!;
      await directory.putAccount({ ...row, quotaBytes: 7 });
      assert.equal((await credentials.password(ann)).verifiers.length, 1);
      await directory.putAccount({ ...row, passwordHash: 'h2' });
      assert.deepEqual((await credentials.password(ann)).verifiers, []);
    });

    it('hashes a password better only while it is the same', async () => {
      await using one = await world();
      const { ann, identity } = one;
      const { credentials, directory } = identity;
      await credentials.setPassword(ann, { ...passwordRow('old', 3), verifiers: [] });
      const better = { hash: 'new', verifiers: [verifier] };
      assert.equal(await credentials.rehashPassword(ann, 'other', better), false);
      assert.equal((await directory.accountById(ann.id))?.passwordHash, 'old');
      assert.equal(await credentials.rehashPassword(ann, 'old', better), true);
      assert.equal((await directory.accountById(ann.id))?.passwordHash, 'new');
      const wanted = { setMs: 3, verifiers: [verifier], history: [] };
      assert.deepEqual(await credentials.password(ann), wanted);
    });

    it('refuses two verifiers of one mechanism', async () => {
      await using one = await world();
      const twice = { ...passwordRow('h', 1), verifiers: [verifier, verifier] };
      await assert.rejects(one.identity.credentials.setPassword(one.ann, twice), {
        code: 'argument-invalid',
      });
      assert.equal((await one.identity.directory.accountById(one.ann.id))?.passwordHash, undefined);
    });

    it('a reset link is good once, until its end, and not after a new password', async () => {
      await using one = await world();
      const { ann, identity } = one;
      const { credentials } = identity;
      const take = async (letter: string, nowMs = 5) => {
        const link = { hash: hashOf(letter), nowMs };
        try {
          await credentials.setPassword(ann, { ...passwordRow(letter, nowMs), link });
          return true;
        } catch (error) {
          assert.equal((error as MailError).code, 'credentials-invalid');
          return false;
        }
      };
      const put = (letter: string, by: 'asked' | 'handed-out' = 'asked') =>
        credentials.putReset(ann, hashOf(letter), 10, by);
      await put('a');
      assert.equal(await take('b'), false);
      assert.equal((await one.identity.directory.accountById(ann.id))?.passwordHash, undefined);
      const has = (letter: string, nowMs = 5) => credentials.hasReset(ann, hashOf(letter), nowMs);
      assert.deepEqual([await has('a'), await has('b'), await has('a', 10)], [true, false, false]);
      assert.equal(await credentials.hasReset(askedBy(one.eve, ann), hashOf('a'), 5), false);
      assert.deepEqual((await Promise.all([take('a'), take('a')])).sort(), [false, true]);
      assert.equal((await one.identity.directory.accountById(ann.id))?.passwordHash, 'a');
      await put('c');
      assert.equal(await take('c', 10), false);
      await put('d');
      await credentials.setPassword(ann, passwordRow('h', 6));
      assert.equal(await take('d'), false);
      await put('e', 'handed-out');
      for (const asked of ['f', '1']) await put(asked);
      assert.deepEqual([await has('e'), await has('f'), await has('1')], [true, false, true]);
      await put('2', 'handed-out');
      assert.deepEqual([await has('e'), await has('1'), await has('2')], [false, true, true]);
      assert.deepEqual([await take('1'), await take('2')], [true, false], 'one is used for all');
    });

    it('keeps app passwords until they are deleted, and gives no number twice', async () => {
      await using one = await world();
      const { ann, bob, heard, identity } = one;
      const { credentials } = identity;
      const phone = await credentials.createAppPassword(ann, appPasswordRow());
      const disk = await credentials.createAppPassword(ann, appPasswordRow({ networks: [] }));
      assert.deepEqual(phone, { id: phone.id, ...appPasswordRow() });
      assert.deepEqual(await credentials.appPasswords(ann), [phone, disk]);
      assert.deepEqual(await credentials.appPasswords(bob), []);
      assert.deepEqual(heard, Array(2).fill({ kind: 'credentials', id: ann.id }));
      await credentials.deleteAppPassword(ann, disk.id);
      const absent = { code: 'not-found' };
      await assert.rejects(credentials.deleteAppPassword(ann, disk.id), absent);
      await assert.rejects(credentials.deleteAppPassword(bob, phone.id), absent);
      const next = await credentials.createAppPassword(ann, appPasswordRow());
      assert.ok(next.id > disk.id);
      const again = await one.reopen?.();
      if (again === undefined) return;
      assert.deepEqual(await again.credentials.appPasswords(ann), [phone, next]);
    });

    it('refuses an app password for nothing, from nowhere, or not hashed', async () => {
      await using one = await world();
      const { credentials } = one.identity;
      for (const more of [
        { scopes: [] },
        { scopes: ['root' as 'imap'] },
        { hash: 'secret' },
        { name: 'two\nlines' },
        { name: 'n'.repeat(101) },
        { networks: ['192.0.2.0'] },
        { networks: ['192.0.2.0/33'] },
        { networks: ['host/8'] },
        { networks: Array(33).fill('::/0') },
        { expiresMs: -1 },
      ]) {
        const made = credentials.createAppPassword(one.ann, appPasswordRow(more));
        await assert.rejects(made, { code: 'argument-invalid' }, JSON.stringify(more));
      }
      assert.deepEqual(await credentials.appPasswords(one.ann), []);
    });

    it('an account has at most `appPasswordsMax` app passwords', async () => {
      await using one = await world();
      const { credentials } = one.identity;
      const make = () => credentials.createAppPassword(one.ann, appPasswordRow());
      await Promise.all(Array.from({ length: appPasswordsMax }, make));
      await assert.rejects(make(), { code: 'not-possible-now' });
      await credentials.createAppPassword(one.bob, appPasswordRow());
    });

    sessionContract(world);

    it('last uses cost no write, are read at once, and stand in rows after they settle', async () => {
      await using one = await world();
      const { ann, heard, identity } = one;
      const { credentials } = identity;
      const { id } = await credentials.createAppPassword(ann, appPasswordRow());
      heard.length = 0;
      const at = (atMs: number) => ({ atMs, address: '192.0.2.9' });
      credentials.noteUse(ann, { appPassword: id }, at(10));
      credentials.noteUse(ann, { appPassword: id }, at(20));
      credentials.noteUse(ann, { appPassword: id + 1 }, at(20));
      assert.deepEqual((await credentials.appPasswords(ann))[0]?.lastUse, at(20));
      await credentials.settleUses();
      assert.deepEqual(heard, []);
      const all = await ((await one.reopen?.()) ?? identity).credentials.appPasswords(ann);
      assert.deepEqual(
        all.map(({ lastUse }) => lastUse),
        [at(20)],
      );
    });

    it('a foreign tenant’s account is not there, whatever is asked of it', async () => {
      await using one = await world();
      const { ann, eve, heard, identity } = one;
      const { credentials } = identity;
      await credentials.setPassword(ann, passwordRow('h', 1));
      const kept = await credentials.createAppPassword(ann, appPasswordRow());
      const session = await credentials.createSession(ann, sessionRow(1));
      await credentials.putReset(ann, hashOf('d'), 10, 'asked');
      heard.length = 0;
      const crossed = askedBy(eve, ann);
      assert.deepEqual((await credentials.password(crossed)).verifiers, []);
      assert.deepEqual(await credentials.appPasswords(crossed), []);
      assert.deepEqual(await credentials.sessions(crossed), []);
      assert.equal(await credentials.session(crossed, session.id), undefined);
      credentials.noteUse(crossed, { appPassword: kept.id }, { atMs: 9, address: '::1' });
      const absent = { code: 'not-found' };
      for (const write of [
        () => credentials.setPassword(crossed, passwordRow('x', 1)),
        () => credentials.rehashPassword(crossed, 'h', { hash: 'x' }),
        () => credentials.putReset(crossed, hashOf('e'), 10, 'asked'),
        () => credentials.createAppPassword(crossed, appPasswordRow()),
        () => credentials.deleteAppPassword(crossed, kept.id),
        () => credentials.createSession(crossed, sessionRow(1)),
        () => credentials.renewSession(crossed, session.id, renewal('a', 'b')),
        () => credentials.noteSecondFactor(crossed, session.id, 1),
        () => credentials.deleteSession(crossed, session.id),
        () => credentials.deleteSessions(crossed),
      ]) {
        await assert.rejects(write, absent, String(write));
      }
      assert.deepEqual(heard, []);
      assert.deepEqual(await credentials.appPasswords(ann), [kept]);
      assert.deepEqual(await credentials.sessions(ann), [session]);
      assert.equal((await credentials.password(ann)).verifiers.length, 1);
    });

    it('an account takes all it logs in with along, and nothing of others', async () => {
      await using one = await world();
      const { ann, bob, identity } = one;
      const { credentials, directory } = identity;
      for (const account of [ann, bob]) {
        await credentials.setPassword(account, passwordRow('h', 1));
        await credentials.createAppPassword(account, appPasswordRow());
        await credentials.createSession(account, sessionRow(1));
      }
      credentials.noteUse(ann, { appPassword: 1 }, { atMs: 9, address: '::1' });
      await directory.deleteAccount(ann.id);
      await credentials.settleUses();
      const again = (await one.reopen?.()) ?? identity;
      assert.deepEqual(await again.credentials.appPasswords(ann), []);
      assert.deepEqual(await again.credentials.sessions(ann), []);
      assert.equal((await again.credentials.password(ann)).setMs, 0);
      assert.equal((await again.credentials.appPasswords(bob)).length, 1);
      assert.equal((await again.credentials.sessions(bob)).length, 1);
      assert.equal((await again.credentials.password(bob)).setMs, 1);
    });

    it('a tenant has its own policy, and one to begin with', async () => {
      await using one = await world();
      const { ann, eve, heard, identity } = one;
      const { credentials } = identity;
      const { tenant } = ann;
      assert.deepEqual(await credentials.policy(tenant), policyDefault(tenant));
      const strict = {
        tenant,
        logIn: {
          needsSecondFactor: true,
          allowsScram: true,
          needsConsent: true,
          allowsPasswordAlone: true,
          allowsPasskeyAlone: true,
        },
        password: { lengthMin: 12, scoreMin: 3, historyMax: 5, ageMsMax: 9, refusesBreached: true },
      };
      await credentials.putPolicy(strict);
      assert.deepEqual(heard, [{ kind: 'policy', tenant }]);
      await credentials.putPolicy(policyDefault(defaultTenant));
      // A row that was written before passkeys were asked about.
      const { allowsPasskeyAlone: _, ...logIn } = strict.logIn;
      await credentials.putPolicy({ ...policyDefault(eve.tenant), logIn } as TenantPolicy);
      assert.equal((await credentials.policy(eve.tenant)).logIn.allowsPasskeyAlone, false);
      await credentials.putPolicy(policyDefault(eve.tenant));
      const again = (await one.reopen?.()) ?? identity;
      assert.deepEqual(await again.credentials.policy(tenant), strict);
      assert.deepEqual(await again.credentials.policy(eve.tenant), policyDefault(eve.tenant));
      const set = (more: object) =>
        again.credentials.changePolicy(tenant, (row) => ({
          ...row,
          logIn: { ...row.logIn, ...more },
        }));
      const [first, second] = [set({ allowsScram: false }), set({ needsConsent: false })];
      await first;
      const logInBoth = { ...strict.logIn, allowsScram: false, needsConsent: false };
      assert.deepEqual((await second).logIn, logInBoth);
      assert.deepEqual((await again.credentials.policy(tenant)).logIn, logInBoth);
      const put = (row: typeof strict) => again.credentials.putPolicy(row);
      await assert.rejects(put({ ...strict, tenant: 99 as TenantId }), { code: 'not-found' });
      for (const more of [
        { lengthMin: 7 },
        { lengthMin: 129 },
        { scoreMin: 5 },
        { historyMax: 25 },
        { ageMsMax: -1 },
      ]) {
        const bad = put({ ...strict, password: { ...strict.password, ...more } });
        await assert.rejects(bad, { code: 'argument-invalid' }, JSON.stringify(more));
      }
    });

    it('keeps token keys, the newest first', async () => {
      await using one = await world();
      const { credentials } = one.identity;
      assert.deepEqual(await credentials.tokenKeys(), []);
      const keyOf = (createdMs: number) => ({ id: `k${createdMs}`, privatePem: 'pem', createdMs });
      const always = { newestBeforeMs: 1_000, keptAfterMs: 0 };
      for (const each of [1, 3, 2]) await credentials.addTokenKey(keyOf(each), always);
      const again = (await one.reopen?.()) ?? one.identity;
      assert.deepEqual(await again.credentials.tokenKeys(), [keyOf(3), keyOf(2), keyOf(1)]);
      const kept = await again.credentials.addTokenKey(keyOf(9), {
        newestBeforeMs: 3,
        keptAfterMs: 1,
      });
      assert.deepEqual(kept, [keyOf(9), keyOf(3), keyOf(2)]);
      for (let each = 10; each < 23; each++)
        await again.credentials.addTokenKey(keyOf(each), always);
      const many = again.credentials.addTokenKey(keyOf(23), always);
      await assert.rejects(many, { code: 'argument-invalid' });
    });

    it('keeps one token key of those that come at once, and answers it to all', async () => {
      await using one = await world();
      const { credentials } = one.identity;
      const keyOf = (id: string) => ({ id, privatePem: 'pem', createdMs: 500 });
      const terms = { newestBeforeMs: 100, keptAfterMs: 0 };
      const answers = await Promise.all(
        ['a', 'b', 'c'].map((id) => credentials.addTokenKey(keyOf(id), terms)),
      );
      const stored = await credentials.tokenKeys();
      assert.equal(stored.length, 1);
      for (const answer of answers) assert.deepEqual(answer, stored);
    });
  });
}
