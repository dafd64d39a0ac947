/**
 * Aim: a message that came in chunks is stored as one that came whole would be: edited, verified and signed; and what
 *      is refused, aborted or interrupted leaves no file.
 * Method: the handlers over a real shard on a simulated disk; the spool and the accounts are the test's.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, ArrivedAsk, Handler } from '../../../../src/actors/ask.ts';
import { bodyAsks } from '../../../../src/actors/asks/body-asks.ts';
import { defaultPolicy } from '../../../../src/actors/asks/policy-snapshot.ts';
import type { Arrival, Envelope } from '../../../../src/actors/asks/reception.ts';
import { type PackedReceived, packReceived } from '../../../../src/actors/asks/spool-asks.ts';
import { defaultTenant, type MessageId, shardId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { BodyTurns } from '../../../../src/engine/bodies/body-turns.ts';
import { IncomingBodies } from '../../../../src/engine/bodies/incoming-bodies.ts';
import { largeBodyLimits } from '../../../../src/engine/bodies/limits.ts';
import { receiveLargeHandlers } from '../../../../src/engine/bodies/receive-large.ts';
import { compilePolicy, type Policy } from '../../../../src/engine/pipeline/policy.ts';
import { prepare } from '../../../../src/engine/pipeline/prepare.ts';
import type { OpenShard } from '../../../../src/engine/shards.ts';
import type { SideBody } from '../../../../src/engine/store/record.ts';
import { generateDkimKey } from '../../../../src/mail/trust/dkim/keys.ts';
import { ZoneDns } from '../../../support/zone-dns.ts';
import { note, type StoreBench, storeBench, text } from '../store/store-bench.ts';

const id = '0123456789ABCDEF' as MessageId;
const shard = shardId(3);
const arrival: Arrival = {
  id,
  receivedMs: 0,
  listener: 'smtp',
  protocol: 'ESMTP',
  peerAddress: '192.0.2.1',
  peerPort: 4711,
  helo: 'client.example.org',
  trusted: true,
  tenant: defaultTenant,
};
const envelope: Envelope = {
  sender: 'a@example.org',
  recipients: [{ address: 'x@example.net', target: { kind: 'remote' } }],
  body: '8bitmime',
  smtputf8: false,
};

const header = 'From: a@example.org\r\nSubject: s\r\n\r\n';
const lines = 'a line  of text \r\n'.repeat(2_000);
const whole = Buffer.from(`${header}${lines}\r\n\r\n`, 'latin1');

interface Accepted {
  readonly packed: PackedReceived;
  readonly side: SideBody;
}

async function open(policy: Policy = compilePolicy(defaultPolicy), incomingCountMax = 2) {
  const bench = storeBench();
  const store = await bench.open();
  const accepted: Accepted[] = [];
  const known = new Set<string>();
  const spool = {
    isKnown: (each: string) => known.has(each),
    async accept(packed: PackedReceived, _tenant: number, side: SideBody) {
      accepted.push({ packed, side });
      return { ok: true };
    },
  };
  const opened = { store, spool } as unknown as OpenShard;
  const { clock } = bench;
  const shardOf = () => opened;
  const incoming = new IncomingBodies({
    shardOf,
    clock,
    limits: { ...largeBodyLimits, incomingCountMax },
  });
  const handlers: Record<string, Handler> = {
    ...incoming.handlers(),
    ...receiveLargeHandlers({
      shardOf,
      policy: () => policy,
      incoming,
      whole: new BodyTurns(1_000_000),
      clock,
      dns: new ZoneDns({ 'example.org': [{ TXT: 'v=spf1 ip4:192.0.2.1 -all' }] }),
      verdictMsMax: 10_000,
      ...{ scanners: [], log: silentLog, resolve: async () => [] },
    }),
  };
  const ask = async (
    name: string,
    meta: unknown,
    body: Uint8Array = Buffer.alloc(0),
  ): Promise<Answer> => {
    const given: ArrivedAsk = {
      shard,
      actor: id,
      name,
      key: '',
      class: 'short',
      lane: 'normal',
      deadlineMs: 0,
      meta,
      body,
    };
    const outcome = await handlers[name]!(given, { isFull: false });
    return 'pending' in outcome ? await outcome.pending : outcome;
  };
  /** In pieces of `chunkBytes`; the last goes with the end. */
  const send = async (bytes: Buffer, chunkBytes: number, facts: Partial<Arrival> = {}) => {
    let index = 0;
    let at = 0;
    for (; at + chunkBytes < bytes.length; at += chunkBytes) {
      const answer = await ask(bodyAsks.chunk, [id, index++], bytes.subarray(at, at + chunkBytes));
      assert.deepEqual(answer, { ok: true, value: undefined });
    }
    const message = { envelope, arrival: { ...arrival, ...facts }, body: [], bodyBytes: 0 };
    return ask(bodyAsks.receive, [id, packReceived(message), false], bytes.subarray(at));
  };
  const stored = async ({ side }: Accepted) => {
    const [place] = await store.append([{ ...note('large'), body: [], side }]);
    return Buffer.from(await store.read(place!));
  };
  return { bench, store, accepted, known, incoming, ask, send, stored };
}

async function files(bench: StoreBench): Promise<string[]> {
  return (await bench.disk.list('/shard/journal')).filter((name) => name.endsWith('.body'));
}

