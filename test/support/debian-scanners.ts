/**
 * Debian's clamd, spamd, rspamd and opendkim, and a milter by its python3-milter: each in a folder of its own, on
 * loopback, as nobody where we are root; gone with everything in it afterwards. Nothing is fetched.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PeerKind } from '../../src/settings/scanners.ts';

/** The harmless text that virus scanners agree to find; in two, so that none finds this file. */
export const eicar = `X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-${'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'}`;
/** The same for spam filters. */
export const gtube = `XJS*C4JDBQADN1.NSBN3*2IDNEN*${'GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'}`;

export type DebianScanner = 'clamd' | 'spamd' | 'rspamd' | 'opendkim' | 'python3-milter';

const programs: Readonly<Record<DebianScanner, string>> = {
  clamd: '/usr/sbin/clamd',
  spamd: '/usr/sbin/spamd',
  rspamd: '/usr/bin/rspamd',
  opendkim: '/usr/sbin/opendkim',
  'python3-milter': '/usr/lib/python3/dist-packages/Milter/__init__.py',
};

/** For tests that need it: nothing where it is there, else why they are skipped. */
export function needs(name: DebianScanner): { skip?: string } {
  return existsSync(programs[name]) ? {} : { skip: `not installed: ${name}` };
}

export interface RunningScanner extends AsyncDisposable {
  readonly kind: PeerKind;
  readonly address: string;
  /** By a path, where it listens there, too. */
  readonly pathAddress?: string;
  /** At once, with all of its processes. */
  kill(): Promise<void>;
  start(): Promise<void>;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  log(): string;
}

interface Plan {
  readonly kind: PeerKind;
  readonly command: readonly string[];
  readonly path?: string;
}

const nobody = 65_534;
const startMsMax = 60_000;

export async function startDebianScanner(name: DebianScanner): Promise<RunningScanner> {
  const folder = mkdtempSync(join(tmpdir(), `chaski-${name}-`));
  chmodSync(folder, 0o777);
  const port = await freePort();
  const { kind, command, path } = plans[name](folder, port);
  const isRoot = process.getuid?.() === 0;
  let child: ChildProcess | undefined;
  let said = '';
  const start = async () => {
    const [program, ...args] = command;
    // A group of its own: some of them are several processes.
    child = spawn(program!, args, {
      ...{ cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
      env: { PATH: process.env.PATH, HOME: folder, LC_ALL: 'C' },
      ...(isRoot ? { uid: nobody, gid: nobody } : {}),
    });
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (data: Buffer) => {
        said = `${said}${data.toString()}`.slice(-50_000);
      });
    }
    await answers(port, child, () => said);
  };
  const signal = (word: NodeJS.Signals) => {
    if (child?.pid !== undefined) process.kill(-child.pid, word);
  };
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    signal('SIGKILL');
    await ended;
  };
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  try {
    await start();
  } catch (error) {
    await kill();
    remove();
    throw error;
  }
  return {
    ...{ kind, address: `127.0.0.1:${port}`, start, kill, signal, log: () => said },
    ...(path === undefined ? {} : { pathAddress: `unix:${path}` }),
    async [Symbol.asyncDispose]() {
      await kill();
      remove();
    },
  };
}

