/**
 * Time, as everything outside adapters sees it. Tests inject a clock they turn by hand.
 *
 * Contract: `nowMs` is wall time and may step back; `monotonicMs` never does and has no relation to dates.
 * A timer fires once, never before its time, in the thread that set it; `cancel` after firing does nothing.
 * Timers do not keep a process alive.
 */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970-01-01T00:00Z, an integer. */
  nowMs(): number;
  /** Milliseconds since an arbitrary instant, with fractions. */
  monotonicMs(): number;
  setTimer(delayMs: number, run: () => void): Timer;
}
