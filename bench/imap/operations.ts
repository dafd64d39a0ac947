/**
 * What is measured: each operation as commands, and what it is meant to reach. Those of one command are steps of a
 * scenario too (`../scenarios/imap-reads.ts`), written as scenarios write them.
 *
 * Runs in:   bench.
 * Invariant: after an operation the mailbox holds as many messages as before, with the same flags.
 */

import { readStep, writeStep } from '../../src/harness/load/imap/steps.ts';
import { SeededRandom } from '../../src/harness/seeded-random.ts';
import type { RawClient } from './client.ts';
import type { Corpus } from './corpus.ts';
import { appendCommand, aside, away, log } from './filling.ts';
import type { ImapServer } from './servers.ts';

/** A server at one mailbox size. */
export interface Scene {
  readonly server: ImapServer;
  readonly corpus: Corpus;
  readonly mailbox: string;
  readonly size: number;
  readonly capabilities: ReadonlySet<string>;
  /** Has the mailbox selected. */
  readonly client: RawClient;
  /** Logged in, nothing selected. */
  readonly other: RawClient;
  /** Each with a connection of its own. */
  readonly crowd: readonly RawClient[];
}

export interface Goal {
  /** Times faster than the faster of Dovecot's stores; below 1: may take as much longer. */
  readonly ratio?: number;
  readonly firstRatio?: number;
  readonly msMax?: number;
}

export interface Operation {
  readonly name: string;
  readonly goal?: Goal;
  /** Largest mailbox it is measured on; absent: all. */
  readonly sizeMax?: number;
  readonly sizeMin?: number;
  /** What a server must advertise. */
  readonly needs?: string;
  /** An absolute time is the median of many. */
  readonly isAbsolute?: boolean;
  /** Changes the mailbox: the server has time to settle before the next one is measured. */
  readonly isChange?: boolean;
  /** The one command it is, on the selected mailbox, as a scenario says it. */
  readonly step?: (terms: Terms) => string;
  /** `round` counts from 0. Answers milliseconds. */
  readonly run: (scene: Scene, round: number) => Promise<number>;
}

const wholeMax = 100_000;
const bodies = 1_000;
const storedMost = 10_000;
const stores = 500;
const moved = 500;
const copied = 1_000;
const expunged = 500;
const appended = 200;
const appendedEach = 100;
const changedFlags = 900;
const changedPlaces = 100;

type Terms = Corpus['terms'];

/** An operation of one command: said here, or by `chaski load`. */
function said(command: string | ((terms: Terms) => string)): Pick<Operation, 'step' | 'run'> {
  const step = (terms: Terms) => (typeof command === 'string' ? command : command(terms));
  return {
    step,
    async run({ client, corpus, mailbox, size }, round) {
      const random = new SeededRandom(size + round);
      const selected = { name: mailbox, exists: size };
      const words = readStep({ command: step(corpus.terms) });
      return (await client.say(writeStep(words, selected, () => random.fraction()))).ms;
    },
  };
}

const fetches: readonly Operation[] = [
  { name: 'FETCH 1:* (FLAGS)', goal: { ratio: 2, firstRatio: 2 }, ...said('FETCH 1:* (FLAGS)') },
  {
    name: 'FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)',
    sizeMax: wholeMax,
    ...said('FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)'),
  },
  {
    name: 'FETCH 1:* (ENVELOPE)',
    goal: { ratio: 2, firstRatio: 2 },
    sizeMax: wholeMax,
    ...said('FETCH 1:* (ENVELOPE)'),
  },
  {
    name: 'FETCH 1:* (BODYSTRUCTURE)',
    goal: { ratio: 2, firstRatio: 2 },
    sizeMax: wholeMax,
    ...said('FETCH 1:* (BODYSTRUCTURE)'),
  },
  {
    name: 'FETCH newest 50, as a list shows them',
    ...said(
      'FETCH {last:50} (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE ' +
        'BODY.PEEK[HEADER.FIELDS (DATE FROM TO SUBJECT REFERENCES X-MAILER)])',
    ),
  },
  {
    name: '1,000 random bodies, one command',
    goal: { ratio: 1 },
    ...said(`FETCH {some:${bodies}} (BODY.PEEK[])`),
  },
  {
    name: '1,000 random bodies, one by one',
    run: ({ client, size }, round) =>
      oneByOne(
        client,
        someOf(size, bodies, round).map((one) => `FETCH ${one} (BODY.PEEK[])`),
      ),
  },
];

