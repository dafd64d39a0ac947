/**
 * The contract of sources of log-in, run against each.
 *
 * Aim:    the right password of one person opens that person, whatever is written into name and password; a source
 *         that is away says so and never `wrong`.
 * Specs:  RFC 4511 §4.2, §4.5 (bind and search), of those that ask by LDAP.
 * Method: people are put into the source from outside, the rest goes through the port alone.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LogInSource } from '../../src/ports/log-in-source.ts';

export interface PutPerson {
  readonly address: string;
  readonly password: string;
  readonly displayName?: string;
  readonly aliases?: readonly string[];
  readonly groups?: readonly string[];
  readonly quotaBytes?: number;
  readonly isEnabled?: boolean;
}

/** Takes people of `example.org`. */
export interface LogInSourceWorld extends AsyncDisposable {
  readonly source: LogInSource;
  put(person: PutPerson): Promise<void>;
  /** Whatever is behind it answers nothing. */
  leave(): Promise<void>;
  /** It does again; resolves once that can be expected to be seen. */
  comeBack(): Promise<void>;
}

const ann = 'ann@example.org';
const password = 'correct horse, battery';

export function logInSourceContract(name: string, make: () => Promise<LogInSourceWorld>): void {
  describe(`a source of log-in: ${name}`, () => {
    let world: LogInSourceWorld;
    let source: LogInSource;
    before(async () => {
      world = await make();
      ({ source } = world);
      const more = { displayName: 'Ann Ö. Example', quotaBytes: 5_368_709_120 };
      const aliases = ['info@example.org'];
      await world.put({ ...{ address: ann, password, aliases, groups: ['staff'] }, ...more });
      await world.put({ address: 'bob@example.org', password: 'bob’s own' });
      await world.put({ address: 'out@example.org', password, isEnabled: false });
      for (const one of ['first', 'second'])
        await world.put({ address: 'twice@example.org', password: one });
      await world.put({ address: 'a*b@example.org', password });
    });
    after(() => world[Symbol.asyncDispose]());

    it('takes the right password and says whose it is', async () => {
      const checked = await source.check(ann, password);
      assert.equal(checked.kind, 'right');
      const { id, ...person } = (checked as { person: { id: string } }).person;
      assert.notEqual(id, '');
      assert.deepEqual(person, {
        ...{ address: ann, displayName: 'Ann Ö. Example', aliases: ['info@example.org'] },
        ...{ groups: ['staff'], quotaBytes: 5_368_709_120, isEnabled: true },
      });
      assert.equal((await source.check('bob@example.org', 'bob’s own')).kind, 'right');
    });

    it('takes no other password', async () => {
      for (const wrong of ['Correct horse, battery', `${password} `, '*', '\0', 'x'.repeat(1_000)])
        assert.deepEqual(await source.check(ann, wrong), { kind: 'wrong', why: 'password' });
      assert.equal((await source.check(ann, 'bob’s own')).kind, 'wrong');
    });

    it('takes no empty password, of anybody', async () => {
      // RFC 4513 §5.1.2: a bind without one succeeds, as nobody.
      for (const address of [ann, 'nobody@example.org', 'twice@example.org'])
        assert.deepEqual(await source.check(address, ''), { kind: 'wrong', why: 'password' });
    });

    it('knows nobody who is not there, and nobody who is there twice', async () => {
      const nobody = { kind: 'wrong', why: 'missing' };
      assert.deepEqual(await source.check('nobody@example.org', password), nobody);
      for (const one of ['first', 'second'])
        assert.deepEqual(await source.check('twice@example.org', one), {
          ...{ kind: 'wrong', why: 'several' },
        });
    });

    it('lets in nobody who is closed there', async () => {
      const closed = { kind: 'wrong', why: 'disabled' };
      assert.deepEqual(await source.check('out@example.org', password), closed);
      assert.deepEqual(await source.check('out@example.org', 'other'), closed);
    });

    it('takes a name for a name, whatever is in it', async () => {
      for (const local of [
        ...['*', 'a*', 'an*', 'ann)(uid=*', '*)(uid=*))(|(uid=*', 'ann)(|(mail=*', '\\61nn'],
        ...['ann\0', '\\', '(', ')', '&', '|(x=*', '{address}', '{local}', '$&', 'ann)(&', ' ann'],
      ]) {
        const address = `${local}@example.org`;
        assert.equal((await source.check(address, password)).kind, 'wrong', address);
        assert.equal((await source.find(address)).kind, 'nobody', address);
      }
      assert.equal((await source.check('a*b@example.org', password)).kind, 'right');
    });

    it('finds people without their passwords', async () => {
      const found = await source.find(ann);
      assert.equal(found.kind, 'found');
      assert.ok(!JSON.stringify(found).includes('horse'));
      assert.deepEqual(await source.find('twice@example.org'), { kind: 'nobody', why: 'several' });
      const out = await source.find('out@example.org');
      assert.ok(out.kind === 'found' && !out.person.isEnabled);
    });

    it('lists all people', async () => {
      const all: string[] = [];
      for await (const { address } of source.people()) all.push(address);
      const expected = ['a*b', 'ann', 'bob', 'out', 'twice', 'twice'].map(
        (l) => `${l}@example.org`,
      );
      assert.deepEqual(all.sort(), expected);
      for await (const { address } of source.people()) if (address !== '') break;
      assert.equal((await source.check(ann, password)).kind, 'right', 'after half a list');
    });

    it('answers several at once', async () => {
      const checks = Array.from({ length: 8 }, (_, at) =>
        source.check(ann, at % 2 === 0 ? password : 'wrong'),
      );
      const kinds = (await Promise.all(checks)).map(({ kind }) => kind);
      assert.deepEqual(
        kinds,
        kinds.map((_, at) => (at % 2 === 0 ? 'right' : 'wrong')),
      );
    });

    it('is away while nothing answers, and there again afterwards', async () => {
      await world.leave();
      for (const word of [password, 'wrong'])
        assert.equal((await source.check(ann, word)).kind, 'away');
      assert.equal((await source.find('nobody@example.org')).kind, 'away');
      const listed = async () => {
        for await (const { address } of source.people()) assert.equal(address, 'nobody');
      };
      await assert.rejects(listed, { code: 'deadline-passed' });
      await world.comeBack();
      assert.equal((await source.check(ann, password)).kind, 'right');
      assert.equal((await source.check(ann, 'wrong')).kind, 'wrong');
    });

    it('is away once it is closed', async () => {
      const underWay = source.check(ann, password);
      await source.close();
      await underWay;
      assert.equal((await source.check(ann, password)).kind, 'away');
    });
  });
}
