/** Entries of log-ins: few, and without what somebody typed into the wrong field. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AccessEntries } from '../../../../src/app/audit/access-entries.ts';
import { type TenantId, tenantId } from '../../../../src/base/ids.ts';
import type { Account, Domain } from '../../../../src/ports/account-directory.ts';
import type { AuditFacts } from '../../../../src/ports/audit-log.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';

const ann = { address: 'ann@acme.test', tenant: tenantId(7) } as Account;
const told = { method: 'PLAIN', listener: 'imaps', peer: '192.0.2.1' };

function world(perMinuteMax = 1_000) {
  const clock = new SeededClock();
  const notes: AuditFacts[] = [];
  const entries = new AccessEntries({
    directory: {
      accountByAddress: async (address) => (address === ann.address ? ann : undefined),
      domain: async (name) =>
        name === 'acme.test' ? ({ tenant: 7 as TenantId } as Domain) : undefined,
    },
    clock,
    note: (facts) => notes.push(facts),
    perMinuteMax,
  });
  return { clock, notes, entries };
}

describe('entries of log-ins', () => {
  it('are one at once, and one with a count at the end of the minute', async () => {
    const { clock, notes, entries } = world();
    for (let i = 0; i < 500; i++) entries.logIn({ ...told, user: 'ann', account: ann });
    assert.equal(notes.length, 1);
    const [{ principal, tenant, act, outcome, peer, details }] = notes as [AuditFacts];
    assert.deepEqual(
      { principal, tenant, act, outcome, peer, details },
      {
        ...{ principal: 'account ann@acme.test', tenant: 7, act: 'log-in', outcome: 'done' },
        ...{ peer: '192.0.2.1', details: { listener: 'imaps', method: 'PLAIN' } },
      },
    );
    entries.logIn({ ...told, user: 'ann', account: ann, peer: '192.0.2.2' });
    entries.logIn({ ...told, user: 'ann', account: ann, method: 'LOGIN' });
    assert.equal(notes.length, 3);
    clock.advance(60_000);
    assert.equal(notes.length, 4);
    assert.deepEqual(notes[3]!.details, { listener: 'imaps', method: 'PLAIN', count: 499 });
    // A new minute.
    entries.logIn({ ...told, user: 'ann', account: ann });
    assert.equal(notes.length, 5);
    clock.advance(60_000);
    assert.equal(notes.length, 5);
    assert.equal(clock.timerCount, 0);
  });

  it('of failures hold a name where it is an address of ours, else none', async () => {
    const { notes, entries } = world();
    for (const user of ['ann@acme.test', 'Typo@acme.test', 'hunter2', 'secret@elsewhere.test']) {
      entries.logIn({ ...told, user, refusal: 'credentials-invalid' });
      await turns(2);
    }
    assert.deepEqual(
      notes.map(({ principal, resource, tenant, reason, outcome }) => ({
        ...{ principal, resource, tenant, reason, outcome },
      })),
      [
        ['account ann@acme.test', 7],
        ['account typo@acme.test', 7],
        ['', undefined],
      ].map(([resource, tenant]) => ({
        ...{ principal: 'nobody', resource, tenant, outcome: 'refused' },
        reason: 'credentials-invalid',
      })),
    );
    assert.ok(!JSON.stringify(notes).includes('hunter2'));
  });

  it('are bounded in a minute, whoever guesses from wherever; the rest is counted', async () => {
    const { clock, notes, entries } = world(20);
    for (let i = 0; i < 500; i++) {
      entries.logIn({ ...told, user: 'x', refusal: 'credentials-invalid', peer: `192.0.2.${i}` });
      if (i % 50 === 0) await turns(5);
    }
    await turns(5);
    assert.equal(notes.length, 10);
    clock.advance(60_000);
    assert.equal(notes.length, 11);
    assert.equal(notes[10]!.act, 'log-in.others');
    assert.deepEqual(notes[10]!.details, { count: 490 });
  });

  it("are of keys and of others' mail, too", () => {
    const { clock, notes, entries } = world();
    const key = { id: 3, tenant: tenantId(7) };
    entries.key({ key, asked: 'POST /api/v1/messages', peer: '192.0.2.1' });
    entries.key({ key, asked: 'POST /api/v1/messages', peer: '192.0.2.1' });
    entries.key({
      ...{ key, asked: 'GET /api/v1/events', peer: '192.0.2.1' },
      refusal: 'permission-missing',
    });
    entries.key({ asked: 'GET /api/v1/events', peer: '192.0.2.1', refusal: 'credentials-invalid' });
    entries.sharedMail({ reader: { ...ann, address: 'bob@acme.test' }, owner: ann, ...told });
    assert.deepEqual(
      notes.map(
        ({ principal, act, outcome, resource }) => `${principal} ${act} ${outcome} ${resource}`,
      ),
      [
        'key 3 log-in done ',
        'key 3 permission refused ',
        'nobody log-in refused ',
        'account bob@acme.test mail.open-shared done account ann@acme.test',
      ],
    );
    assert.equal(notes[1]!.details.asked, 'GET /api/v1/events');
    assert.equal(notes[3]!.tenant, 7);
    entries.close();
    assert.deepEqual(notes[4]!.details.count, 1);
    clock.advance(120_000);
    assert.equal(notes.length, 5);
  });
});
