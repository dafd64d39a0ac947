/**
 * OpenDKIM, as Debian packages it, signing for one domain with a key of its own.
 *
 * Runs in:   bench, as root (it drops to its own user).
 * Invariant: its defaults stand except what keeps the DNS, the system's log and the machine's own configuration out.
 */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../../src/harness/child.ts';
import { generateDkimKey } from '../../src/mail/trust/dkim/keys.ts';
import { freePort } from './free-port.ts';
import type { ServerPlace } from './server.ts';

const command = '/usr/sbin/opendkim';
const startMsMax = 5_000;

export interface OpenDkim {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

export function opendkimIsInstalled(): boolean {
  return existsSync(command);
}

export async function startOpenDkim(place: ServerPlace, domain: string): Promise<OpenDkim> {
  const port = await freePort();
  const folder = join(place.folder, 'opendkim');
  mkdirSync(folder);
  const keyFile = join(folder, 'key.pem');
  writeFileSync(keyFile, generateDkimKey('rsa-sha256', 'bench').privatePem);
  chmodSync(keyFile, 0o600);
  const config = join(folder, 'opendkim.conf');
  writeFileSync(config, settings(port, domain, keyFile));
  execFileSync('chown', ['-R', 'opendkim', folder]);
  const outputFile = join(place.folder, 'opendkim.log');
  const child = new Child({ command, args: ['-f', '-x', config], outputFile });
  const untilMs = performance.now() + startMsMax;
  while (!(await listens(port))) {
    if (!child.isRunning || performance.now() > untilMs) {
      await child.stop('SIGKILL');
      throw new Error('opendkim did not start');
    }
    await sleep(20);
  }
  return {
    port,
    pid: child.pid,
    stop: async () => {
      await child.stop('SIGTERM');
    },
  };
}

function settings(port: number, domain: string, keyFile: string): string {
  return `Domain ${domain}
Selector bench
KeyFile ${keyFile}
UserID opendkim
Socket inet:${port}@127.0.0.1
Mode s
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
InternalHosts 127.0.0.1
# The folder of a run is below one that anybody writes to.
RequireSafeKeys no
Syslog no
`;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
