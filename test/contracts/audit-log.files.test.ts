import { FilesAuditLog } from '../../src/adapters/files/audit-log.ts';
import { seededChance } from '../simulation/seeded-chance.ts';
import { SimulatedDisk } from '../simulation/simulated-disk.ts';
import { SeededClock, SeededRandom } from '../support/seeded-clock.ts';
import { auditLogContract } from './audit-log.ts';

auditLogContract('files', async () => {
  let isFailing = false;
  const disk = new SimulatedDisk(seededChance(1));
  disk.plan = { onWrite: () => (isFailing ? 'no-space' : undefined) };
  const clock = new SeededClock();
  const limits = { segmentBytesMax: 65_536, segmentMsMax: 86_400_000 };
  const options = { disk, clock, random: new SeededRandom(1), folder: '/data/audit', ...limits };
  const log = await FilesAuditLog.open(options);
  return {
    log,
    clock,
    fail: (failing) => {
      isFailing = failing;
    },
    reopen: () => FilesAuditLog.open(options),
    [Symbol.asyncDispose]: () => log.close(),
  };
});
