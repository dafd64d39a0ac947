import { JsonlSink } from '../../src/adapters/files/jsonl-sink.ts';
import { seededChance } from '../simulation/seeded-chance.ts';
import { SimulatedDisk } from '../simulation/simulated-disk.ts';
import { readJsonl } from '../support/jsonl-reader.ts';
import { SeededClock } from '../support/seeded-clock.ts';
import { eventSinkContract } from './event-sink.ts';

eventSinkContract('files of JSON lines', async () => {
  let isFailing = false;
  const disk = new SimulatedDisk(seededChance(1));
  disk.plan = { onWrite: () => (isFailing ? 'no-space' : undefined) };
  const folder = '/events';
  const limits = { bytesMax: 65_536, ageMsMax: 60_000, filesMax: 100 };
  const made = () => new JsonlSink({ disk, clock: new SeededClock(), folder, ...limits });
  const sink = made();
  return {
    sink,
    reopen: async () => made(),
    read: async () => (await readJsonl(disk, folder)).filter(({ cursor }) => cursor === undefined),
    fail: (failing) => {
      isFailing = failing;
    },
    [Symbol.asyncDispose]: () => sink.close(),
  };
});
