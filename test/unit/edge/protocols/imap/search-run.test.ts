/**
 * Aim: a long search is asked for piece by piece, says how far it has come, and ends with its session.
 * Method: a session that is a few values, an engine that answers pieces from a list, a clock turned by hand.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer } from '../../../../../src/actors/ask.ts';
import {
  type Found,
  type PackedSearch,
  searchWants,
} from '../../../../../src/actors/asks/imap-search-asks.ts';
import { accountId } from '../../../../../src/base/ids.ts';
import type { CommandSession } from '../../../../../src/edge/protocols/imap/command.ts';
import {
  respondInParts,
  runSearch,
  targetOf,
} from '../../../../../src/edge/protocols/imap/commands/search-run.ts';
import { ResponseWriter } from '../../../../../src/mail/wire/imap/response.ts';
import { searchParts } from '../../../../../src/mail/wire/imap/response-search.ts';
import type { Account } from '../../../../../src/ports/account-directory.ts';

const owner = { id: accountId(1) } as Account;
const selected = targetOf({
  owner,
  ...{ mailbox: 1, name: 'INBOX', isReadOnly: false, modseq: 9, flagModseq: 9, uidNext: 1_001 },
  ...{
    count: 1_000,
    keywordCount: 0,
    saved: [],
    isStale: false,
    isHalfTold: false,
    stamp: undefined,
  },
  ...{ ownEntries: 0, contexts: [] },
});

class FakeSession {
  isEnded = false;
  nowMs = 0;
  said = '';
  rooms = 0;
  readonly asked: PackedSearch[] = [];
  readonly pieces: Answer[] = [];
  readonly account = owner;
  readonly owner = owner;
  readonly service = { clock: { monotonicMs: () => this.nowMs }, writer: new ResponseWriter() };
  /** Before each answer. */
  onAsk = () => {};

  async ask(_: string, meta: unknown): Promise<Answer> {
    this.asked.push(meta as PackedSearch);
    this.onAsk();
    return this.pieces.shift()!;
  }

  respond(write: (writer: ResponseWriter) => void): void {
    const { writer } = this.service;
    write(writer);
    this.said += Buffer.concat(writer.take()).toString('latin1');
  }

  room(): undefined {
    this.rooms++;
    return undefined;
  }

  get asSession(): CommandSession {
    return this as unknown as CommandSession;
  }
}

function piece(uids: readonly number[], next?: number): Answer {
  const value: Found = {
    ...{ count: uids.length, uidsLength: uids.length * 2, modseq: uids.at(-1) ?? 0, looked: 100 },
    ...{ minModseq: uids[0] ?? 0, maxModseq: uids.at(-1) ?? 0 },
    ...{ minUid: uids[0] ?? 0, maxUid: uids.at(-1) ?? 0, min: uids[0] ?? 0, max: uids.at(-1) ?? 0 },
    ...(next === undefined ? {} : { next }),
  };
  const ranges = Uint32Array.from(uids.flatMap((uid) => [uid, uid]));
  return { ok: true, value, body: Buffer.from(ranges.buffer) };
}

const asked = {
  criteria: { op: 'text', place: 'body', text: 'x' },
  wants: searchWants.uids,
} as const;

describe('runSearch', () => {
  it('goes on where a piece ended, and puts the pieces together', async () => {
    const session = new FakeSession();
    session.pieces.push(piece([3, 127], 128), piece([], 256), piece([256, 300]));
    const found = await runSearch(session.asSession, 'a1', selected, asked);
    assert.ok(found?.ok);
    assert.deepEqual([...found.uids], [3, 3, 127, 127, 256, 256, 300, 300]);
    assert.deepEqual([found.count, found.minUid, found.maxUid, found.modseq], [4, 3, 300, 300]);
    assert.deepEqual([found.minModseq, found.maxModseq], [3, 300]);
    assert.deepEqual(
      session.asked.map((meta) => meta.at(-1)),
      [0, 128, 256],
    );
  });

  it('joins ranges that touch between two pieces, from the end too', async () => {
    const session = new FakeSession();
    session.pieces.push(piece([128], 127), piece([127]));
    const found = await runSearch(session.asSession, 'a1', selected, { ...asked, isFromEnd: true });
    assert.ok(found?.ok);
    assert.deepEqual([...found.uids], [127, 128]);
    assert.deepEqual([found.minUid, found.maxUid], [127, 128]);
    assert.deepEqual([found.minModseq, found.maxModseq], [127, 128]);
  });

  it('stops at enough', async () => {
    const session = new FakeSession();
    session.pieces.push(piece([1], 128), piece([130, 131], 256));
    const found = await runSearch(session.asSession, 'a1', selected, { ...asked, enough: 2 });
    assert.ok(found?.ok);
    assert.equal(found.count, 3);
    assert.deepEqual(
      session.asked.map((meta) => meta[5]),
      [2, 1],
    );
  });

  it('says INPROGRESS every ten seconds, with how many of how many (RFC 9585)', async () => {
    const session = new FakeSession();
    session.onAsk = () => {
      session.nowMs += 4_000;
    };
    session.pieces.push(
      ...Array.from({ length: 6 }, (_, i) => piece([], 128 * (i + 1))),
      piece([]),
    );
    await runSearch(session.asSession, 'a1', selected, asked);
    assert.equal(
      session.said,
      '* OK [INPROGRESS ("a1" 300 1000)] Searching\r\n* OK [INPROGRESS ("a1" 600 1000)] Searching\r\n',
    );
  });

  it('asks no more once the session has ended', async () => {
    const session = new FakeSession();
    session.onAsk = () => {
      session.isEnded = true;
    };
    session.pieces.push(piece([1], 128), piece([200]));
    assert.equal(await runSearch(session.asSession, 'a1', selected, asked), undefined);
    assert.equal(session.asked.length, 1);
  });

  it('tells what failed', async () => {
    const session = new FakeSession();
    session.pieces.push(piece([1], 128), { ok: false, code: 'deadline-passed', detail: '' });
    const found = await runSearch(session.asSession, 'a1', selected, asked);
    assert.ok(found?.ok === false);
    assert.equal(found.code, 'deadline-passed');
  });
});

describe('respondInParts', () => {
  it('says a long list as the client takes it', async () => {
    const session = new FakeSession();
    await respondInParts(session.asSession, (writer) => searchParts(writer, [1, 100_000]));
    const numbers = session.said.trimEnd().slice('* SEARCH '.length).split(' ');
    assert.equal(numbers.length, 100_000);
    assert.equal(numbers.at(-1), '100000');
    assert.equal(session.rooms, 24);
  });

  it('says nothing to a session that has ended', async () => {
    const session = new FakeSession();
    session.isEnded = true;
    await respondInParts(session.asSession, (writer) => searchParts(writer, [1, 100_000]));
    assert.equal(session.rooms, 1);
  });
});
