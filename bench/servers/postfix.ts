/**
 * Postfix, as Debian packages it, with a configuration, queue and log of its own.
 *
 * Runs in:   bench, as root (Postfix drops to its own user).
 * Invariant: its defaults stand (process limits, fsync, concurrency) except what keeps DNS, TLS and
 *            the machine's own mail out; the machine's own Postfix is not touched.
 */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, untilGreets } from './free-port.ts';
import { type OpenDkim, startOpenDkim } from './opendkim.ts';
import type { ServerPlace, ServerUnderTest } from './server.ts';

const masterFile = '/etc/postfix/master.cf';
const startMsMax = 20_000;

export function postfixIsInstalled(): boolean {
  return existsSync('/usr/sbin/postfix') && existsSync(masterFile) && process.getuid?.() === 0;
}

/** `signedDomain`: its mail is signed by OpenDKIM, as a milter. */
export async function startPostfix(
  place: ServerPlace,
  signedDomain?: string,
): Promise<ServerUnderTest> {
  const port = await freePort();
  const config = join(place.folder, 'etc');
  for (const name of ['etc', 'queue', 'state', 'log']) mkdirSync(join(place.folder, name));
  // Postfix's processes run as users of their own and must get through to its folders.
  chmodSync(place.folder, 0o755);
  execFileSync('chown', ['postfix', join(place.folder, 'state')]);
  const signer = signedDomain === undefined ? undefined : await startOpenDkim(place, signedDomain);
  writeFileSync(join(config, 'main.cf'), mainSettings(place) + milterSettings(signer));
  writeFileSync(join(config, 'master.cf'), postfixServices(port));
  execFileSync('postfix', ['-c', config, 'start'], { stdio: 'ignore' });
  await untilGreets(port, startMsMax);
  const pidFile = join(place.folder, 'queue', 'pid', 'master.pid');
  const pid = Number(readFileSync(pidFile, 'utf8').trim());
  return {
    name: 'postfix',
    port,
    pid,
    ...(signer === undefined ? {} : { otherPids: [signer.pid] }),
    stop: async () => {
      await stopPostfix(config, pid);
      await signer?.stop();
    },
  };
}

async function stopPostfix(config: string, pid: number): Promise<void> {
  execFileSync('postfix', ['-c', config, 'stop'], { stdio: 'ignore' });
  while (existsSync(`/proc/${pid}`)) await sleep(20);
}

function milterSettings(signer: OpenDkim | undefined): string {
  return signer === undefined ? '' : `smtpd_milters = inet:127.0.0.1:${signer.port}\n`;
}

function mainSettings(place: ServerPlace): string {
  return `compatibility_level = 3.6
queue_directory = ${place.folder}/queue
data_directory = ${place.folder}/state
maillog_file = ${place.folder}/log/mail.log
maillog_file_prefixes = ${place.folder}/log
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = bench.invalid
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:${place.nextHopPort}
disable_dns_lookups = yes
smtpd_tls_security_level = none
smtp_tls_security_level = none
smtpd_peername_lookup = no
smtpd_client_connection_rate_limit = 0
`;
}

/**
 * Debian's services, without chroot jails (they would need files of the machine), listening on
 * `port`.
 */
export function postfixServices(port: number): string {
  return readFileSync(masterFile, 'utf8')
    .replace(/^smtp(\s+)inet/m, `127.0.0.1:${port}$1inet`)
    .replace(/^(\S+\s+\S+\s+\S+\s+\S+\s+)y(\s)/gm, '$1n$2');
}
