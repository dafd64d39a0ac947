/** Aim: operators suspend by filters, see what is suspended, and list a queue over pages that have nothing. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ControlHandlers, ControlParams } from '../../../../src/actors/asks/control.ts';
import type { HoldRule } from '../../../../src/ports/hold-rule.ts';
import { runCli } from '../run-cli.ts';

const rule: HoldRule = {
  id: 3,
  filter: { tenant: { id: 7, name: 'acme' }, campaign: '' },
  createdMs: Date.UTC(2026, 0, 2),
  untilMs: 0,
  note: 'complaints',
};

it('suspends what a filter fits, for a time or until it is resumed', async () => {
  const asked: ControlParams<'queue.suspend'>[] = [];
  const handlers: ControlHandlers = {
    'queue.suspend': (params) => {
      asked.push(params);
      return { rule };
    },
  };
  const words = ['--tenant', 'acme', '--campaign', '', '--note', 'complaints'];
  const { code, out } = await runCli(['queue', 'suspend', ...words], { handlers });
  assert.equal(code, 0);
  const given = { tenant: 'acme', campaign: '', untilMs: 0, note: 'complaints' };
  assert.deepEqual(asked, [given]);
  assert.match(out, /rule: +3\nholds back: tenant acme, campaign ""\nuntil: +resumed/);
  const beganMs = Date.now();
  await runCli(['queue', 'suspend', '--domain', 'a.test', '--for', '2h'], { handlers });
  const waitMs = asked[1]!.untilMs - beganMs;
  assert.ok(waitMs >= 7_200_000 && waitMs < 7_260_000, `${waitMs}`);
  for (const line of [[], ['--for', '2h'], ['--domain', 'a.test', '--for', 'long']]) {
    const refused = await runCli(['queue', 'suspend', ...line], { handlers });
    assert.equal(refused.code, 2, line.join(' '));
  }
  assert.equal(asked.length, 2);
});

it('lists rules and ends them', async () => {
  const ended: number[] = [];
  const handlers: ControlHandlers = {
    'queue.suspensions': () => ({ rules: [rule] }),
    'queue.resume': ({ id }) => {
      ended.push(id);
      return {};
    },
  };
  const { out } = await runCli(['queue', 'suspensions'], { handlers });
  assert.match(out, /3 +tenant acme, campaign "" +2026-01-02T00:00:00Z +resumed +complaints/);
  const { out: json } = await runCli(['queue', 'suspensions', '--json'], { handlers });
  assert.deepEqual(JSON.parse(json), [rule]);
  assert.equal((await runCli(['queue', 'resume', '3'], { handlers })).code, 0);
  assert.equal((await runCli(['queue', 'resume', 'x'], { handlers })).code, 2);
  assert.deepEqual(ended, [3]);
});

it('queue list goes on over pages that have nothing, as far as its limit', async () => {
  const afters: (string | undefined)[] = [];
  const handlers: ControlHandlers = {
    'queue.list': ({ after, limit }) => {
      afters.push(after);
      assert.equal(limit, 5);
      const isComplete = after === 'B';
      const scannedTo = isComplete ? '' : after === undefined ? 'A' : 'B';
      return { entries: [], messageCount: 9, isComplete, scannedTo };
    },
  };
  const words = ['--tenant', 'acme', '--reply-text', 'Later', '--limit', '5'];
  const { out } = await runCli(['queue', 'list', ...words], { handlers });
  assert.deepEqual(afters, [undefined, 'A', 'B']);
  assert.match(out, /9 messages in the queue\.$/m);
});
