/**
 * The machine's clocks and timers.
 *
 * Runs in:   every thread.
 * Limits:    a delay over `delayMsMax` (24.8 days, what Node's timers hold) fires in several steps.
 */

import type { Clock, Timer } from '../../ports/clock.ts';

const delayMsMax = 0x7fff_ffff;

export const nodeClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer,
};

function setTimer(delayMs: number, run: () => void): Timer {
  const dueMs = performance.now() + delayMs;
  let timer: NodeJS.Timeout;
  const arm = () => {
    const leftMs = Math.max(0, dueMs - performance.now());
    // Node rounds a delay down to whole milliseconds; the port promises never to be early.
    timer = setTimeout(fire, Math.min(Math.ceil(leftMs), delayMsMax));
    timer.unref();
  };
  const fire = () => {
    if (performance.now() < dueMs) arm();
    else run();
  };
  arm();
  return { cancel: () => clearTimeout(timer) };
}
