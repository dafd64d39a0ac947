/**
 * A PostgreSQL server of Debian's in a folder of its own, reached by a socket there and by nothing else; gone with
 * everything in it afterwards. PostgreSQL does not run as root: then it is run as `nobody`.
 */

import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { DatabaseAddress } from '../../src/adapters/postgres/connection.ts';

const run = promisify(execFile);
const versions = '/usr/lib/postgresql';
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;

/** The newest that is installed. */
function programs(): string | undefined {
  const all = existsSync(versions)
    ? readdirSync(versions).sort((a, b) => Number(b) - Number(a))
    : [];
  return all.map((v) => join(versions, v, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

/** For tests that need it: nothing where it is there, else why they are skipped. */
export function needsPostgres(): { skip?: string } {
  return programs() === undefined ? { skip: 'not installed: postgresql' } : {};
}

export interface PostgresServer extends AsyncDisposable {
  address(database: string): DatabaseAddress;
  /** A new, empty one. */
  createDatabase(): Promise<string>;
  /** What psql prints, values only. */
  psql(database: string, statement: string): Promise<string>;
  start(): Promise<void>;
  /** At once, as when its machine loses power. */
  stop(): Promise<void>;
  /** All of it, by SIGKILL. */
  kill(): Promise<void>;
  /** It is there and answers nothing, as behind a network that lost its way; until `resume`. */
  pause(): void;
  resume(): void;
}

export async function startPostgres(): Promise<PostgresServer> {
  const bin = programs();
  if (bin === undefined) throw new Error('PostgreSQL is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'chaski-postgres-'));
  if (isRoot) chownSync(folder, nobody, nobody);
  const data = join(folder, 'data');
  const program = async (name: string, ...args: string[]) => {
    const as = isRoot ? { uid: nobody, gid: nobody } : {};
    const { stdout } = await run(join(bin, name), args, { ...as, cwd: folder });
    return stdout;
  };
  await program('initdb', '-D', data, '-U', 'chaski', '-A', 'trust', '-E', 'UTF8', '-N');
  // What is killed here is processes, never the machine: nothing needs to be synced.
  const given = `-c listen_addresses= -c unix_socket_directories=${folder} -c max_connections=40 -c fsync=off`;
  const log = join(folder, 'log');
  const start = async () => {
    await program('pg_ctl', '-D', data, '-l', log, '-o', given, '-w', 'start');
  };
  const stop = async () => {
    await program('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop');
  };
  const psql = (database: string, statement: string) =>
    program('psql', '-h', folder, '-U', 'chaski', '-At', '-d', database, '-c', statement);
  /** The server's first process, then those it made: they are in groups of their own. */
  const processes = () => {
    const first = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
    return [first, ...childrenOf(first)];
  };
  const signal = (name: NodeJS.Signals) => {
    const [first, ...others] = processes();
    // Stopped first, it makes no others meanwhile.
    process.kill(first!, name);
    for (const pid of name === 'SIGSTOP' ? processes().slice(1) : others) signalled(pid, name);
  };
  const kill = async () => {
    const all = processes();
    for (const pid of all) signalled(pid, 'SIGKILL');
    while (all.some((pid) => existsSync(`/proc/${pid}`))) await setTimeout(20);
  };
  await start();
  let made = 0;
  return {
    ...{ start, stop, kill },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    address: (database) => ({
      ...{ host: folder, port: 5_432, database, user: 'chaski', passwordFile: '' },
      ...{ tls: 'off', caFile: '', answerMsMax: 5_000 },
    }),
    async createDatabase() {
      const name = `directory${++made}`;
      await psql('postgres', `CREATE DATABASE ${name}`);
      return name;
    },
    psql: async (database, statement) => (await psql(database, statement)).trim(),
    async [Symbol.asyncDispose]() {
      try {
        signal('SIGCONT');
      } catch {
        // It was stopped, or killed.
      }
      await stop().catch(() => {});
      rmSync(folder, { recursive: true });
    },
  };
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

/** It may have ended by itself. */
function signalled(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
