import { MemoryCounters } from '../../src/adapters/memory/memory-counters.ts';
import { SeededClock } from '../support/seeded-clock.ts';
import { countersContract } from './counters.ts';

const keysMax = 100;

countersContract('memory', () => {
  const clock = new SeededClock();
  const counters = new MemoryCounters(clock, keysMax);
  return { counters, keysMax, advance: (ms) => clock.advance(ms) };
});
