/**
 * A PostgreSQL server of Debian's in a folder of its own, reached by a socket there and by nothing else; gone with
 * everything in it afterwards. PostgreSQL does not run as root: then it is run as `nobody`.
 */

import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  await start();
  let made = 0;
  return {
    ...{ start, stop },
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
      await stop().catch(() => {});
      rmSync(folder, { recursive: true });
    },
  };
}
