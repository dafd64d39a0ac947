/** The desk before the audit log: acts wait for it, notes do not, and neither is lost without a word. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryAuditLog } from '../../../../src/adapters/memory/memory-audit-log.ts';
import { AuditDesk, notesMax, serverFacts } from '../../../../src/app/audit/audit-desk.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { AuditError } from '../../../../src/ports/audit-log.ts';
import { entriesOf, facts } from '../../../contracts/audit-log.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';

function world() {
  const clock = new SeededClock();
  const audit = new MemoryAuditLog(clock);
  let isThere = true;
  let appends = 0;
  const append = audit.append.bind(audit);
  audit.append = (batch) => {
    appends++;
    return append(batch);
  };
  const desk = new AuditDesk({
    clock,
    log: silentLog,
    open: async () => {
      if (!isThere) throw new AuditError('no such folder');
      return audit;
    },
  });
  return {
    ...{ clock, audit, desk },
    there: (now: boolean) => {
      isThere = now;
    },
    appends: () => appends,
    acts: async () => (await entriesOf(audit)).map(({ act }) => act),
  };
}

describe('the desk of the audit log', () => {
  it('records an act at once, and notes together, a second after the first', async () => {
    const { desk, clock, acts, appends } = world();
    for (let i = 0; i < 50; i++) desk.note(facts(`note ${i}`));
    assert.equal((await desk.record(facts('act'))).sequence, 1);
    assert.deepEqual(await acts(), ['act']);
    await clock.pass(1_100, 100);
    assert.equal((await acts()).length, 51);
    assert.equal(appends(), 2);
    assert.equal(desk.waitingCount, 0);
  });

  it('tells acts that it cannot be written, keeps notes, and goes on once it can', async () => {
    const { desk, clock, audit, acts } = world();
    await desk.start();
    audit.isFailing = true;
    await assert.rejects(desk.record(facts('act')), AuditError);
    assert.equal(desk.isWritable, false);
    desk.note(facts('note'));
    await clock.pass(3_000, 100);
    assert.deepEqual(await acts(), []);
    audit.isFailing = false;
    await clock.pass(6_000, 100);
    assert.deepEqual(await acts(), ['note']);
    assert.equal(desk.isWritable, true);
    assert.ok(desk.counts.failures >= 2);
  });

  it('opens what could not be opened, and does not try for each act', async () => {
    const { desk, clock, there, acts } = world();
    there(false);
    await desk.start();
    await assert.rejects(desk.record(facts('a')), AuditError);
    there(true);
    await assert.rejects(desk.record(facts('b')), /cannot be opened/);
    clock.advance(5_000);
    await desk.record(facts('c'));
    assert.deepEqual(await acts(), ['c']);
  });

  it('holds so many notes and no more, and an entry says how many were lost', async () => {
    const { desk, clock, audit } = world();
    audit.isFailing = true;
    for (let i = 0; i < notesMax + 7; i++) desk.note(facts('note'));
    assert.equal(desk.waitingCount, notesMax);
    assert.equal(desk.counts.lost, 7);
    await clock.pass(1_100, 100);
    audit.isFailing = false;
    await clock.pass(6_000, 500);
    for (let i = 0; i < 50 && desk.waitingCount > 0; i++) await turns(20);
    const entries = await entriesOf(audit);
    assert.equal(entries.length, notesMax + 1);
    assert.deepEqual(entries[0]!.details, { count: 7 });
    assert.equal(entries[0]!.act, 'audit.lost');
  });

  it('keeps notes over a failure that nobody foresaw', async () => {
    const { desk, clock, audit, acts } = world();
    const append = audit.append;
    audit.append = async () => {
      throw new TypeError('a bug');
    };
    desk.note(facts('note'));
    await clock.pass(1_100, 100);
    assert.equal(desk.isWritable, false);
    assert.equal(desk.waitingCount, 1);
    audit.append = append;
    await clock.pass(6_000, 100);
    assert.deepEqual(await acts(), ['note']);
  });

  it('writes what waits before it is closed', async () => {
    const { desk, acts } = world();
    desk.note(serverFacts('server.stop', 'done'));
    await desk.close();
    assert.deepEqual(await acts(), ['server.stop']);
  });
});