const plans: Readonly<Record<DebianScanner, (folder: string, port: number) => Plan>> = {
  clamd(folder, port) {
    const path = join(folder, 'clamd.sock');
    mkdirSync(join(folder, 'db'));
    const signature = Buffer.from(eicar, 'latin1').toString('hex');
    writeFileSync(join(folder, 'db/test.ndb'), `Test.Eicar:0:*:${signature}\n`);
    const lines = [
      ...['Foreground yes', `DatabaseDirectory ${folder}/db`, `TemporaryDirectory ${folder}`],
      ...[`TCPSocket ${port}`, 'TCPAddr 127.0.0.1', `LocalSocket ${path}`, 'MaxThreads 4'],
      ...['StreamMaxLength 3M', 'SelfCheck 0', 'ConcurrentDatabaseReload no'],
    ];
    writeFileSync(join(folder, 'clamd.conf'), `${lines.join('\n')}\n`);
    const command = [programs.clamd, '-c', join(folder, 'clamd.conf')];
    return { kind: 'clamd', command, path };
  },
  spamd(folder, port) {
    const args = ['--local', '--nouser-config', '--max-children=2', '--min-children=1'];
    const at = ['-i', '127.0.0.1', '-p', String(port), '-s', 'stderr', '-H', folder];
    return { kind: 'spamd', command: [programs.spamd, ...args, ...at] };
  },
  rspamd(folder, port) {
    // The list that it comes with takes it 20 s to compile.
    writeFileSync(join(folder, 'tlds'), 'org\nnet\n');
    writeFileSync(
      join(folder, 'rspamd.conf'),
      `options { pidfile = "${folder}/pid"; filters = "regexp"; enable_test_patterns = true; disable_hyperscan = true;
         url_tld = "${folder}/tlds"; tempdir = "${folder}";
         control_socket = "${folder}/control mode=0600"; history_file = "${folder}/history";
         dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; } }
       logging { type = "console"; level = "info"; }
       metric { name = "default"; actions { reject = 15; add_header = 6; greylist = 4; } }
       worker { type = "normal"; bind_socket = "127.0.0.1:${port}"; count = 1; }\n`,
    );
    const command = [programs.rspamd, '-f', '-c', join(folder, 'rspamd.conf')];
    return { kind: 'rspamd', command };
  },
  opendkim(folder, port) {
    writeFileSync(
      join(folder, 'opendkim.conf'),
      `Syslog no\nMode v\nAlwaysAddARHeader yes\nAuthservID scan.example.org\nDNSTimeout 1\nNameservers 127.0.0.1\nSocket inet:${port}@127.0.0.1\n`,
    );
    const command = [programs.opendkim, '-f', '-x', join(folder, 'opendkim.conf')];
    return { kind: 'milter', command };
  },
  'python3-milter'(folder, port) {
    const script = join(folder, 'played.py');
    writeFileSync(script, milterScript(port));
    return { kind: 'milter', command: ['/usr/bin/python3', '-u', script] };
  },
};

/** Does what the subject names. */
function milterScript(port: number): string {
  return `
import time
import Milter

class Test(Milter.Base):
    def __init__(self):
        self.id = Milter.uniqueID()
        self.subject = ''

    def hello(self, name):
        self.helo = name
        return Milter.CONTINUE

    def envfrom(self, sender, *terms):
        self.subject = ''
        self.bytes = 0
        self.sender = sender
        self.recipients = []
        return Milter.CONTINUE

    def envrcpt(self, recipient, *terms):
        self.recipients.append(recipient)
        if recipient == '<refused@example.org>':
            self.setreply('550', '5.1.1', 'Nobody of that name')
            return Milter.REJECT
        return Milter.CONTINUE

    def header(self, name, value):
        if name == 'Subject':
            self.subject = value
        return Milter.CONTINUE

    def body(self, chunk):
        self.bytes += len(chunk)
        return Milter.CONTINUE

    def eom(self):
        said = '%s %s %s %d %s' % (self.helo, self.sender, ','.join(self.recipients), self.bytes, self.getsymval('i'))
        if self.subject == 'change':
            self.addheader('X-Said', said)
            self.addheader('X-First', 'top', 0)
            self.chgheader('X-Old', 1, 'new')
            self.chgheader('X-Gone', 1, '')
            self.replacebody('Replaced.\\r\\n')
            self.chgfrom('<other@example.net>')
            self.addrcpt('<more@example.org>')
            self.delrcpt('<bob@example.org>')
        elif self.subject == 'said':
            self.addheader('X-Said', said)
            self.addheader('X-Conversation', str(self.id))
        elif self.subject == 'quarantine':
            self.quarantine('looks odd')
        elif self.subject == 'reject':
            self.setreply('554', '5.7.1', '100%% unwanted')
            return Milter.REJECT
        elif self.subject == 'later':
            self.setreply('451', '4.7.1', 'Come back')
            return Milter.TEMPFAIL
        elif self.subject == 'discard':
            return Milter.DISCARD
        elif self.subject == 'progress':
            for _ in range(3):
                time.sleep(0.1)
                self.progress()
        return Milter.ACCEPT

Milter.factory = Test
changes = Milter.ADDHDRS + Milter.CHGHDRS + Milter.CHGBODY + Milter.QUARANTINE
Milter.set_flags(changes + Milter.ADDRCPT + Milter.DELRCPT + Milter.CHGFROM)
Milter.runmilter('test', 'inet:${port}@127.0.0.1', 240)
`;
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port: number, child: ChildProcess, log: () => string): Promise<void> {
  const endMs = performance.now() + startMsMax;
  for (;;) {
    const socket = net.connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > endMs)
      throw new Error(`it did not start: ${log()}`);
    await delay(50);
  }
}
