/** Aim: a session runs so many commands in a turn and in a minute. Method: counts and times by hand. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { minuteMs } from '../../../../../src/base/units.ts';
import { CommandPace } from '../../../../../src/edge/protocols/session/command-pace.ts';

function paceOf(commandsPerMinuteMax: number): CommandPace {
  return new CommandPace({ tickMs: 5_000, policy: { limits: { commandsPerMinuteMax } } });
}

it('a turn runs 100, and then others come first', () => {
  const pace = paceOf(0);
  for (let i = 0; i < 100; i++) {
    assert.equal(pace.isTurnOver, false, `${i}`);
    pace.tookTurn();
  }
  assert.equal(pace.isTurnOver, true);
  pace.beginTurn();
  assert.equal(pace.isTurnOver, false);
});

it('a minute runs as many as settings say; the next says that some may have waited', () => {
  const pace = paceOf(3);
  pace.ran(2);
  assert.equal(pace.isTooBusy, false);
  pace.ran();
  assert.equal(pace.isTooBusy, true);
  assert.equal(pace.sweep(5_000 + minuteMs - 1), false);
  assert.equal(pace.isTooBusy, true);
  assert.equal(pace.sweep(5_000 + minuteMs), true);
  assert.equal(pace.isTooBusy, false);
  // Nobody waited in that one.
  assert.equal(pace.sweep(5_000 + 2 * minuteMs), false);
});

it('without a limit nobody waits', () => {
  const pace = paceOf(0);
  pace.ran(1_000_000);
  assert.equal(pace.isTooBusy, false);
});
