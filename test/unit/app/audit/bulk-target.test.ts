/**
 * Aim: no entry counts as sent that is not in the index, whole or as a stub; what an operator can cure is tried again.
 * Method: an index that answers by rules of the test, and a sender over a log in memory.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryAuditLog } from '../../../../src/adapters/memory/memory-audit-log.ts';
import { type BulkItem, BulkTooLarge } from '../../../../src/adapters/node/bulk-poster.ts';
import { serverFacts } from '../../../../src/app/audit/audit-desk.ts';
import {
  AuditSender,
  BatchTooLarge,
  pollMs,
  retryMsMax,
} from '../../../../src/app/audit/audit-sender.ts';
import { bulkTarget } from '../../../../src/app/audit/bulk-target.ts';
import { silentLog } from '../../../../src/base/log.ts';
import type { AuditEntry } from '../../../../src/ports/audit-log.ts';
import { SeededClock, SeededRandom, turns } from '../../../support/seeded-clock.ts';

const never = new AbortController().signal;

interface Document {
  readonly _id: string;
  readonly seq: number;
  readonly act?: string;
  readonly refused?: string;
  readonly hash: string;
  readonly log: string;
}

/** Documents by id, as an index has them. */
class Index {
  readonly documents = new Map<string, Document>();
  posts = 0;
  bytesMax = Number.POSITIVE_INFINITY;
  /** Undefined: it is taken. */
  refusal: (document: Document) => BulkItem | undefined = () => undefined;

  readonly poster = {
    post: async (lines: readonly string[]): Promise<readonly BulkItem[]> => {
      this.posts++;
      if (lines.join('').length > this.bytesMax) throw new BulkTooLarge();
      return lines.map((line) => {
        const [action, source] = line.trim().split('\n');
        const { _id } = JSON.parse(action!).create;
        if (this.documents.has(_id)) return { status: 409, type: 'version_conflict' };
        const document = { _id, ...JSON.parse(source!) } as Document;
        const refusal = this.refusal(document);
        if (refusal === undefined) this.documents.set(_id, document);
        return refusal ?? { status: 201, type: '' };
      });
    },
    close: async () => {},
  };

  get target() {
    return bulkTarget({ poster: this.poster, index: 'audit', log: silentLog });
  }
}

async function entriesOf(count: number): Promise<readonly AuditEntry[]> {
  const audit = new MemoryAuditLog(new SeededClock());
  const entries: AuditEntry[] = [];
  for (let n = 1; n <= count; n++)
    entries.push(...(await audit.append([serverFacts(`a${n}`, 'done')])));
  return entries;
}

test('what is taken is there once, however often it is sent', async () => {
  const index = new Index();
  const entries = await entriesOf(3);
  for (let times = 0; times < 2; times++) {
    assert.deepEqual(await index.target.send('log', entries, never), { stubs: 0 });
  }
  assert.deepEqual(
    [...index.documents.values()].map(({ act }) => act),
    ['a1', 'a2', 'a3'],
  );
});

test('an entry that is refused for what it holds is there as a stub, with its number and hash', async () => {
  for (const refusal of [
    { status: 400, type: 'mapper_parsing_exception' },
    { status: 413, type: '' },
  ]) {
    const index = new Index();
    index.refusal = ({ act }) => (act === 'a2' ? refusal : undefined);
    const entries = await entriesOf(3);
    assert.deepEqual(await index.target.send('log', entries, never), { stubs: 1 });
    const stub = index.documents.get('log-2')!;
    assert.deepEqual(
      [stub.seq, stub.hash, stub.log, stub.act, stub.refused],
      [2, entries[1]!.hash, 'log', undefined, `${refusal.status} ${refusal.type}`.trim()],
    );
    assert.equal(index.documents.size, 3);
  }
});

test('what the index refuses for its own sake is sent again: no entry counts as sent', async () => {
  const entries = await entriesOf(3);
  for (const refusal of [
    { status: 429, type: 'es_rejected_execution_exception' },
    { status: 429, type: 'circuit_breaking_exception' },
    { status: 429, type: 'cluster_block_exception' },
    { status: 403, type: 'cluster_block_exception' },
    { status: 403, type: 'security_exception' },
    { status: 404, type: 'index_not_found_exception' },
    { status: 500, type: 'anything' },
    { status: 503, type: 'unavailable_shards_exception' },
    { status: 302, type: '' },
  ]) {
    const index = new Index();
    index.refusal = ({ act }) => (act === 'a2' ? refusal : undefined);
    const sent = index.target.send('log', entries, never);
    await assert.rejects(sent, new RegExp(`not taken: ${refusal.status}`), refusal.type);
    assert.equal(index.posts, 1, 'no stub stands for it');
    index.refusal = () => undefined;
    assert.deepEqual(await index.target.send('log', entries, never), { stubs: 0 });
    assert.equal(index.documents.get('log-2')!.act, 'a2');
  }
});

test('a mapping that takes not even a stub is tried again', async () => {
  const index = new Index();
  index.refusal = () => ({ status: 400, type: 'strict_dynamic_mapping_exception' });
  await assert.rejects(index.target.send('log', await entriesOf(2), never), /not even a stub/);
  assert.equal(index.documents.size, 0);
});

test('too much at once is told so; one alone that is too large is a stub', async () => {
  const index = new Index();
  index.bytesMax = 260;
  const entries = await entriesOf(2);
  await assert.rejects(index.target.send('log', entries, never), BatchTooLarge);
  assert.deepEqual(await index.target.send('log', entries.slice(0, 1), never), { stubs: 1 });
  assert.equal(index.documents.get('log-1')!.refused, 'too large');
  index.bytesMax = 10;
  await assert.rejects(index.target.send('log', entries.slice(1), never), BulkTooLarge);
});

test('a sender comes past a small receiver, an index that is away and an entry that it does not take', async () => {
  const clock = new SeededClock();
  const audit = new MemoryAuditLog(clock);
  for (let n = 1; n <= 300; n++) await audit.append([serverFacts(`a${n}`, 'done')]);
  const index = new Index();
  index.bytesMax = 5_000;
  let isAway = true;
  index.refusal = ({ act }) => {
    if (isAway) return { status: 404, type: 'index_not_found_exception' };
    return act === 'a77' ? { status: 400, type: 'document_parsing_exception' } : undefined;
  };
  let cursor = { log: '', sequence: 0 };
  const sender = new AuditSender({
    target: index.target,
    cursor: {
      read: async () => cursor,
      write: async (next) => {
        cursor = next;
      },
    },
    ...{ audit: () => audit, clock, random: new SeededRandom(3), log: silentLog },
  });
  sender.start();
  for (let minute = 0; minute < 60; minute++) {
    clock.advance(60_000);
    await turns(100);
  }
  assert.deepEqual([cursor.sequence, index.documents.size], [0, 0]);
  assert.ok(index.posts < 60, `${index.posts} posts in an hour`);
  isAway = false;
  clock.advance(retryMsMax);
  for (let times = 0; times < 30; times++) await turns(100);
  clock.advance(pollMs);
  await turns(100);
  assert.equal(cursor.sequence, 300);
  assert.equal(index.documents.size, 300);
  assert.deepEqual([sender.counts.sent, sender.counts.stubs], [300, 1]);
  await sender.stop();
});
