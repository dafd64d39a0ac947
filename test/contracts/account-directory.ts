/**
 * The contract of `src/ports/account-directory.ts`, run against each adapter.
 *
 * Method: a small directory is built for each case; `resolve` is compared with what the port promises.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MailError } from '../../src/base/errors.ts';
import { type AccountId, defaultTenant, type TenantId } from '../../src/base/ids.ts';
import type {
  Account,
  AccountDirectory,
  DirectoryChange,
} from '../../src/ports/account-directory.ts';
import { deletionContract } from './directory-deletions.ts';
import { accountRow, domainRow } from './directory-rows.ts';
import { sharingContract } from './directory-sharing.ts';
import { tenantContract } from './directory-tenants.ts';

export interface OpenedDirectory extends AsyncDisposable {
  readonly directory: AccountDirectory;
  /** Opens another one on the same table after a kill; absent where nothing outlives the object. */
  readonly reopen?: () => Promise<AccountDirectory>;
}

export interface DirectoryChoice {
  readonly shards: number;
  readonly postmaster?: string;
}

const tenant = defaultTenant;

async function targetsOf(directory: AccountDirectory, localPart: string, domain: string) {
  const resolution = await directory.resolve(localPart, domain);
  if (resolution.kind !== 'resolved') return resolution.kind;
  return resolution.targets.map((target) =>
    target.kind === 'account' ? target.account : target.address,
  );
}

const code = (wanted: string) => (error: unknown) =>
  (error as { code?: string }).code === wanted || assert.fail(`not ${wanted}: ${error}`);

