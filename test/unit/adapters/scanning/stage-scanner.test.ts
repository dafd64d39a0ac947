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

function world(fault?: ScanFault) {
  const told: string[] = [];
  const conversation = {
    async ask() {
      if (fault !== undefined) throw new ScanError(fault, 'as the test says');
      return undefined;
    },
    reset() {},
    end() {},
  };
  const setting = scannerSetting({
    kind: 'milter',
    stages: ['rcpt'],
    fail: 'closed',
    connectionsMax: 2,
  });
  const scanner = new StageScanner(
    setting,
    { begin: () => conversation, close: async () => {} },
    { clock: new SeededClock(), told: (_scanner, _stage, verdict) => told.push(verdict) },
  );
  return { scanner, told };
}

it('is told of so many sessions at a time', async () => {
  const { scanner, told } = world();
  const begun = Array.from({ length: 2 * sessionsPerConnection }, () => scanner.begin());
  assert.ok(begun.every((one) => one !== undefined));
  assert.equal(scanner.begin(), undefined);
  const { answer } = await scanner.ask(undefined, 'rcpt', facts);
  assert.equal(answer.kind, 'refused');
  assert.deepEqual(told, ['failed: busy']);
  scanner.end(begun[0]!);
  assert.ok(scanner.begin() !== undefined);
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
