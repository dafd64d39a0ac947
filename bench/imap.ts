/**
 * `npm run bench:imap`: Chaski and Dovecot serve the same mailboxes, operation by operation, in turn.
 *
 * Runs in:   a process of its own, as root where Dovecot is to be measured.
 * Invariant: all servers hold the same mail, filled by the same commands; all are up all the time.
 */

import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type MeasuredByLoad, measureByLoad } from './imap/by-load.ts';
import { Corpus, corpusSeed } from './imap/corpus.ts';
import { fill } from './imap/filling.ts';
import { type Measured, type MeasureOptions, measureSize, warmUp } from './imap/measure.ts';
import { operations } from './imap/operations.ts';
import { type ImapRun, renderImap } from './imap/report.ts';
import { forgetAnswers, type ImapServer, peerNames, startServer } from './imap/servers.ts';
import { describeMachine, firstLine, type Machine } from './machine.ts';
import { makeWork } from './relay/rig.ts';
import { keepResult } from './result.ts';
import { dovecotIsInstalled } from './servers/dovecot.ts';

const usage = `usage: npm run bench:imap -- [options]
  --sizes A,B      messages in a mailbox (default 10000,100000,1000000); over 100,000 are copies
  --peers A,B      of ${peerNames.join(', ')} (default sdbox,mdbox); "" for none
  --only A,B       operations whose name has one of these in it
  --driver NAME    who asks: client (of the bench, default; all operations), load ("chaski load": those of
                   bench/scenarios/imap-reads.ts), or both (those, by the one and the other in turn)
  --quick          3 rounds an operation: a look, no figures to quote, nothing is kept
  --tls            all under TLS; without it in clear
  --keep DIR       data of the servers stays there, and is used again
  --seed N         of the corpus (default ${corpusSeed}, the only one whose words a scenario knows)
  --json FILE      the figures (default: bench/results/imap-DATE.json)
`;

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,100000,1000000' },
    peers: { type: 'string', default: 'sdbox,mdbox' },
    only: { type: 'string' },
    driver: { type: 'string', default: 'client' },
    quick: { type: 'boolean', default: false },
    tls: { type: 'boolean', default: false },
    keep: { type: 'string' },
    seed: { type: 'string', default: `${corpusSeed}` },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) process.stdout.write(usage);
else await bench();

async function bench(): Promise<void> {
  checkDriver();
  const machine = describeMachine(`Dovecot ${firstLine('dovecot', ['--version'])}`);
  const work = values.keep ?? makeWork(tmpdir());
  mkdirSync(work, { recursive: true });
  const servers: ImapServer[] = [];
  try {
    report(await run(machine, work, servers));
  } finally {
    for (const server of servers) await server.stop();
    if (values.keep === undefined) rmSync(work, { recursive: true, force: true });
  }
}

async function run(machine: Machine, work: string, servers: ImapServer[]): Promise<ImapRun> {
  const sizes = values.sizes.split(',').map(Number);
  const corpus = new Corpus(Number(values.seed));
  for (const name of ['chaski', ...chosenPeers()]) {
    const folder = join(work, name);
    forgetAnswers(name, folder);
    const server = await startServer(name, folder, values.tls);
    servers.push(server);
    await fill(server, corpus, sizes, say);
    forgetAnswers(name, folder);
  }
  const parts = values.only?.split(',');
  const isWanted: MeasureOptions['isWanted'] = ({ name }) =>
    parts?.some((part) => name.includes(part)) ?? true;
  const memory: Record<string, number> = {};
  const options = { servers, corpus, isWanted, say, memory, isQuick: values.quick };
  if (!operations.some(isWanted)) throw new Error(`no operation has ${values.only} in its name`);
  await warmUp(options);
  const measured: Record<string, Measured> = {};
  const byLoad: Record<string, MeasuredByLoad> = {};
  for (const size of sizes) {
    if (values.driver === 'client') {
      say(`${size} messages, first / warm:`);
      measured[size] = await measureSize(options, size);
    }
    if (values.driver === 'client') continue;
    byLoad[size] = await measureByLoad(options, size, values.driver === 'both');
  }
  const names = servers.map(({ name }) => name);
  return { machine, servers: names, sizes: measured, byLoad, pssBytes: memory };
}

function checkDriver(): void {
  if (!['client', 'load', 'both'].includes(values.driver)) throw new Error(usage);
  if (values.driver !== 'client' && Number(values.seed) !== corpusSeed) {
    throw new Error(`the scenario searches for words of seed ${corpusSeed}`);
  }
}

function chosenPeers(): readonly string[] {
  const wanted = values.peers.split(',').filter((name) => name !== '');
  const unknown = wanted.find((name) => !peerNames.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`${unknown} is none of ${peerNames.join(', ')}`);
  if (wanted.length === 0 || dovecotIsInstalled()) return wanted;
  say('dovecot: skipped, not installed or not root');
  return [];
}

function report(measured: ImapRun): void {
  keepResult('imap', measured, renderImap(measured), values);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
