/**
 * The contract of the audit log, run against each.
 *
 * Aim:    what was answered is there, in order and chained, after whatever came next; what was not holds no place.
 * Method: small batches through the port alone.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type TenantId, tenantId } from '../../src/base/ids.ts';
import {
  type AuditEntry,
  AuditError,
  type AuditFacts,
  type AuditLog,
  type AuditRange,
} from '../../src/ports/audit-log.ts';
import type { SeededClock } from '../support/seeded-clock.ts';

export interface OpenedAuditLog extends AsyncDisposable {
  readonly log: AuditLog;
  readonly clock: SeededClock;
  /** From now on appends fail part-way, or go well again. */
  fail(isFailing: boolean): void;
  /** The same log after its process ended; undefined where nothing outlives it. */
  readonly reopen?: () => Promise<AuditLog>;
}

export function facts(act: string, more: Partial<AuditFacts> = {}): AuditFacts {
  return {
    ...{ principal: 'operator', act, resource: 'tenant acme', outcome: 'done' },
    ...{ peer: '', reason: '', details: { count: 3, isNew: true, text: 'ünï "x"\n' } },
    ...more,
  };
}

export async function entriesOf(log: AuditLog, range: AuditRange = {}): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for await (const entry of log.read(range)) entries.push(entry);
  return entries;
}

const actsOf = (entries: readonly AuditEntry[]) => entries.map(({ act }) => act);

export function auditLogContract(name: string, opened: () => Promise<OpenedAuditLog>): void {
  describe(`an audit log in ${name}`, () => {
    it('has what was appended, field by field, chained from its genesis on', async () => {
      await using one = await opened();
      const { log } = one;
      const genesis = log.tip;
      assert.equal(genesis.sequence, 0);
      const wanted = [
        facts('a', { tenant: 0 as TenantId, peer: '192.0.2.1', reason: 'asked for' }),
        facts('b', { outcome: 'failed', of: 1, resource: '', details: {} }),
      ];
      const appended = await log.append(wanted);
      const read = await entriesOf(log);
      assert.deepEqual(read, appended);
      for (const [index, entry] of read.entries()) {
        const { sequence, atMs, previous, hash, ...rest } = entry;
        assert.deepEqual(rest, wanted[index]);
        assert.equal(sequence, index + 1);
        assert.equal(atMs, one.clock.nowMs());
        assert.equal(previous, read[index - 1]?.hash ?? genesis.hash);
        assert.notEqual(hash, previous);
      }
      assert.deepEqual(log.tip, { sequence: 2, hash: read[1]!.hash });
    });

    it('keeps the order of calls that wait for one another, and batches whole', async () => {
      await using one = await opened();
      const batches = Array.from({ length: 40 }, (_, i) => [facts(`${i}a`), facts(`${i}b`)]);
      const answers = await Promise.all(batches.map((batch) => one.log.append(batch)));
      assert.deepEqual(
        answers.flat().map(({ sequence }) => sequence),
        Array.from({ length: 80 }, (_, i) => i + 1),
      );
      assert.deepEqual(
        actsOf(await entriesOf(one.log)),
        batches.flat().map(({ act }) => act),
      );
      assert.deepEqual(await one.log.append([]), []);
    });

    it('reads by place, time and tenant', async () => {
      await using one = await opened();
      const { log, clock } = one;
      await log.append([facts('a', { tenant: tenantId(7) })]);
      clock.advance(1_000);
      const middleMs = clock.nowMs();
      await log.append([facts('b', { tenant: tenantId(8) }), facts('c')]);
      clock.advance(1_000);
      await log.append([facts('d', { tenant: tenantId(7) })]);
      const read = async (range: AuditRange) => actsOf(await entriesOf(log, range));
      assert.deepEqual(await read({ tenant: tenantId(7) }), ['a', 'd']);
      assert.deepEqual(await read({ afterMs: middleMs }), ['b', 'c', 'd']);
      assert.deepEqual(await read({ untilMs: middleMs }), ['a']);
      assert.deepEqual(await read({ afterSequence: 2 }), ['c', 'd']);
      assert.deepEqual(await read({ afterSequence: 1, untilMs: middleMs + 1 }), ['b', 'c']);
      assert.deepEqual(await read({ afterSequence: 4 }), []);
    });

    it('rejects what it cannot take, and goes on with a whole chain', async () => {
      await using one = await opened();
      const { log } = one;
      await log.append([facts('a')]);
      one.fail(true);
      for (let tries = 0; tries < 3; tries++) {
        await assert.rejects(log.append([facts('lost')]), AuditError);
      }
      one.fail(false);
      await log.append([facts('b')]);
      const read = await entriesOf(log);
      assert.deepEqual(actsOf(read.filter(({ act }) => act !== 'lost')), ['a', 'b']);
      for (const [index, { previous, sequence }] of read.entries()) {
        assert.equal(sequence, index + 1);
        if (index > 0) assert.equal(previous, read[index - 1]!.hash);
      }
    });

    it('forgets the oldest of a row, by age or size, and never all', async () => {
      await using one = await opened();
      const { log, clock } = one;
      for (let day = 0; day < 6; day++) {
        await log.append([facts(`day ${day}`, { reason: 'x'.repeat(400) })]);
        clock.advance(86_400_000);
      }
      const before = await entriesOf(log);
      assert.deepEqual(await log.trim({}), { forgottenTo: 0 });
      const { forgottenTo } = await log.trim({ beforeMs: before[3]!.atMs });
      assert.ok(forgottenTo >= 1 && forgottenTo <= 3, `${forgottenTo}`);
      assert.deepEqual(await entriesOf(log), before.slice(forgottenTo));
      await log.trim({ bytesMax: 1 });
      const left = await entriesOf(log);
      assert.ok(left.length >= 1 && left.length <= 3, `${left.length}`);
      assert.deepEqual(left, before.slice(-left.length));
      await log.append([facts('after')]);
      assert.deepEqual(actsOf(await entriesOf(log)).at(-1), 'after');
    });

    it('is the same log, with the same end, once it is opened again', async (context) => {
      await using one = await opened();
      if (one.reopen === undefined) return context.skip('nothing outlives it');
      await one.log.append([facts('a'), facts('b')]);
      const { tip, id } = one.log;
      await one.log.close();
      const again = await one.reopen();
      assert.deepEqual({ tip: again.tip, id: again.id }, { tip, id });
      await again.append([facts('c')]);
      assert.deepEqual(actsOf(await entriesOf(again)), ['a', 'b', 'c']);
      await again.close();
    });
  });
}
