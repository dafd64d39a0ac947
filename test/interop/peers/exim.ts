/**
 * Exim with a configuration, spool and log of its own.
 *
 * Runs in: interop tests. `EXIM` may name the program where it is not installed as `exim4`.
 */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, untilGreets } from '../../../bench/servers/free-port.ts';
import { makeFolders, type Peer, type PeerOptions, peerPassword, peerUser } from './peer.ts';

const startMsMax = 20_000;
const program = process.env.EXIM ?? 'exim4';

export function eximMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined
    ? undefined
    : 'not installed: exim4';
}

export async function startExim(options: PeerOptions): Promise<Peer> {
  const { folder, certificate } = options;
  const port = await freePort();
  makeFolders(folder, 'mail', 'spool', 'log');
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  file('cert.pem', certificate.cert);
  file('key.pem', certificate.key);
  const config = file('exim.conf', configOf(options));
  chmodSync(folder, 0o755);
  execFileSync('chown', ['-R', 'Debian-exim', folder]);
  // Exim reads no configuration that somebody else could have written.
  execFileSync('chown', ['root', config]);
  const child = spawn(program, ['-C', config, '-bdf', '-q2s', '-oX', `127.0.0.1.${port}`], {
    stdio: 'ignore',
  });
  const isAlive = () => child.exitCode === null;
  await untilGreets(port, startMsMax, isAlive);
  const stop = async () => {
    child.kill('SIGTERM');
    if (isAlive()) await once(child, 'exit');
  };
  return { port, folder, stop };
}

function configOf(options: PeerOptions): string {
  return [settingsOf(options), aclOf(options), routesOf(options), logInsOf(options)].join('\n');
}

function settingsOf({ folder, domain }: PeerOptions): string {
  return `exim_path = ${program.includes('/') ? program : '/usr/sbin/exim4'}
exim_user = Debian-exim
exim_group = Debian-exim
deliver_drop_privilege = true
spool_directory = ${folder}/spool
log_file_path = ${folder}/log/%slog
log_selector = +all
pid_file_path = ${folder}/exim.pid
primary_hostname = mx.peer.test
domainlist ours = ${domain}
rfc1413_query_timeout = 0s
host_lookup =
keep_environment =
smtp_enforce_sync = true
message_size_limit = 50M
retry_interval_max = 1s
acl_smtp_rcpt = rcpt
acl_smtp_data = data
tls_advertise_hosts = *
tls_certificate = ${folder}/cert.pem
tls_privatekey = ${folder}/key.pem
auth_advertise_hosts = *
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
chunking_advertise_hosts = *`;
}

function aclOf({ users }: PeerOptions): string {
  return `begin acl
rcpt:
  deny domains = +ours
       !local_parts = ${users.join(' : ')}
       message = 550 5.1.1 no such user here
  accept
data:
  accept`;
}

function routesOf({ folder, users, next }: PeerOptions): string {
  return `begin routers
ours:
  driver = accept
  domains = +ours
  local_parts = ${users.join(' : ')}
  transport = maildir
others:
  driver = manualroute
  route_list = * "127.0.0.1::${next.port}" byname
  self = send
  transport = next
begin transports
maildir:
  driver = appendfile
  directory = ${folder}/mail/$local_part_data
  maildir_format
  create_directory
  user = Debian-exim
  group = Debian-exim
next:
  driver = smtp
  hosts_require_tls = *
  tls_verify_certificates = ${next.trusted}
  tls_verify_hosts = *
  tls_verify_cert_hostnames =
  hosts_try_chunking = *
  ${next.user === undefined ? '' : 'hosts_require_auth = *'}
begin retry
* * F,1h,1s`;
}

function logInsOf({ next }: PeerOptions): string {
  const ours = `begin authenticators
server_plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = \${if and{{eq{$auth2}{${peerUser}}}{eq{$auth3}{${peerPassword}}}}}
  server_set_id = $auth2
`;
  if (next.user === undefined) return ours;
  return `${ours}client_plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^${next.user}^${next.password}
`;
}
