/**
 * Has what credentials were last used at written now and then, so that a log-in costs no write.
 *
 * Runs in:   main thread.
 * Limits:    a kill loses the uses of `settleMs` at most.
 */

import type { Log } from '../base/log.ts';
import { minuteMs } from '../base/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { CredentialStore } from '../ports/credentials.ts';

const settleMs = minuteMs;

export function settleUsesInTime(
  credentials: Pick<CredentialStore, 'settleUses'>,
  clock: Clock,
  log: Log,
): { end(): void } {
  let timer = clock.setTimer(settleMs, settle);
  let isOver = false;
  function settle(): void {
    void credentials
      .settleUses()
      .catch((error: unknown) => log.warn({ error }, 'last uses were not written'))
      .finally(() => {
        if (!isOver) timer = clock.setTimer(settleMs, settle);
      });
  }
  return {
    end() {
      isOver = true;
      timer.cancel();
    },
  };
}