test('what is stored is what preparing the whole message gives, signatures included', async () => {
  const dkim = [generateDkimKey('ed25519-sha256', 'e1')];
  const policy = compilePolicy({ ...defaultPolicy, domains: { 'example.org': { dkim } } });
  const { bench, accepted, send, stored, store } = await open(policy);
  assert.deepEqual(await send(whole, 7_001), { ok: true, value: undefined });
  const wanted = prepare({ body: whole, envelope, arrival }, policy, bench.clock.nowMs());
  assert.ok(wanted.ok);
  assert.equal(wanted.facts.signatureCount, 1);
  assert.equal(text(await stored(accepted[0]!)), Buffer.concat(wanted.parts).toString('latin1'));
  await store.close();
});

test("a stranger's message is verified whole", async () => {
  const { accepted, send, stored, store } = await open();
  assert.equal((await send(whole, 7_001, { trusted: false })).ok, true);
  const bytes = text(await stored(accepted[0]!));
  assert.match(bytes, /^Authentication-Results: [^;]+;(?:.|\r\n )*spf=pass/);
  assert.ok(bytes.endsWith(whole.toString('latin1')));
  await store.close();
});

test('a message declared 8-bit that is not goes on as what it is, and one that is stays so', async () => {
  const { accepted, send, store } = await open();
  await send(whole, 7_001);
  await send(Buffer.concat([whole, Buffer.from('\xe9\r\n', 'latin1')]), 7_001);
  assert.deepEqual(
    accepted.map(({ packed }) => packed[0][2]),
    [0, 1],
  );
  await store.close();
});

test('a header that does not end in the first chunk is refused, and leaves no file', async () => {
  const { bench, send, accepted, store } = await open();
  const long = Buffer.from(`X: ${'y'.repeat(9_000)}\r\n`.repeat(3) + whole.toString('latin1'));
  const answer = await send(long, 20_000);
  assert.equal(answer.ok === false && answer.code, 'message-invalid');
  assert.deepEqual([accepted.length, await files(bench)], [0, []]);
  await store.close();
});

test('an aborted body leaves no file, nor does one whose shard is closed', async () => {
  const { bench, ask, incoming, store } = await open();
  await ask(bodyAsks.chunk, [id, 0], whole);
  await ask(bodyAsks.chunk, [id, 1], whole);
  await ask(bodyAsks.chunk, ['other', 0], whole);
  assert.equal((await files(bench)).length, 2);
  await ask(bodyAsks.abort, id);
  await ask(bodyAsks.abort, id);
  assert.equal((await files(bench)).length, 1);
  await incoming.letGo(shard);
  assert.deepEqual([incoming.count, await files(bench)], [0, []]);
  await store.close();
});

test('bodies coming in are bounded: one more is told to try again, until one is idle for too long', async () => {
  const { bench, ask, incoming, store } = await open();
  await ask(bodyAsks.chunk, ['a', 0], whole);
  await ask(bodyAsks.chunk, ['b', 0], whole);
  const refused = await ask(bodyAsks.chunk, ['c', 0], whole);
  assert.equal(refused.ok === false && refused.code, 'store-busy');
  bench.clock.advance(largeBodyLimits.incomingIdleMsMax);
  await ask(bodyAsks.chunk, ['b', 1], whole);
  bench.clock.advance(1);
  assert.equal((await ask(bodyAsks.chunk, ['c', 0], whole)).ok, true);
  const lost = await ask(bodyAsks.chunk, ['a', 1], whole);
  assert.equal(lost.ok === false && lost.code, 'store-failed');
  assert.equal(incoming.count, 2);
  await incoming.letGo(shard);
  await store.close();
});

test('a chunk out of order, or of a body that is not known, is refused', async () => {
  const { ask, incoming, store } = await open();
  assert.equal((await ask(bodyAsks.chunk, [id, 1], whole)).ok, false);
  await ask(bodyAsks.chunk, [id, 0], whole);
  assert.equal((await ask(bodyAsks.chunk, [id, 2], whole)).ok, false);
  await incoming.letGo(shard);
  await store.close();
});

test('a failed write is told with the next answer, and nothing is accepted', async () => {
  const { bench, ask, send, accepted, store } = await open();
  await ask(bodyAsks.chunk, [id, 0], whole);
  bench.disk.plan = { onWrite: (path) => (path.endsWith('.body') ? 'no-space' : undefined) };
  const refused = await ask(bodyAsks.chunk, [id, 1], whole);
  assert.equal(refused.ok === false && refused.code, 'disk-full');
  await ask(bodyAsks.abort, id);
  bench.disk.plan = { onSync: (path) => (path.endsWith('.body') ? 'io' : undefined) };
  const failed = await send(whole, 7_001);
  assert.equal(failed.ok === false && failed.code, 'store-failed');
  bench.disk.plan = {};
  assert.deepEqual([accepted.length, await files(bench)], [0, []]);
  await store.close();
});

test('asked again after its thread died: what was accepted is, all else has to come again', async () => {
  const { ask, known, store } = await open();
  const message = { envelope, arrival, body: [], bodyBytes: 0 };
  const meta = [id, packReceived(message), false];
  assert.equal((await ask(bodyAsks.receive, meta)).ok, false);
  known.add(id);
  assert.deepEqual(await ask(bodyAsks.receive, meta), { ok: true, value: undefined });
  await store.close();
});
