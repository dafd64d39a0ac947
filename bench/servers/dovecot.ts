/**
 * Dovecot's LMTP delivery, with a configuration, users and mail of its own.
 *
 * Runs in:   bench, as root (Dovecot drops to its own users).
 * Invariant: its defaults stand (mail_fsync = optimized, one process a connection) except what
 *            keeps TLS and the machine's own mail out; every user exists.
 */

import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../../src/harness/child.ts';
import { freePort, untilGreets } from './free-port.ts';
import type { ServerUnderTest } from './server.ts';

const startMsMax = 20_000;
/** Debian's user for mail; any that is not root would do. */
const mailUser = 'mail';

export function dovecotIsInstalled(): boolean {
  return existsSync('/usr/sbin/dovecot') && process.getuid?.() === 0;
}

export async function startDovecot(folder: string, format: string): Promise<ServerUnderTest> {
  const port = await freePort();
  const mail = join(folder, 'mail');
  mkdirSync(mail);
  // Its processes run as users of their own and must get through to their folders.
  chmodSync(folder, 0o755);
  chmodSync(mail, 0o777);
  const file = join(folder, 'dovecot.conf');
  writeFileSync(file, settings(folder, format, port));
  const child = new Child({
    command: 'dovecot',
    args: ['-F', '-c', file],
    outputFile: join(folder, 'server.log'),
  });
  await untilGreets(port, startMsMax, () => child.isRunning);
  const name = `dovecot ${format}`;
  return { name, port, pid: child.pid, stop: async () => void (await child.stop()) };
}

function settings(folder: string, format: string, port: number): string {
  return `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/dovecot.log
protocols = lmtp
listen = 127.0.0.1
ssl = no
mail_location = ${format}:${folder}/mail/%n
mail_uid = ${mailUser}
mail_gid = ${mailUser}
first_valid_uid = 1
auth_cache_size = 10M
postmaster_address = postmaster@bench.test
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=${mailUser} gid=${mailUser} home=${folder}/mail/%n allow_all_users=yes
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${port}
  }
}
`;
}
