/**
 * Chaski and Dovecot as this bench runs them: one account, IMAP in clear or under TLS, data that may be kept.
 *
 * Runs in:   bench, as root where Dovecot is to be measured (it drops to its own users).
 * Invariant: what is not about where and who stands at each server's defaults, and all have TLS or none has.
 *            `mdbox-synced` is Dovecot with `mail_fsync = always`: every change on disk before its answer, as ours.
 */

import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openControl } from '../../src/cli/control-client.ts';
import { Child } from '../../src/harness/child.ts';
import { loadOrThrow } from '../../src/settings/load.ts';
import { testCertificate } from '../../test/support/certificate.ts';
import { startChaski } from '../servers/chaski.ts';
import { freePort } from '../servers/free-port.ts';
import { RawClient } from './client.ts';

export const user = 'bench@bench.test';
export const password = 'as good as any';
const startMsMax = 30_000;
/** Debian's user for mail; any that is not root would do. */
const mailUser = 'mail';

export const peerNames = ['sdbox', 'mdbox', 'mdbox-synced'] as const;

export interface ImapServer {
  readonly name: string;
  readonly pid: number;
  /** Where it takes IMAP, on 127.0.0.1. */
  readonly port: number;
  readonly hasTls: boolean;
  /** Its own, and kept over runs where that is wanted. */
  readonly folder: string;
  /** Connected and logged in. */
  connect(): Promise<RawClient>;
  stop(): Promise<void>;
}

export function startServer(name: string, folder: string, hasTls: boolean): Promise<ImapServer> {
  mkdirSync(folder, { recursive: true });
  return name === 'chaski' ? startOwn(name, folder, hasTls) : startDovecot(name, folder, hasTls);
}

async function startOwn(name: string, folder: string, hasTls: boolean): Promise<ImapServer> {
  const port = await freePort();
  const files = certificateIn(folder);
  const server = await startChaski(
    { folder, nextHopPort: await freePort() },
    {
      name,
      environment: {
        [hasTls ? 'CHASKI_LISTEN__IMAPS' : 'CHASKI_LISTEN__IMAP']: `127.0.0.1:${port}`,
        CHASKI_LOGIN__CLEAR_NETWORKS: hasTls ? '' : '127.0.0.1',
        CHASKI_TLS__CERT: files.cert,
        CHASKI_TLS__KEY: files.key,
      },
    },
  );
  await createAccount(folder);
  return {
    ...{ name, folder, port, hasTls, pid: server.pid },
    connect: () => logIn(port, hasTls),
    stop: server.stop,
  };
}

async function createAccount(folder: string): Promise<void> {
  const mark = join(folder, 'account');
  if (existsSync(mark)) return;
  const environment = { CHASKI_DATA: join(folder, 'data') };
  const control = await openControl(loadOrThrow({ environment }));
  try {
    await control.call('domain.create', { name: 'bench.test' });
    await control.call('account.create', { address: user, password });
  } finally {
    await control.close();
  }
  writeFileSync(mark, '');
}

async function startDovecot(name: string, folder: string, hasTls: boolean): Promise<ImapServer> {
  const port = await freePort();
  const [format = '', variant = ''] = name.split('-');
  const mail = join(folder, 'mail');
  mkdirSync(mail, { recursive: true });
  // Its processes run as users of their own and must get through to their folders.
  chmodSync(folder, 0o755);
  chmodSync(mail, 0o777);
  const file = join(folder, 'dovecot.conf');
  writeFileSync(
    file,
    dovecotSettings(folder, format, { port, hasTls, isSynced: variant === 'synced' }),
  );
  const outputFile = join(folder, 'server.log');
  const child = new Child({ command: 'dovecot', args: ['-F', '-c', file], outputFile });
  const connect = () => logIn(port, hasTls);
  await untilServed(connect, () => child.isRunning);
  return {
    ...{ name, folder, port, hasTls, pid: child.pid, connect },
    stop: async () => void (await child.stop()),
  };
}

async function untilServed(
  connect: () => Promise<RawClient>,
  isAlive: () => boolean,
): Promise<void> {
  const deadlineMs = performance.now() + startMsMax;
  for (;;) {
    try {
      (await connect()).close();
      return;
    } catch (error) {
      if (!isAlive() || performance.now() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function logIn(port: number, hasTls: boolean): Promise<RawClient> {
  const client = await RawClient.connect(port, hasTls);
  await client.say(`LOGIN "${user}" "${password}"`);
  return client;
}

/** Forgets what Dovecot keeps of fields it was asked for; our own answers are made at delivery. */
export function forgetAnswers(name: string, folder: string): void {
  const mail = join(folder, 'mail');
  if (name === 'chaski' || !existsSync(mail)) return;
  for (const file of readdirSync(mail, { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('dovecot.index.cache')) rmSync(join(mail, file));
  }
}

function certificateIn(folder: string): { readonly cert: string; readonly key: string } {
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const { cert, key } = testCertificate();
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key, { mode: 0o600 });
  return files;
}

function dovecotSettings(
  folder: string,
  format: string,
  options: { readonly port: number; readonly hasTls: boolean; readonly isSynced: boolean },
): string {
  const { port, hasTls, isSynced } = options;
  const files = certificateIn(folder);
  return `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = ${hasTls ? 'yes' : 'no'}
ssl_cert = <${files.cert}
ssl_key = <${files.key}
disable_plaintext_auth = no
mail_location = ${format}:${folder}/mail/%n
mail_uid = ${mailUser}
mail_gid = ${mailUser}
first_valid_uid = 1
auth_cache_size = 10M
mail_max_userip_connections = 100
${isSynced ? 'mail_fsync = always' : ''}
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=${mailUser} gid=${mailUser} home=${folder}/mail/%n allow_all_users=yes
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = ${hasTls ? 0 : port}
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = ${hasTls ? port : 0}
    ssl = yes
  }
}
`;
}
