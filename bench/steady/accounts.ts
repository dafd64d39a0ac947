/**
 * Accounts by the shard they are on, and which thread of a server owns a shard.
 *
 * Runs in: bench.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openControl } from '../../src/cli/control-client.ts';
import { loadOrThrow } from '../../src/settings/load.ts';
import { createAccounts } from '../lmtp/accounts.ts';
import { runLoad } from './load.ts';
import type { SteadyRig } from './rig.ts';

const domain = 'steady.test';
/** Enough that each shard has some. */
const accountCount = 80;
const busySeconds = 2;
/** What went before is indexed by then. */
const quietMs = 1_000;
const busySessions = 20;
/** As Node names the threads of `node:worker_threads` to the system. */
const workerName = 'WorkerThread';

export class ShardAccounts {
  readonly #folder: string;
  readonly #byShard: ReadonlyMap<number, readonly string[]>;

  private constructor(folder: string, byShard: ReadonlyMap<number, readonly string[]>) {
    this.#folder = folder;
    this.#byShard = byShard;
  }

  static async create(folder: string): Promise<ShardAccounts> {
    await createAccounts(folder, domain, accountCount);
    const environment = { CHASKI_DATA: join(folder, 'data') };
    const control = await openControl(loadOrThrow({ environment }));
    const byShard = new Map<number, string[]>();
    try {
      for (let i = 1; i <= accountCount; i++) {
        const address = `user${i}@${domain}`;
        const { shard } = (await control.call('account.show', { address })).account;
        byShard.set(shard, [...(byShard.get(shard) ?? []), address]);
      }
    } finally {
      await control.close();
    }
    return new ShardAccounts(folder, byShard);
  }

  /** A file for `chaski load --to` with as many accounts of each of these shards. */
  file(shards: readonly number[]): string {
    const lists = shards.map((shard) => this.#byShard.get(shard) ?? []);
    const count = Math.min(...lists.map(({ length }) => length));
    if (!(count > 0)) throw new Error(`a shard of ${shards.join(', ')} has no account`);
    const addresses = lists.flatMap((list) => list.slice(0, count));
    const path = join(this.#folder, `accounts-${shards.join('-')}`);
    writeFileSync(path, `${addresses.join('\n')}\n`);
    return path;
  }
}

/** The system's id of the thread that works when mail comes for the shard. */
export async function threadOf(rig: SteadyRig, to: string): Promise<number> {
  const { pid } = rig.server;
  await sleep(quietMs);
  const before = ticksByThread(pid);
  await runLoad({
    port: rig.lmtpPort,
    protocol: 'lmtp',
    sessions: busySessions,
    seconds: busySeconds,
    to,
  });
  let [thread, most] = [0, 0];
  for (const [id, ticks] of ticksByThread(pid)) {
    const grown = ticks - (before.get(id) ?? 0);
    if (grown > most) [thread, most] = [id, grown];
  }
  if (thread === 0) throw new Error('no thread of the server did anything');
  return thread;
}

function ticksByThread(pid: number): ReadonlyMap<number, number> {
  const ticks = new Map<number, number>();
  for (const name of readdirSync(`/proc/${pid}/task`)) {
    // V8's and libuv's own threads work for all.
    const isNodes = readFileSync(`/proc/${pid}/task/${name}/comm`, 'utf8').startsWith(workerName);
    if (!isNodes) continue;
    const text = readFileSync(`/proc/${pid}/task/${name}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    ticks.set(Number(name), Number(fields[11]) + Number(fields[12]));
  }
  return ticks;
}
