/**
 * `node bench/log-in.ts`: log-ins by SASL PLAIN with the cache warm, and mail into accounts beside log-ins that each
 * cost an Argon2 hash, in turn with the same mail alone.
 *
 * Runs in:   a process of its own.
 * Invariant: mail comes at a steady pace and is timed from when it was due, so what waits for a busy server counts.
 */

import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openControl } from '../src/cli/control-client.ts';
import { ratios, type Spread, spread } from '../src/harness/measure/spread.ts';
import { loadOrThrow } from '../src/settings/load.ts';
import { deliveryMs, domain, logInsPerSecond, password, percentile } from './log-in/work.ts';
import { describeMachine, type Machine, machineLine } from './machine.ts';
import { makeWork } from './relay/rig.ts';
import { keepResult } from './result.ts';
import { startChaski } from './servers/chaski.ts';
import { freePort } from './servers/free-port.ts';
import type { ServerUnderTest } from './servers/server.ts';

const accounts = 20;
const connections = 20;
/** As many as hash at a time, and some that wait. */
const hashingConnections = 8;
const everyMs = 10;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '10' },
    /** A look, no figures to quote. */
    quick: { type: 'boolean', default: false },
    work: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
});
const rounds = values.quick ? 2 : Number(values.rounds);
const seconds = values.quick ? 3 : Number(values.seconds);

interface Found {
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmPerSecond: readonly number[];
  readonly hashedPerSecond: readonly number[];
  readonly aloneP50Ms: readonly number[];
  readonly aloneP99Ms: readonly number[];
  readonly besideP50Ms: readonly number[];
  readonly besideP99Ms: readonly number[];
}

interface Place {
  readonly server: ServerUnderTest;
  readonly imap: number;
  readonly lmtp: number;
}

const work = makeWork(values.work);
try {
  const found = await bench();
  const { quick, json } = values;
  keepResult('log-in', found, pageOf(found), { quick, ...(json === undefined ? {} : { json }) });
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function bench(): Promise<Found> {
  const machine = describeMachine('none');
  const warm = await start('warm', '5m');
  const warmPerSecond: number[] = [];
  try {
    // Each account's first log-in hashes: it is none of those that count.
    await logInsPerSecond(warm.imap, { connections, accounts, seconds: 2 });
    for (let round = 0; round < rounds; round++) {
      warmPerSecond.push(await logInsPerSecond(warm.imap, { connections, accounts, seconds }));
    }
  } finally {
    await warm.server.stop();
  }
  return { machine, rounds, seconds, warmPerSecond, ...(await beside()) };
}

async function beside() {
  const cold = await start('cold', '0s');
  const found = {
    ...{ hashedPerSecond: [] as number[], aloneP50Ms: [] as number[], aloneP99Ms: [] as number[] },
    ...{ besideP50Ms: [] as number[], besideP99Ms: [] as number[] },
  };
  const mail = { accounts, seconds, everyMs };
  const alone = async () => {
    const times = await deliveryMs(cold.lmtp, mail);
    found.aloneP50Ms.push(percentile(times, 0.5));
    found.aloneP99Ms.push(percentile(times, 0.99));
  };
  const withHashes = async () => {
    const load = { connections: hashingConnections, accounts, seconds };
    const [times, perSecond] = await Promise.all([
      deliveryMs(cold.lmtp, mail),
      logInsPerSecond(cold.imap, load),
    ]);
    found.besideP50Ms.push(percentile(times, 0.5));
    found.besideP99Ms.push(percentile(times, 0.99));
    found.hashedPerSecond.push(perSecond);
  };
  try {
    // What V8 compiles in a server's first seconds is not its price.
    await deliveryMs(cold.lmtp, { ...mail, seconds: 5 });
    for (let round = 0; round < rounds; round++) {
      for (const one of round % 2 === 0 ? [alone, withHashes] : [withHashes, alone]) await one();
    }
  } finally {
    await cold.server.stop();
  }
  return found;
}

async function start(name: string, cacheMs: string): Promise<Place> {
  const folder = join(work, name);
  mkdirSync(folder);
  const [imap, lmtp, nextHopPort] = [await freePort(), await freePort(), await freePort()];
  const environment = {
    CHASKI_LISTEN__IMAP: `127.0.0.1:${imap}`,
    CHASKI_LISTEN__LMTP: `127.0.0.1:${lmtp}`,
    CHASKI_LOGIN__CLEAR_NETWORKS: '127.0.0.1',
    CHASKI_LOGIN__CACHE_MS: cacheMs,
  };
  const server = await startChaski({ folder, nextHopPort }, { name, environment });
  const control = await openControl(
    loadOrThrow({ environment: { CHASKI_DATA: join(folder, 'data') } }),
  );
  try {
    await control.call('domain.create', { name: domain });
    for (let number = 1; number <= accounts; number++) {
      await control.call('account.create', { address: `user${number}@${domain}`, password });
    }
  } finally {
    await control.close();
  }
  return { server, imap, lmtp };
}

function pageOf(found: Found): string {
  const cell = ({ median, min, max }: Spread, digits: number) =>
    `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
  const row = (what: string, all: readonly number[], digits = 1) =>
    `| ${what} | ${cell(spread(all), digits)} |`;
  const { aloneP99Ms, besideP99Ms } = found;
  return [
    `# Log-ins, ${found.rounds} rounds of ${found.seconds} s`,
    '',
    machineLine(found.machine),
    '',
    '| | median (least to most) |',
    '|---|---|',
    row('SASL PLAIN log-ins/s, cache warm', found.warmPerSecond, 0),
    row('log-ins/s that each hash, beside mail', found.hashedPerSecond),
    row('mail alone, p50 ms', found.aloneP50Ms),
    row('mail alone, p99 ms', aloneP99Ms),
    row('mail beside hashing, p50 ms', found.besideP50Ms),
    row('mail beside hashing, p99 ms', besideP99Ms),
    row('p99 beside hashing / alone, by round', ratios(besideP99Ms, aloneP99Ms), 2),
    '',
    `Mail: one message of 1 kB each ${everyMs} ms by LMTP, timed from when it was due. Log-ins: IMAP on`,
    `${connections} connections (${hashingConnections} beside mail), given back by UNAUTHENTICATE; ${accounts} accounts.`,
    '',
  ].join('\n');
}