const opens: readonly Operation[] = [
  {
    name: 'SELECT, new connection',
    goal: { msMax: 1 },
    isAbsolute: true,
    async run({ server, mailbox }) {
      const client = await server.connect();
      const { ms } = await client.say(`SELECT ${mailbox}`);
      client.close();
      return ms;
    },
  },
  {
    name: 'SELECT, same connection',
    isAbsolute: true,
    async run({ other, mailbox }) {
      const { ms } = await other.say(`SELECT ${mailbox}`);
      await other.say('UNSELECT');
      return ms;
    },
  },
  {
    name: 'STATUS, new connection',
    goal: { msMax: 0.3 },
    isAbsolute: true,
    async run({ server, mailbox }) {
      const client = await server.connect();
      const items = 'MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ';
      const { ms } = await client.say(`STATUS ${mailbox} (${items})`);
      client.close();
      return ms;
    },
  },
  {
    name: 'STATUS, same connection',
    isAbsolute: true,
    run: async ({ other, mailbox }) =>
      (await other.say(`STATUS ${mailbox} (MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ)`)).ms,
  },
];

const search = (
  name: string,
  goal: Goal | undefined,
  key: (terms: Terms) => string,
): Operation => ({
  name: `SEARCH ${name}`,
  ...(goal === undefined ? {} : { goal }),
  sizeMax: wholeMax,
  ...said((terms) => `SEARCH ${key(terms)}`),
});
const twice: Goal = { ratio: 2, firstRatio: 2 };
const first: Goal = { firstRatio: 2 };

const searches: readonly Operation[] = [
  { name: 'SEARCH UNSEEN', goal: twice, ...said('SEARCH UNSEEN') },
  { name: 'SEARCH FLAGGED UNDELETED', goal: twice, ...said('SEARCH FLAGGED UNDELETED') },
  search('SINCE', first, () => 'SINCE 1-Mar-2025'),
  search('SUBJECT', twice, ({ subject }) => `SUBJECT ${subject}`),
  search('SUBJECT, another word', { ratio: 2 }, ({ otherSubject }) => `SUBJECT ${otherSubject}`),
  search('FROM', twice, ({ from }) => `FROM ${from}`),
  search('TO', twice, ({ to }) => `TO ${to}`),
  search('CC', twice, ({ cc }) => `CC ${cc}`),
  search('HEADER MESSAGE-ID', twice, ({ messageId }) => `HEADER MESSAGE-ID "${messageId}"`),
  search('HEADER X-CAMPAIGN', { firstRatio: 3 }, ({ subject }) => `HEADER X-CAMPAIGN ${subject}`),
  search('BODY', first, ({ body }) => `BODY ${body}`),
  search('TEXT', undefined, ({ body }) => `TEXT ${body}`),
  search('TEXT of none', undefined, () => 'TEXT zzqqxxnotthere'),
];

const sort = (keys: string): Operation => ({
  name: `SORT (${keys})`,
  goal: { ratio: 1, firstRatio: 2 },
  sizeMax: wholeMax,
  needs: 'SORT',
  ...said(`SORT (${keys}) UTF-8 ALL`),
});
const sorts: readonly Operation[] = [
  ...['DATE', 'REVERSE ARRIVAL', 'SUBJECT', 'FROM'].map(sort),
  {
    name: 'THREAD REFERENCES',
    goal: twice,
    // Copies share their Message-IDs: threads of them are no threads.
    sizeMax: wholeMax,
    needs: 'THREAD=REFERENCES',
    ...said('THREAD REFERENCES UTF-8 ALL'),
  },
  {
    name: 'newest 50 by SORT and PARTIAL',
    goal: { msMax: 20 },
    needs: 'PARTIAL',
    ...said('UID SORT RETURN (PARTIAL 1:50) (REVERSE ARRIVAL) UTF-8 ALL'),
  },
];

const stored: readonly Operation[] = [
  {
    name: 'STORE 1:10000 +FLAGS.SILENT',
    goal: { ratio: 1 },
    isChange: true,
    async run({ client, size }) {
      const set = firstOf(size);
      const { ms } = await client.say(`STORE ${set} +FLAGS.SILENT (\\Answered)`);
      await client.say(`STORE ${set} -FLAGS.SILENT (\\Answered)`);
      return ms;
    },
  },
  {
    name: 'STORE 1:10000 -FLAGS, told',
    goal: { ratio: 1 },
    isChange: true,
    async run({ client, size }) {
      const set = firstOf(size);
      await client.say(`STORE ${set} +FLAGS.SILENT (\\Answered)`);
      return (await client.say(`STORE ${set} -FLAGS (\\Answered)`)).ms;
    },
  },
  {
    name: '500 STOREs, pipelined',
    goal: { ratio: 1 },
    isChange: true,
    async run({ client, size }, round) {
      const some = someOf(size, stores, round);
      const { ms } = await client.sayAll(some.map((one) => storeOne(one, '+')));
      await client.sayAll(some.map((one) => storeOne(one, '-')));
      return ms;
    },
  },
  {
    name: '500 STOREs, one by one',
    goal: { ratio: 1 / 3 },
    isChange: true,
    async run({ client, size }, round) {
      const some = someOf(size, stores, round);
      const ms = await oneByOne(
        client,
        some.map((one) => storeOne(one, '+')),
      );
      await client.sayAll(some.map((one) => storeOne(one, '-')));
      return ms;
    },
  },
];

