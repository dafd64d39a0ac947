/** Aim: a scanner is told of so many sessions and no more, and failures alone have it left alone. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { failuresMax } from '../../../../src/adapters/scanning/circuit-breaker.ts';
import { ScanError } from '../../../../src/adapters/scanning/scan-error.ts';
import {
  StageScanner,
  sessionsPerConnection,
} from '../../../../src/adapters/scanning/stage-scanner.ts';
import type { ScanFault } from '../../../../src/ports/content-scanner.ts';
import { scannerSetting } from '../../../support/scanners.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const facts = {
  ...{ peerAddress: '192.0.2.1', peerPort: 1, hostname: 'here.test', helo: 'far.test', user: '' },
  ...{ isTrusted: false, sender: '', recipient: 'bob@here.test' },
};

function world(fault?: ScanFault, answer: Promise<undefined> = Promise.resolve(undefined)) {
  const told: string[] = [];
  const ended: number[] = [];
  let begun = 0;
  const begin = () => {
    const number = begun++;
    return {
      ask() {
        if (fault !== undefined) throw new ScanError(fault, 'as the test says');
        return answer;
      },
      reset() {},
      end: () => void ended.push(number),
    };
  };
  const setting = scannerSetting({
    kind: 'milter',
    stages: ['rcpt'],
    fail: 'closed',
    connectionsMax: 2,
  });
  const scanner = new StageScanner(
    setting,
    { begin, close: async () => {} },
    { clock: new SeededClock(), told: (_scanner, _stage, verdict) => told.push(verdict) },
  );
  return { scanner, told, ended };
}

const most = 2 * sessionsPerConnection;

it('is told of so many sessions at a time, of those that are asked about', async () => {
  const { scanner, ended } = world();
  const begun = Array.from({ length: most }, () => scanner.begin()!);
  await scanner.ask(begun[0], 'rcpt', facts);
  // Clients that do nothing keep nobody from being asked about.
  assert.ok(scanner.begin() !== undefined);
  assert.deepEqual(ended, [1]);
  assert.deepEqual([scanner.holds(begun[0]!), scanner.holds(begun[1]!)], [true, false]);
  scanner.end(begun[1]!);
  scanner.end(begun[2]!);
  assert.deepEqual(ended, [1, 2]);
  assert.ok(scanner.begin() !== undefined);
  assert.deepEqual(ended, [1, 2]);
});

it('is told of no more sessions where it is asked about all of them', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const { scanner, told } = world(undefined, promise);
  const begun = Array.from({ length: most }, () => scanner.begin()!);
  const asked = begun.map((one) => scanner.ask(one, 'rcpt', facts));
  assert.equal(scanner.begin(), undefined);
  const { answer } = await scanner.ask(undefined, 'rcpt', facts);
  assert.equal(answer.kind, 'refused');
  assert.deepEqual(told.slice(-1), ['failed: busy']);
  resolve(undefined);
  await Promise.all(asked);
  assert.ok(scanner.begin() !== undefined);
});

it('has a conversation that a message is shown by make no room, until it is given back', () => {
  const { scanner, ended } = world();
  const begun = Array.from({ length: most }, () => scanner.begin()!);
  scanner.lend(begun[0]!);
  assert.ok(scanner.begin() !== undefined);
  assert.deepEqual(ended, [1]);
  scanner.giveBack(begun[0]!);
  assert.ok(scanner.begin() !== undefined);
  assert.deepEqual(ended, [1, 0]);
});

it('is left alone after failures of its own', async () => {
  for (const [fault, last] of [
    ['broken', 'failed: circuit-open'],
    ['closed', 'failed: closed'],
  ] as const) {
    const { scanner, told } = world(fault);
    const one = scanner.begin();
    for (let n = 0; n <= failuresMax; n++) await scanner.ask(one, 'rcpt', facts);
    assert.equal(told.at(-1), last);
  }
});
