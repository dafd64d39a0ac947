/**
 * Aim: what rules say of rates is what a receiver sees: never more, and it all comes.
 * Method: the real server towards next hops that note instants; rates high enough that a second shows them.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { NextHop } from '../support/next-hop.ts';
import { sendSmall } from '../support/small-mail.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

const shipped = { 'shaping.shipped': 'false', shards: '1' };

async function withRules(
  rules: string,
  hop: NextHop,
  settings: Readonly<Record<string, string>>,
  run: (test: TestServer) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-rates-'));
  const file = join(folder, 'rules.toml');
  writeFileSync(file, rules);
  try {
    await using test = await startTestServer({
      ...{ ...shipped, 'relay.route': `smtp://127.0.0.1:${hop.port}`, 'shaping.file': file },
      ...settings,
    });
    await run(test);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function send(test: TestServer, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await sendSmall(test, `bob${i}@far.test`);
}

/** Besides what the rate gives while they come. */
const burstMax = 3;

/** A slow machine makes it longer, never shorter. */
function assertNoFaster(atMs: readonly number[], perSecond: number): void {
  const tookMs = atMs.at(-1)! - atMs[0]!;
  const leastMs = ((atMs.length - 1 - burstMax) / perSecond) * 1_000;
  assert.ok(tookMs >= leastMs * 0.95, `${atMs.length} came within ${tookMs} ms`);
}

it('`messageRate` holds at the receiver, and all of it comes', async () => {
  const atMs: number[] = [];
  const reply = (command: string) => {
    if (command.startsWith('MAIL')) atMs.push(performance.now());
    return undefined;
  };
  await using hop = await new NextHop({ reply }).start();
  const rules = '[[limits]]\nsite = "127.0.0.1"\nmessageRate = "20/s"\n';
  await withRules(rules, hop, {}, async (test) => {
    await send(test, 30);
    await eventually('all', () => (hop.messages.length === 30 ? true : undefined));
  });
  assertNoFaster(atMs, 20);
});

it('`connectionRate` holds at the receiver, and all of it comes', async () => {
  const atMs: number[] = [];
  const reply = (command: string) => {
    if (command === 'CONNECT') atMs.push(performance.now());
    return undefined;
  };
  await using hop = await new NextHop({ reply }).start();
  const rules =
    '[[limits]]\nsite = "127.0.0.1"\nconnectionRate = "10/s"\nmessagesPerConnection = 1\n';
  await withRules(rules, hop, {}, async (test) => {
    await send(test, 14);
    await eventually('all', () => (hop.messages.length === 14 ? true : undefined));
  });
  assert.equal(atMs.length, 14);
  assertNoFaster(atMs, 10);
});