const moves: readonly Operation[] = [
  {
    name: 'COPY 1000',
    goal: { ratio: 1 },
    isChange: true,
    async run({ client, size }, round) {
      const from = ((round * copied) % Math.max(1, size - copied)) + 1;
      return (await client.say(`COPY ${from}:${from + copied - 1} ${aside}`)).ms;
    },
  },
  {
    name: 'MOVE 500',
    goal: { ratio: 1 },
    isChange: true,
    async run({ client, other, mailbox, size }) {
      const { ms } = await client.say(`MOVE ${size - moved + 1}:${size} ${away}`);
      await other.say(`SELECT ${away}`);
      await other.say(`MOVE 1:${moved} ${mailbox}`);
      await other.say('UNSELECT');
      await client.say('NOOP');
      return ms;
    },
  },
  {
    name: 'EXPUNGE 500',
    goal: { ratio: 1 },
    isChange: true,
    async run({ client, mailbox, size }, round) {
      const from = ((round * expunged) % (size - expunged)) + 1;
      await client.say(`COPY ${from}:${from + expunged - 1} ${mailbox}`);
      await client.say('NOOP');
      await client.say(`STORE ${size + 1}:${size + expunged} +FLAGS.SILENT (\\Deleted)`);
      return (await client.say('EXPUNGE')).ms;
    },
  },
];

const appends: readonly Operation[] = [
  {
    name: '200 APPENDs, one connection',
    goal: { ratio: 1.5 },
    isChange: true,
    run: ({ other, corpus }, round) => oneByOne(other, appendsOf(corpus, appended, round)),
  },
  {
    name: '1,000 APPENDs, ten connections',
    goal: { ratio: 3 },
    isChange: true,
    async run({ crowd, corpus }, round) {
      const each = crowd.map((_, i) => appendsOf(corpus, appendedEach, round * 10 + i));
      const beganMs = performance.now();
      await Promise.all(crowd.map((client, i) => oneByOne(client, each[i]!)));
      return performance.now() - beganMs;
    },
  },
];

const resync: Operation = {
  name: 'SELECT with QRESYNC after 1,000 changes',
  goal: { msMax: 25 },
  needs: 'QRESYNC',
  isChange: true,
  async run({ server, client, other, mailbox, size }, round) {
    const items = 'UIDVALIDITY HIGHESTMODSEQ';
    const { text } = await other.say(`STATUS ${mailbox} (${items})`, { keeps: true });
    const [uidValidity, modseq] = items
      .split(' ')
      .map((item) => new RegExp(`${item} (\\d+)`).exec(text)?.[1]);
    const some = someOf(size - changedPlaces, changedFlags, round);
    await client.sayAll(some.map((one) => storeOne(one, '+')));
    await client.say(`MOVE ${size - changedPlaces + 1}:${size} ${away}`);
    await other.say(`SELECT ${away}`);
    await other.say(`MOVE 1:${changedPlaces} ${mailbox}`);
    await other.say('UNSELECT');
    await client.say('NOOP');
    const late = await server.connect();
    await late.say('ENABLE QRESYNC');
    const { ms } = await late.say(`SELECT ${mailbox} (QRESYNC (${uidValidity} ${modseq}))`);
    late.close();
    await client.sayAll(some.map((one) => storeOne(one, '-')));
    return ms;
  },
};

export const operations: readonly Operation[] = [
  ...opens,
  ...fetches,
  ...searches,
  ...sorts,
  ...stored,
  ...moves,
  ...appends,
  resync,
];

/** Where there are as many. */
function firstOf(size: number): string {
  return `1:${Math.min(storedMost, size)}`;
}

function storeOne(number: number, sign: '+' | '-'): string {
  return `STORE ${number} ${sign}FLAGS.SILENT (\\Draft)`;
}

async function oneByOne(
  client: RawClient,
  commands: readonly (string | Buffer)[],
): Promise<number> {
  const beganMs = performance.now();
  for (const command of commands) await client.say(command);
  return performance.now() - beganMs;
}

function appendsOf(corpus: Corpus, count: number, round: number): Buffer[] {
  return Array.from({ length: count }, (_, i) =>
    appendCommand(log, [corpus.message(1_000_000 + round * count + i)]),
  );
}

/** Ascending sequence numbers, the same for the same round. */
function someOf(size: number, count: number, round: number): number[] {
  const random = new SeededRandom(size + round);
  const some = new Set<number>();
  while (some.size < count) some.add(1 + Math.floor(random.fraction() * size));
  return [...some].sort((a, b) => a - b);
}
