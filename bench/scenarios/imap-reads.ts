/**
 * What a mail program reads of a large mailbox, each command three times in a row: the operations of `bench:imap` that
 * are one command on the selected mailbox. Words that are searched for are those of its corpus.
 *
 * Runs in: load generator; `chaski load run bench/scenarios/imap-reads.ts` against a server that `bench:imap` filled.
 */

import { Corpus, corpusSeed } from '../imap/corpus.ts';
import { mailboxOf } from '../imap/filling.ts';
import { operations } from '../imap/operations.ts';
import { password, user } from '../imap/servers.ts';

const times = 3;
const { terms } = new Corpus(corpusSeed);
const steps = operations.flatMap(({ name, step, needs, sizeMin }) =>
  // A file is the same for all servers: what only some advertise is not in it.
  step === undefined || needs === 'PARTIAL' || sizeMin !== undefined
    ? []
    : [{ name, times, command: step(terms) }],
);

export default {
  name: 'reading a mailbox',
  target: '127.0.0.1:2143',
  groups: [
    {
      ...{ protocol: 'imap', user, password, mailbox: mailboxOf(10_000) },
      ...{ sessions: 1, count: steps.length * times, steps },
    },
  ],
};
