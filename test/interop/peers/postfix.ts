/**
 * Postfix with a configuration, queue and log of its own; the machine's is not touched.
 *
 * Runs in: interop tests.
 */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, untilGreets } from '../../../bench/servers/free-port.ts';
import { postfixIsInstalled, postfixServices } from '../../../bench/servers/postfix.ts';
import { makeFolders, type Peer, type PeerOptions } from './peer.ts';

const startMsMax = 20_000;

export function postfixMissing(): string | undefined {
  return postfixIsInstalled() ? undefined : 'not root, or not installed: postfix';
}

export async function startPostfixPeer(options: PeerOptions): Promise<Peer> {
  const { folder, certificate } = options;
  const port = await freePort();
  const config = join(folder, 'etc');
  makeFolders(folder, 'etc', 'queue', 'state', 'log', 'mail');
  chmodSync(folder, 0o755);
  for (const name of ['state', 'mail']) execFileSync('chown', ['postfix', join(folder, name)]);
  writeFileSync(join(config, 'cert.pem'), certificate.cert);
  writeFileSync(join(config, 'key.pem'), certificate.key);
  writeFileSync(join(config, 'main.cf'), settingsOf(options));
  writeFileSync(join(config, 'master.cf'), postfixServices(port));
  execFileSync('postfix', ['-c', config, 'start'], { stdio: 'ignore' });
  await untilGreets(port, startMsMax);
  const pid = Number(readFileSync(join(folder, 'queue', 'pid', 'master.pid'), 'utf8').trim());
  const stop = async () => {
    execFileSync('postfix', ['-c', config, 'stop'], { stdio: 'ignore' });
    while (existsSync(`/proc/${pid}`)) await sleep(20);
  };
  return { port, folder, stop };
}

function settingsOf({ folder, domain, users, next }: PeerOptions): string {
  const id = (flag: string) => execFileSync('id', [flag, 'postfix'], { encoding: 'utf8' }).trim();
  const mailboxes = users.map((user) => `{ ${user}@${domain} = ${user}/ }`).join(' ');
  const logIn =
    next.user === undefined
      ? ''
      : `smtp_sasl_auth_enable = yes
smtp_sasl_security_options = noanonymous
smtp_sasl_password_maps = inline:{ { [127.0.0.1]:${next.port} = ${next.user}:${next.password} } }
`;
  return `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/state
maillog_file = ${folder}/log/mail.log
maillog_file_prefixes = ${folder}/log
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.peer.test
mydestination =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
disable_dns_lookups = yes
message_size_limit = 50000000
virtual_mailbox_limit = 0
virtual_mailbox_domains = ${domain}
virtual_mailbox_maps = inline:{ ${mailboxes} }
virtual_mailbox_base = ${folder}/mail
virtual_minimum_uid = 1
virtual_uid_maps = static:${id('-u')}
virtual_gid_maps = static:${id('-g')}
smtpd_tls_security_level = may
smtpd_tls_cert_file = ${folder}/etc/cert.pem
smtpd_tls_key_file = ${folder}/etc/key.pem
smtpd_tls_received_header = yes
relayhost = [127.0.0.1]:${next.port}
smtp_tls_security_level = verify
smtp_tls_CAfile = ${next.trusted}
smtp_tls_verify_cert_match = mx.test
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtputf8_enable = yes
${logIn}`;
}
