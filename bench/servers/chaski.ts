/**
 * Chaski itself, as an operator starts it: by its launcher, with settings in the environment.
 *
 * Runs in: bench and crash runs.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from '../../src/harness/child.ts';
import { freePort, untilGreets } from './free-port.ts';
import type { ServerPlace, ServerUnderTest } from './server.ts';

export const launcher = fileURLToPath(new URL('../../src/cli/chaski', import.meta.url));
const startMsMax = 60_000;
const logTailChars = 4_000;

/** Settings by environment name; later ones win over `relayEnvironment`. */
export type Environment = Readonly<Record<string, string>>;

const listenersOff: Environment = {
  CHASKI_LISTEN__SMTP: '',
  CHASKI_LISTEN__SUBMISSION: '',
  CHASKI_LISTEN__SUBMISSIONS: '',
  CHASKI_LISTEN__LMTP: '',
  CHASKI_LISTEN__IMAP: '',
  CHASKI_LISTEN__IMAPS: '',
  CHASKI_LISTEN__POP3: '',
  CHASKI_LISTEN__POP3S: '',
  CHASKI_LISTEN__MANAGESIEVE: '',
  CHASKI_LISTEN__HTTP: '',
};

/** A relay for loopback with one next hop; every other listener is off. */
export function relayEnvironment(
  dataFolder: string,
  port: number,
  nextHopPort: number,
): Environment {
  return {
    ...listenersOff,
    CHASKI_DATA: dataFolder,
    CHASKI_LISTEN__SMTP: `127.0.0.1:${port}`,
    CHASKI_RELAY__ROUTE: `smtp://127.0.0.1:${nextHopPort}`,
    CHASKI_RELAY__NETWORKS: '127.0.0.0/8',
  };
}

export interface ChaskiOptions {
  readonly name: string;
  readonly environment?: Environment;
}

export async function startChaski(
  place: ServerPlace,
  options: ChaskiOptions,
): Promise<ServerUnderTest> {
  const port = await freePort();
  const environment = {
    ...relayEnvironment(join(place.folder, 'data'), port, place.nextHopPort),
    ...options.environment,
  };
  const child = serve(environment, place.folder);
  try {
    await untilGreets(port, startMsMax, () => child.isRunning);
  } catch (error) {
    await child.stop('SIGKILL');
    throw new Error(`${options.name}: ${(error as Error).message}\n${logTail(place.folder)}`);
  }
  return {
    name: options.name,
    port,
    pid: child.pid,
    stop: async () => {
      const end = await child.stop('SIGTERM', 30_000);
      if (end.code !== 0) throw new Error(`${options.name} ended with ${end.code ?? end.signal}`);
    },
  };
}

/** Starts `chaski serve`; it may not be ready yet. Its log goes to a file, as Postfix's does. */
export function serve(environment: Environment, folder: string): Child {
  const outputFile = logFile(folder);
  return new Child({
    command: launcher,
    args: ['serve'],
    env: environment,
    cwd: folder,
    outputFile,
  });
}

/** What the server in `folder` said last. */
export function logTail(folder: string): string {
  return readFileSync(logFile(folder), 'utf8').slice(-logTailChars);
}

function logFile(folder: string): string {
  return join(folder, 'server.log');
}

/** Runs one `chaski` command against the server of `place`; rejects when it fails. */
export async function runCommand(
  args: readonly string[],
  place: Pick<ServerPlace, 'folder'>,
  environment: Environment = {},
): Promise<string> {
  const env = { CHASKI_DATA: join(place.folder, 'data'), ...environment };
  const child = new Child({ command: launcher, args, env, cwd: place.folder });
  const { code } = await child.ended;
  if (code !== 0) throw new Error(`chaski ${args.join(' ')}: ${code}\n${child.stderr}`);
  return child.stdout;
}
