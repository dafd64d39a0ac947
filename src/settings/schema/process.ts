/** Settings of the process itself: name, threads, memory, log, shut-down, accounts. */

import { logLevels } from '../../base/log.ts';
import { gibibyte, mebibyte, minuteMs, secondMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { bytes, choice, duration, flag, integer, text } from '../fields.ts';
import { isDomainName } from '../networks.ts';

export const hostname = text({
  default: '',
  bounds: 'a domain name, or "" for the name of the machine',
  reload: 'restart',
  doc: 'Name this server gives itself in greetings, EHLO, Received and Authentication-Results.',
  spec: 'RFC 5321 §2.3.5',
  example: 'mail.example.org',
  check: (name) =>
    name === '' || isDomainName(name) ? undefined : `"${name}" is not a domain name`,
});

export const shards = integer({
  default: 0,
  min: 0,
  max: 1_024,
  unit: 'shards',
  reload: 'restart',
  doc: 'Shards of a new data folder; it keeps the number for life. 0 takes 2 per core, 4 to 64.',
});

export const workers = integer({
  default: 0,
  min: 0,
  max: 256,
  unit: 'threads',
  reload: 'restart',
  doc:
    'Threads that own shards. 0 takes 3 of 4 cores beside the edge’s: 1 with 2 cores, 2 with 4, ' +
    '5 with 8, 11 with 16; at most one per shard.',
});

export const routerSection = section(
  'How mail is spread over the threads of `workers`, and let in.',
  {
    moves: flag({
      default: true,
      reload: 'restart',
      doc: 'Whether a shard moves to another thread when its own stays busy and the other is not.',
    }),
    undeliveredMax: integer({
      default: 2_000,
      min: 0,
      max: 1_000_000,
      unit: 'messages',
      reload: 'restart',
      doc: 'While a thread is busy, a message for another server waits for its `250` when so many are under way; 0: none waits.',
    }),
    spread: flag({
      default: true,
      reload: 'restart',
      doc: 'Whether mail for other servers goes to the thread with least to do; else all of it goes to one shard.',
    }),
  },
);

export const watchdogSection = section('Engine threads that do not answer.', {
  silenceMsMax: duration({
    default: 10 * secondMs,
    min: 2 * secondMs,
    max: 10 * minuteMs,
    reload: 'restart',
    doc: 'A thread silent for so long is reported by the log, the metrics and `/readyz`; new mail goes to others.',
  }),
  endMsMax: duration({
    default: 2 * minuteMs,
    min: 0,
    max: 60 * minuteMs,
    reload: 'restart',
    doc: 'A thread silent for so long ends the whole process (SIGKILL), for its service manager to start anew. 0 never does.',
  }),
});

export const logSection = section('The log: JSON lines on standard output.', {
  level: choice({
    values: logLevels,
    default: 'info',
    reload: 'restart',
    doc: 'Least level written. `info` has one line per message event.',
  }),
});

export const memorySection = section('Ceilings of memory.', {
  receivingBytesMax: bytes({
    default: 256 * mebibyte,
    min: 8 * mebibyte,
    max: 512 * gibibyte,
    reload: 'restart',
    doc: 'Bytes of mail received and not yet journaled; at the limit MAIL gets 452 4.3.1.',
  }),
  bodiesBytesMax: bytes({
    default: 128 * mebibyte,
    min: 0,
    max: 512 * gibibyte,
    reload: 'restart',
    doc: 'Journaled bodies kept for delivery; a cache, first to go.',
  }),
  derivedBytesMax: bytes({
    default: 128 * mebibyte,
    min: mebibyte,
    max: 512 * gibibyte,
    reload: 'restart',
    doc: 'Views, orders, threads and names of mailboxes that each thread of `workers` keeps ready for all its shards; a cache.',
  }),
  queueCountMax: integer({
    default: 20_000,
    min: 100,
    max: 1_000_000,
    unit: 'messages',
    reload: 'restart',
    doc: 'Queued messages a shard holds in memory; mail past it is accepted all the same and waits on disk only.',
  }),
});

export const shutdownSection = section('Going down.', {
  drainMsMax: duration({
    default: 30 * secondMs,
    min: 0,
    max: 10 * minuteMs,
    reload: 'restart',
    doc: 'After SIGTERM: how long open transactions and deliveries may take to end.',
  }),
});

export const accountsSection = section('Local accounts.', {
  quotaBytesDefault: bytes({
    default: 0,
    min: 0,
    max: 1_024 * gibibyte,
    reload: 'restart',
    doc: 'Quota of accounts where neither they nor their domain or tenant have one; 0 is no limit.',
  }),
  quotaMessagesDefault: integer({
    default: 0,
    min: 0,
    max: 100_000_000,
    unit: 'messages',
    reload: 'restart',
    doc: 'Messages that accounts may hold where neither they nor their domain or tenant say; 0 is no limit.',
    spec: 'RFC 9208 §5.2',
  }),
});
