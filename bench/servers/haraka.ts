/**
 * Haraka, where it is installed, with a configuration and a queue of its own.
 *
 * Runs in:   bench.
 * Invariant: its defaults stand (fsync of each queue file, outbound concurrency) except what keeps
 *            DNS, TLS and clients' names out; it has a process for each core, as its own
 *            advice on speed says.
 */

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../../src/harness/child.ts';
import { freePort, untilGreets } from './free-port.ts';
import type { ServerPlace, ServerUnderTest } from './server.ts';

const startMsMax = 30_000;
const graceMs = 15_000;

/** Its command: in the folder that `HARAKA` names, or on `PATH`; undefined where there is none. */
export function findHaraka(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const { HARAKA: folder, PATH: path = '' } = environment;
  const places =
    folder === undefined
      ? path.split(delimiter).map((each) => join(each, 'haraka'))
      : [join(folder, 'bin', 'haraka')];
  const found = places.find((each) => existsSync(each));
  return found === undefined ? undefined : realpathSync(found);
}

export function harakaVersion(command: string): string {
  const file = join(dirname(dirname(command)), 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}

export async function startHaraka(place: ServerPlace): Promise<ServerUnderTest> {
  const command = findHaraka();
  if (command === undefined) throw new Error('haraka is not installed');
  const port = await freePort();
  for (const folder of ['config', 'plugins']) mkdirSync(join(place.folder, folder));
  const defaults = join(dirname(dirname(command)), 'config');
  // It does not start a session without this file, whatever stands in it.
  copyFileSync(join(defaults, 'connection.ini'), join(place.folder, 'config', 'connection.ini'));
  for (const [name, text] of Object.entries(files(port, place.nextHopPort))) {
    writeFileSync(join(place.folder, name), `${text}\n`);
  }
  const child = new Child({
    command: process.execPath,
    args: [command, '-c', place.folder],
    cwd: place.folder,
    outputFile: join(place.folder, 'server.log'),
  });
  try {
    await untilGreets(port, startMsMax, () => child.isRunning);
  } catch (error) {
    await stopHaraka(child);
    throw error;
  }
  return { name: 'haraka', port, pid: child.pid, stop: () => stopHaraka(child) };
}

async function stopHaraka(child: Child): Promise<void> {
  await child.stop('SIGTERM', graceMs);
  // Its processes end after their master.
  await sleep(200);
}

function files(port: number, nextHopPort: number): Readonly<Record<string, string>> {
  const route = JSON.stringify({ nexthop: `127.0.0.1:${nextHopPort}` });
  return {
    'config/smtp.ini': `listen=127.0.0.1:${port}\nnodes=cpus`,
    'config/me': 'bench.invalid',
    // Who may relay, and where everything goes. Without a queue plugin it is its outbound queue.
    'config/plugins': 'no_client_names\nrelay',
    'config/relay.ini': '[relay]\nacl=true\nforce_routing=true',
    'config/relay_acl_allow': '127.0.0.0/8',
    'config/relay_dest_domains.ini': `[domains]\nany=${route}`,
    'config/outbound.ini': 'enable_tls=false\nlocal_mx_ok=true\ninet_prefer=v4',
    'config/log.ini': '[main]\nlevel=info\ntimestamps=true',
    // It asks the DNS for each client's name, and has no setting against it; a hook that answers is its way.
    'plugins/no_client_names.js': "exports.hook_lookup_rdns = (next) => next(OK, 'localhost');",
  };
}
