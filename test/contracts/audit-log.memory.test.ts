import { MemoryAuditLog } from '../../src/adapters/memory/memory-audit-log.ts';
import { SeededClock } from '../support/seeded-clock.ts';
import { auditLogContract } from './audit-log.ts';

auditLogContract('memory', async () => {
  const clock = new SeededClock();
  const log = new MemoryAuditLog(clock);
  return {
    log,
    clock,
    fail: (isFailing) => {
      log.isFailing = isFailing;
    },
    [Symbol.asyncDispose]: () => log.close(),
  };
});