export function accountDirectoryContract(
  name: string,
  open: (choice: DirectoryChoice) => Promise<OpenedDirectory>,
): void {
  async function opened(choice: DirectoryChoice = { shards: 4 }) {
    const one = await open(choice);
    await one.directory.putDomain(domainRow('a.test'));
    return one;
  }

  describe(`account directory contract: ${name}`, () => {
    it('tells its own domains from others, whatever their spelling', async () => {
      await using one = await opened();
      const { directory } = one;
      await directory.putDomain(domainRow('Bücher.Example.'));
      for (const local of ['a.test', 'A.TEST', 'a.test.', 'bücher.example', 'BÜCHER.example']) {
        assert.equal(await directory.isLocalDomain(local), true, local);
      }
      assert.equal(await directory.isLocalDomain('xn--bcher-kva.example'), true);
      for (const other of ['b.test', 'sub.a.test', '', '[127.0.0.1]', 'a.test/x', 'a test']) {
        assert.equal(await directory.isLocalDomain(other), false, other);
      }
      assert.equal((await directory.domain('bücher.example'))?.name, 'xn--bcher-kva.example');
      assert.equal(await targetsOf(directory, 'x', 'elsewhere.test'), 'remote');
      assert.equal(await targetsOf(directory, 'x', 'a.test'), 'missing');
    });

    it('numbers accounts from one and spreads them over the shards for life', async () => {
      await using one = await opened({ shards: 3 });
      const { directory } = one;
      const shards = [];
      for (let i = 0; i < 6; i++) {
        const made = await directory.createAccount(accountRow(`u${i}@a.test`));
        assert.equal(made.id, i + 1);
        shards.push(made.shard);
      }
      assert.deepEqual([...shards].sort(), [0, 0, 1, 1, 2, 2]);
      const [first] = await directory.accounts();
      await directory.putAccount({ ...first!, quotaBytes: 9 });
      assert.deepEqual(await directory.accountById(first!.id), { ...first!, quotaBytes: 9 });
      const other = ((first!.shard + 1) % 3) as Account['shard'];
      await assert.rejects(
        directory.putAccount({ ...first!, shard: other }),
        code('argument-invalid'),
      );
      await directory.deleteAccount(6 as AccountId);
      assert.equal((await directory.createAccount(accountRow('u6@a.test'))).id, 7);
    });

    it('changes what an account is when it is written, and leaves what others changed', async () => {
      await using one = await opened();
      const { directory } = one;
      const made = await directory.createAccount(accountRow('u@a.test', { passwordHash: 'old' }));
      const password = directory.changeAccount(made.id, (row) => ({ ...row, passwordHash: 'new' }));
      const quota = directory.changeAccount(made.id, (row) => ({ ...row, quotaBytes: 9 }));
      await password;
      const expected = { ...made, passwordHash: 'new', quotaBytes: 9 };
      assert.deepEqual(await quota, expected);
      assert.deepEqual(await directory.accountById(made.id), expected);
      await assert.rejects(
        directory.changeAccount(99 as AccountId, (row) => row),
        code('not-found'),
      );
      await assert.rejects(
        directory.changeAccount(made.id, (row) => ({ ...row, tenant: 99 as Account['tenant'] })),
        code('argument-invalid'),
      );
    });

    it('finds an account by its primary address in any spelling', async () => {
      await using one = await opened();
      const { directory } = one;
      const made = await directory.createAccount(
        accountRow('Jöhn.Doe@A.Test', { passwordHash: 'h' }),
      );
      assert.equal(made.address, 'jöhn.doe@a.test');
      for (const local of [
        'jöhn.doe',
        'JÖHN.DOE',
        'Jo\u0308hn.Doe',
        '"jöhn.doe"',
        '"j\\öhn.doe"',
      ]) {
        assert.deepEqual(await directory.accountByAddress(`${local}@a.TEST`), made, local);
        assert.deepEqual(await targetsOf(directory, local, 'A.test'), [made.id], local);
      }
      assert.equal(await directory.accountByAddress('nobody@a.test'), undefined);
      assert.equal(await directory.accountByAddress('no address'), undefined);
      assert.equal(await directory.accountByAddress('@a.test'), undefined);
    });

    // RFC 5233 §1: what follows the separator is the user's own.
    it('resolves a subaddress to its user, and an exact name before that', async () => {
      await using one = await opened();
      const { directory } = one;
      const user = await directory.createAccount(accountRow('user@a.test'));
      const tagged = await directory.createAccount(accountRow('user+own@a.test'));
      assert.deepEqual(await targetsOf(directory, 'User+Tag+more', 'a.test'), [user.id]);
      assert.deepEqual(await targetsOf(directory, 'user+own', 'a.test'), [tagged.id]);
      assert.equal(await targetsOf(directory, '+tag', 'a.test'), 'missing');
      assert.equal(await targetsOf(directory, 'nobody+tag', 'a.test'), 'missing');
    });

    it('expands aliases to local and outside targets, each once', async () => {
      await using one = await opened();
      const { directory } = one;
      const user = await directory.createAccount(accountRow('user@a.test'));
      await directory.putAlias({
        address: 'team@a.test',
        tenant,
        targets: ['user@a.test', 'More@a.test', 'gone@a.test'],
      });
      await directory.putAlias({
        address: 'more@a.test',
        tenant,
        targets: ['USER+x@A.test', 'Out@Else.test', 'Out@else.test'],
      });
      assert.deepEqual(await targetsOf(directory, 'team', 'a.test'), [user.id, 'Out@else.test']);
      assert.deepEqual(await targetsOf(directory, 'team+tag', 'a.test'), [
        user.id,
        'Out@else.test',
      ]);
    });

    it('refuses aliases and catch-alls that lead back to themselves, and names the way', async () => {
      await using one = await opened();
      const { directory } = one;
      const user = await directory.createAccount(accountRow('user@a.test'));
      const alias = (address: string, ...targets: string[]) =>
        directory.putAlias({ address: `${address}@a.test`, tenant, targets });
      const refusedAs = (words: string) => (error: unknown) =>
        error instanceof MailError &&
        error.code === 'argument-invalid' &&
        error.detail.endsWith(words);
      await alias('x', 'y@a.test');
      await alias('y', 'user@a.test', 'z@a.test');
      await assert.rejects(
        alias('z', 'user@a.test', 'X+tag@a.test'),
        refusedAs('round: z@a.test → x@a.test → y@a.test → z@a.test'),
      );
      await assert.rejects(alias('self', 'self@a.test'), refusedAs('self@a.test → self@a.test'));
      // The second way to one alias is no loop.
      await alias('both', 'x@a.test', 'y@a.test', 'user+tag@a.test', 'x@else.test');

      await assert.rejects(
        directory.putDomain(domainRow('a.test', { catchAll: 'x@a.test' })),
        refusedAs('round: *@a.test → x@a.test → y@a.test → *@a.test'),
      );
      await directory.putDomain(domainRow('a.test', { catchAll: 'user@a.test' }));
      await directory.putDomain(domainRow('b.test', { catchAll: 'w@a.test' }));
      await assert.rejects(
        alias('w', 'nobody@b.test'),
        refusedAs('w@a.test → *@b.test → w@a.test'),
      );
      assert.deepEqual(await targetsOf(directory, 'both', 'a.test'), [user.id, 'x@else.test']);
    });

    it('cuts loops that a deletion left, and chains that are too deep', async () => {
      await using one = await opened();
      const { directory } = one;
      const user = await directory.createAccount(accountRow('user@a.test'));
      const end = await directory.createAccount(accountRow('end@a.test'));
      await directory.putAlias({ address: 'x@a.test', tenant, targets: ['end@a.test'] });
      await directory.putDomain(domainRow('a.test', { catchAll: 'x@a.test' }));
      await directory.deleteAccount(end.id);
      assert.equal(await targetsOf(directory, 'x', 'a.test'), 'missing');
      for (let i = 0; i < 15; i++) {
        await directory.putAlias({
          address: `c${i}@a.test`,
          tenant,
          targets: [i === 14 ? 'user@a.test' : `c${i + 1}@a.test`],
        });
      }
      assert.deepEqual(await targetsOf(directory, 'c6', 'a.test'), [user.id]);
      assert.equal(await targetsOf(directory, 'c0', 'a.test'), 'missing');
    });

    it('gives unknown names to the catch-all, where the domain has one', async () => {
      await using one = await opened();
      const { directory } = one;
      const user = await directory.createAccount(accountRow('user@a.test'));
      const disabled = await directory.createAccount(
        accountRow('off@a.test', { isEnabled: false }),
      );
      await directory.putDomain(domainRow('a.test', { catchAll: 'user@a.test' }));
      await directory.putDomain(domainRow('b.test', { catchAll: 'all@else.test' }));
      assert.deepEqual(await targetsOf(directory, 'unknown', 'a.test'), [user.id]);
      assert.deepEqual(await targetsOf(directory, 'unknown', 'b.test'), ['all@else.test']);
      assert.equal(await targetsOf(directory, 'off', 'a.test'), 'disabled');
      assert.equal(disabled.isEnabled, false);
      await directory.putDomain(domainRow('a.test', { catchAll: 'gone@a.test' }));
      assert.equal(await targetsOf(directory, 'unknown', 'a.test'), 'missing');
    });

    // RFC 5321 §4.5.1 and RFC 2142 §2: these must reach a person.
    it('always has somebody for postmaster and abuse', async () => {
      await using one = await opened({ shards: 1, postmaster: 'chief@a.test' });
      const { directory } = one;
      await directory.createAccount(accountRow('off@a.test', { isEnabled: false }));
      const first = await directory.createAccount(accountRow('zoe@a.test'));
      const chief = await directory.createAccount(accountRow('chief@a.test'));
      await directory.putDomain(domainRow('empty.test'));
      await directory.putDomain(domainRow('named.test', { postmaster: 'chief@a.test' }));
      assert.deepEqual(await targetsOf(directory, 'PostMaster', 'a.test'), [first.id]);
      assert.deepEqual(await targetsOf(directory, 'abuse', 'a.test'), [first.id]);
      assert.deepEqual(await targetsOf(directory, 'postmaster', 'named.test'), [chief.id]);
      assert.deepEqual(await targetsOf(directory, 'abuse', 'empty.test'), [chief.id]);
      assert.deepEqual(await targetsOf(directory, 'Postmaster', ''), [chief.id]);
      assert.equal(await targetsOf(directory, 'other', ''), 'missing');
      const own = await directory.createAccount(accountRow('postmaster@a.test'));
      assert.deepEqual(await targetsOf(directory, 'postmaster', 'a.test'), [own.id]);
    });

    it('gives a bare postmaster to a domain of its own where none is configured', async () => {
      await using one = await opened();
      assert.equal(await targetsOf(one.directory, 'postmaster', ''), 'missing');
      const user = await one.directory.createAccount(accountRow('user@a.test'));
      assert.deepEqual(await targetsOf(one.directory, 'postmaster', ''), [user.id]);
    });

    it('says over quota while the engine said so', async () => {
      await using one = await opened();
      const { directory } = one;
      const user = await directory.createAccount(accountRow('user@a.test'));
      assert.deepEqual(await targetsOf(directory, 'user', 'a.test'), [user.id]);
      directory.noteOverQuota(user.id, true);
      assert.equal(await targetsOf(directory, 'user', 'a.test'), 'over-quota');
      directory.noteOverQuota(user.id, false);
      assert.deepEqual(await targetsOf(directory, 'user', 'a.test'), [user.id]);
    });

    it('lets an account send as itself, its aliases and what it was granted, no more', async () => {
      await using one = await opened();
      const { directory } = one;
      const user = await directory.createAccount(
        accountRow('user@a.test', { sendAs: ['Boss@else.TEST', '*@brand.test'] }),
      );
      const other = await directory.createAccount(accountRow('other@a.test'));
      await directory.putAlias({
        address: 'sales@a.test',
        tenant,
        targets: ['user@a.test', 'x@else.test'],
      });
      await directory.putDomain(
        domainRow('a.test', { catchAll: 'user@a.test', postmaster: 'user@a.test' }),
      );
      const may = (address: string) => directory.maySendAs(user, address);
      for (const address of [
        'USER@a.test',
        'user+tag@a.test',
        'sales@A.test',
        'Boss@else.test',
        'any@brand.test',
      ]) {
        assert.equal(await may(address), true, address);
      }
      for (const address of [
        'other@a.test',
        'unknown@a.test',
        'x@else.test',
        'postmaster@a.test',
        'brand.test',
        '',
        'a@b@c',
      ]) {
        assert.equal(await may(address), false, address);
      }
      assert.equal(await directory.maySendAs(other, 'sales@a.test'), false);
      directory.noteOverQuota(user.id, true);
      assert.equal(await may('user@a.test'), true);
      assert.equal(await may('sales@a.test'), true);
    });

    it('keeps signing keys per domain, oldest first', async () => {
      await using one = await opened();
      const { directory } = one;
      const keys = [
        { selector: 's2', algorithm: 'ed25519-sha256', privatePem: 'b', createdMs: 2 },
        { selector: 's1', algorithm: 'rsa-sha256', privatePem: 'a', createdMs: 1 },
      ] as const;
      assert.deepEqual(await directory.dkimKeys('a.test'), []);
      await directory.putDkimKeys('A.test', keys);
      assert.deepEqual(
        (await directory.dkimKeys('a.TEST')).map((key) => key.selector),
        ['s1', 's2'],
      );
      await assert.rejects(directory.putDkimKeys('b.test', keys), code('domain-missing'));
      await directory.deleteDomain('a.test');
      await directory.putDomain(domainRow('a.test'));
      assert.deepEqual(await directory.dkimKeys('a.test'), []);
    });

    it('keeps the secrets of return paths, the newest first', async () => {
      await using one = await opened();
      const { directory } = one;
      assert.deepEqual(await directory.srsSecrets(), []);
      const [older, newer] = [1, 2].map((createdMs) => ({ secret: `s${createdMs}`, createdMs }));
      await directory.putSrsSecrets([older!, newer!]);
      assert.deepEqual(await directory.srsSecrets(), [newer, older]);
      await directory.putSrsSecrets([newer!]);
      assert.deepEqual(await directory.srsSecrets(), [newer]);
    });

    it('refuses what cannot be, and leaves the directory as it was', async () => {
      await using one = await opened();
      const { directory } = one;
      const user = await directory.createAccount(accountRow('user@a.test'));
      await directory.putAlias({ address: 'al@a.test', tenant, targets: ['user@a.test'] });
      await assert.rejects(directory.createAccount(accountRow('x@b.test')), code('domain-missing'));
      await assert.rejects(
        directory.createAccount(accountRow('USER@a.test')),
        code('already-exists'),
      );
      await assert.rejects(
        directory.createAccount(accountRow('al@a.test')),
        code('already-exists'),
      );
      await assert.rejects(directory.createAccount(accountRow('nobody')), code('argument-invalid'));
      const tooLong = `${'x'.repeat(65)}@a.test`;
      await assert.rejects(directory.createAccount(accountRow(tooLong)), code('argument-invalid'));
      const stranger = accountRow('y@a.test', { tenant: 7 as TenantId });
      await assert.rejects(directory.createAccount(stranger), code('argument-invalid'));
      await assert.rejects(
        directory.putAlias({ address: 'user@a.test', tenant, targets: ['x@b.test'] }),
        code('already-exists'),
      );
      await assert.rejects(
        directory.putAlias({ address: 'z@a.test', tenant, targets: [] }),
        code('argument-invalid'),
      );
      await assert.rejects(
        directory.putAlias({ address: 'z@b.test', tenant, targets: ['a@b.c'] }),
        code('domain-missing'),
      );
      await assert.rejects(directory.deleteAlias('user@a.test'), code('not-found'));
      await assert.rejects(directory.deleteAccount(99 as AccountId), code('not-found'));
      await assert.rejects(
        directory.putAccount({ ...user, id: 99 as AccountId }),
        code('not-found'),
      );
      await assert.rejects(directory.deleteDomain('a.test'), code('not-possible-now'));
      await assert.rejects(directory.deleteDomain('b.test'), code('domain-missing'));
      await assert.rejects(directory.putDomain(domainRow('no domain')), code('argument-invalid'));
      assert.deepEqual(await directory.accounts(), [user]);
      assert.equal((await directory.aliases()).length, 1);
      assert.deepEqual(await targetsOf(directory, 'user', 'a.test'), [user.id]);
    });

    it('moves an account to another address, and frees the old one', async () => {
      await using one = await opened();
      const { directory } = one;
      await directory.putDomain(domainRow('b.test'));
      const user = await directory.createAccount(accountRow('user@a.test'));
      await directory.putAccount({ ...user, address: 'New@b.test' });
      assert.deepEqual(await targetsOf(directory, 'new', 'b.test'), [user.id]);
      assert.equal(await targetsOf(directory, 'user', 'a.test'), 'missing');
      assert.deepEqual(
        (await directory.accounts('b.test')).map((row) => row.id),
        [user.id],
      );
      assert.deepEqual(await directory.accounts('a.test'), []);
      await directory.deleteDomain('a.test');
      await directory.deleteAccount(user.id);
      assert.equal(await directory.accountById(user.id), undefined);
      assert.equal(await targetsOf(directory, 'new', 'b.test'), 'missing');
    });

    it('lists rows of all domains or of one, past the size of a page', async () => {
      await using one = await opened();
      const { directory } = one;
      await directory.putDomain(domainRow('a.test.more'));
      const made = [];
      for (let i = 0; i < 520; i++) made.push(directory.createAccount(accountRow(`u${i}@a.test`)));
      await Promise.all(made);
      await directory.putAlias({ address: 'x@a.test.more', tenant, targets: ['u1@a.test'] });
      assert.equal((await directory.accounts()).length, 520);
      assert.equal((await directory.accounts('A.test')).length, 520);
      assert.deepEqual(await directory.accounts('a.test.more'), []);
      assert.deepEqual(await directory.aliases('a.test'), []);
      assert.deepEqual(await directory.aliases(), [
        { address: 'x@a.test.more', tenant, targets: ['u1@a.test'] },
      ]);
      assert.deepEqual(
        (await directory.domains()).map((row) => row.name),
        ['a.test', 'a.test.more'],
      );
    });

    it('gives two writes of one turn different numbers and one of two equal names', async () => {
      await using one = await opened();
      const { directory } = one;
      const outcomes = await Promise.allSettled([
        directory.createAccount(accountRow('x@a.test')),
        directory.createAccount(accountRow('x@a.test')),
        directory.createAccount(accountRow('y@a.test')),
      ]);
      assert.deepEqual(
        outcomes.map((o) => o.status),
        ['fulfilled', 'rejected', 'fulfilled'],
      );
      assert.deepEqual(
        (await directory.accounts()).map((row) => row.id),
        [1, 2],
      );
    });

    it('tells subscribers of each write once reads see it, until they leave', async () => {
      await using one = await opened();
      const { directory } = one;
      const seen: [DirectoryChange, boolean][] = [];
      const leave = directory.subscribe((change) => {
        seen.push([change, directory.resolve('user', 'a.test') !== undefined]);
      });
      const user = await directory.createAccount(accountRow('user@a.test'));
      await directory.putAlias({ address: 'al@a.test', tenant, targets: ['user@a.test'] });
      await assert.rejects(directory.deleteAccount(9 as AccountId));
      leave();
      await directory.putDomain(domainRow('b.test'));
      assert.deepEqual(seen, [
        [{ kind: 'account', id: user.id }, true],
        [{ kind: 'alias', address: 'al@a.test' }, true],
      ]);
    });
    deletionContract(opened);

    sharingContract(opened);
    tenantContract(opened);

    it('shows every write that resolved after it was opened again', async (t) => {
      await using one = await opened();
      if (one.reopen === undefined) return t.skip('nothing outlives the object');
      const user = await one.directory.createAccount(
        accountRow('user@a.test', { passwordHash: 'h' }),
      );
      const again = await one.reopen();
      assert.deepEqual(await again.accountByAddress('user@a.test'), user);
    });
  });
}
