/**
 * Aim: the judge of system calls sees a reply that comes too early, and no other.
 * Method: short logs in strace's own form, whole and interrupted calls.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkReplies, parseStrace } from './strace-log.ts';

const id = '1M80J54PANWH0098';
const journal = '21</data/shards/000/journal/00000001.seg>';
const reply = `18<socket:[7]>, "250 2.0.0 Ok: queued as ${id}\\r\\n", 44`;
const record = `pwritev(${journal}, [{iov_base="\\1${id}\\2", iov_len=18}], 1, 4096) = 18`;
const sync = `fdatasync(${journal}) = 0`;
const answer = `write(${reply}) = 44`;

const judge = (...lines: readonly string[]) => checkReplies(parseStrace(`${lines.join('\n')}\n`));

test('a reply after write and sync is in order', () => {
  const findings = judge(`11 ${record}`, `11 ${sync}`, `10  ${answer}`);
  assert.deepEqual(findings, { replies: 1, syncs: 1, early: [] });
});

test('a reply before the sync is too early, and so is one before any record', () => {
  assert.deepEqual(judge(`11 ${record}`, `10 ${answer}`, `11 ${sync}`).early, [
    `${id}: no sync before it`,
  ]);
  assert.deepEqual(judge(`11 ${sync}`, `10 ${answer}`).early, [`${id}: no record before it`]);
});

test('a sync that began before the record was written does not cover it', () => {
  assert.equal(judge(`11 ${sync}`, `11 ${record}`, `10 ${answer}`).early.length, 1);
});

test('a sync counts from when it returned, not from when it was called', () => {
  const begun = `11 fdatasync(${journal} <unfinished ...>`;
  const ended = '11 <... fdatasync resumed>) = 0';
  assert.equal(judge(`11 ${record}`, begun, `10 ${answer}`, ended).early.length, 1);
  assert.equal(judge(`11 ${record}`, begun, ended, `10 ${answer}`).early.length, 0);
});

test('a sync that failed, and one of another file, prove nothing', () => {
  const failed = `fdatasync(${journal}) = -1 EIO (Input/output error)`;
  const other = sync.replace('000', '001');
  assert.equal(judge(`11 ${record}`, `11 ${failed}`, `10 ${answer}`).early.length, 1);
  assert.equal(judge(`11 ${record}`, `11 ${other}`, `10 ${answer}`).early.length, 1);
});

test('every reply of one write is judged', () => {
  const second = '1M80J54PANWH0099';
  const ok = (each: string) => `250 2.0.0 Ok: queued as ${each}\\r\\n`;
  const both = `write(18<socket:[7]>, "${ok(id)}${ok(second)}", 88) = 88`;
  const findings = judge(`11 ${record}`, `11 ${sync}`, `10 ${both}`);
  assert.equal(findings.replies, 2);
  assert.deepEqual(findings.early, [`${second}: no record before it`]);
});
