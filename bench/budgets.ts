/**
 * `node bench/budgets.ts`: where the CPU time of one relayed message is meant to go. A sketch to
 * hold profiles against; when a step is measured to cost more, the step or the sketch is wrong.
 *
 * Runs in:   bench.
 * Limits:    1 kB, 20 sessions, trusted, unsigned, pipelined both ways; all threads, system time
 *            included.
 */

interface Step {
  readonly thread: 'edge' | 'engine';
  readonly what: string;
  readonly micros: number;
  readonly why: string;
}

/** All that a relayed message may cost. */
const budgetMicros = 400;

export const relayBudget: readonly Step[] = [
  { thread: 'edge', what: 'read the socket', micros: 50, why: '5 reads a message unpipelined' },
  { thread: 'edge', what: 'parse commands, policy', micros: 15, why: 'MAIL, RCPT, DATA' },
  { thread: 'edge', what: 'find the end of DATA', micros: 3, why: 'one indexOf over 1 kB' },
  { thread: 'edge', what: 'write replies', micros: 60, why: '4 writes unpipelined' },
  { thread: 'edge', what: 'pack and send the parcel', micros: 8, why: 'shared by its messages' },
  { thread: 'engine', what: 'unpack, dispatch', micros: 5, why: 'shared by its messages' },
  { thread: 'engine', what: 'scan header, Received', micros: 12, why: 'offsets only' },
  { thread: 'engine', what: 'frame, CRC, write', micros: 15, why: 'one vectored write a parcel' },
  { thread: 'engine', what: 'fdatasync', micros: 15, why: '120 µs of system time a parcel of 8' },
  { thread: 'engine', what: 'queue and lease', micros: 10, why: 'in memory, no index row' },
  { thread: 'engine', what: 'send: write', micros: 40, why: 'envelope in one, body in one' },
  { thread: 'engine', what: 'send: read replies', micros: 40, why: '2 reads a message pipelined' },
  { thread: 'engine', what: 'outcome record', micros: 12, why: 'written with the next parcel' },
  { thread: 'engine', what: 'log and events', micros: 20, why: 'two lines a message, gathered' },
  { thread: 'edge', what: 'collection, timers', micros: 40, why: 'young generation, both threads' },
];

/** What pays disk and network rather than CPU, in bytes a message. */
export const relayBytes = { journalRecord: 1_400, outcomeRecord: 160, logLines: 500 } as const;

if (import.meta.main) {
  let sum = 0;
  for (const { thread, what, micros, why } of relayBudget) {
    sum += micros;
    process.stdout.write(
      `${thread.padEnd(7)} ${what.padEnd(26)} ${`${micros}`.padStart(4)} µs  ${why}\n`,
    );
  }
  process.stdout.write(`${'sum'.padEnd(34)} ${`${sum}`.padStart(4)} µs of ${budgetMicros}\n`);
  process.exitCode = sum <= budgetMicros ? 0 : 1;
}
