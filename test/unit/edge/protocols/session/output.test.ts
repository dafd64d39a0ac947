/** Aim: what a session says in one turn leaves in its order, in one write where that costs less than several. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Output } from '../../../../../src/edge/protocols/session/output.ts';
import type { SessionTransport } from '../../../../../src/edge/protocols/session/transport.ts';

function begun(): { readonly output: Output; readonly writes: Uint8Array[] } {
  const writes: Uint8Array[] = [];
  const write = (bytes: Uint8Array) => writes.push(bytes);
  return { output: new Output({ write } as unknown as SessionTransport), writes };
}

const textOf = (writes: readonly Uint8Array[]) => writes.map((one) => Buffer.from(one).toString());
const octets = (text: string) => Buffer.from(text);
const turn = () => new Promise((resolve) => setImmediate(resolve));

it('writes one piece as it is: many sessions may share it', async () => {
  const { output, writes } = begun();
  const piece = octets('* 1 EXISTS\r\n');
  output.add(piece);
  output.add(octets(''));
  assert.equal(writes.length, 0, 'the turn is not over');
  await turn();
  assert.equal(writes[0], piece);
  output.add(octets('again'));
  await turn();
  assert.deepEqual(textOf(writes), ['* 1 EXISTS\r\n', 'again']);
});

it('joins small pieces of a turn, and not large ones', async () => {
  const { output, writes } = begun();
  for (const one of ['a', 'b', 'c']) output.add(octets(one));
  await turn();
  assert.deepEqual(textOf(writes), ['abc']);
  const large = octets('x'.repeat(40_000));
  output.add(octets('before'));
  output.add(large);
  await turn();
  assert.equal(writes.length, 3);
  assert.deepEqual([textOf(writes)[1], writes[2]], ['before', large]);
});

it('gives what was not written to who ends the session, once', async () => {
  const { output, writes } = begun();
  assert.equal(output.take().length, 0);
  for (const one of ['a', 'b']) output.add(octets(one));
  assert.equal(output.take().toString(), 'ab');
  await turn();
  assert.deepEqual([writes.length, output.take().length], [0, 0]);
});

it('writes before the turn ends where it is told to, and wakes all who wait once the client has read', async () => {
  const { output, writes } = begun();
  output.add(octets('now'));
  output.flush();
  assert.deepEqual(textOf(writes), ['now']);
  let woken = 0;
  for (let i = 0; i < 2; i++) void output.wait().then(() => woken++);
  output.drained();
  output.drained();
  await turn();
  assert.deepEqual([woken, writes.length], [2, 1]);
});
