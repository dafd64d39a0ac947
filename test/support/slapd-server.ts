/**
 * A directory of Debian's slapd in a folder of its own, on loopback and by a socket there; gone with everything in it
 * afterwards.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TestAuthority } from './certificate-maker.ts';

const program = '/usr/sbin/slapd';
export const baseDn = 'dc=example,dc=org';
export const serviceDn = `cn=chaski,${baseDn}`;
const policyDn = `cn=policy,${baseDn}`;
const servicePassword = 'the word of the service';

/** For tests that need it: nothing where it is there, else why they are skipped. */
export function needsSlapd(): { skip?: string } {
  const isThere = existsSync(program) && existsSync('/usr/bin/ldapmodify');
  return isThere ? {} : { skip: 'not installed: slapd, ldap-utils' };
}

export interface SlapdEntry {
  /** Of its DN: `uid=…`. */
  readonly uid: string;
  readonly password?: string;
  /** Other attributes, as `{ mail: ['ann@example.org'] }`. */
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
}

export interface SlapdServer extends AsyncDisposable {
  /** `ldap://localhost:PORT`, where it listens in clear and takes StartTLS. */
  readonly url: string;
  readonly tlsUrl: string;
  readonly socketUrl: string;
  readonly caFile: string;
  readonly passwordFile: string;
  add(entry: SlapdEntry): Promise<void>;
  /** LDIF of changes, as the administrator. */
  modify(ldif: string): Promise<void>;
  start(): Promise<void>;
  /** At once. */
  kill(): Promise<void>;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** Lines of its log, of connections and operations. */
  log(): string;
}

export async function startSlapd(): Promise<SlapdServer> {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-slapd-'));
  const place = (name: string) => join(folder, name);
  mkdirSync(place('db'));
  const authority = await TestAuthority.make();
  const made = await authority.issue({ dns: ['localhost'] });
  writeFileSync(place('ca.pem'), authority.pem);
  writeFileSync(place('cert.pem'), made.cert);
  writeFileSync(place('key.pem'), made.key);
  writeFileSync(place('password'), `${servicePassword}\n`);
  writeFileSync(place('slapd.conf'), configuration(folder));
  const [port, tlsPort] = [await freePort(), await freePort()];
  const urls = {
    url: `ldap://localhost:${port}`,
    tlsUrl: `ldaps://localhost:${tlsPort}`,
    socketUrl: `ldapi://${encodeURIComponent(place('ldapi'))}`,
  };
  let child: ChildProcess | undefined;
  let said = '';
  const start = async () => {
    const args = ['-f', place('slapd.conf'), '-h', Object.values(urls).join(' '), '-d', 'stats'];
    child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr!.on('data', (data: Buffer) => {
      said += data.toString();
    });
    await answers(port);
    await answers(tlsPort);
  };
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  const modify = async (ldif: string) => {
    const as = ['-x', '-D', `cn=admin,${baseDn}`, '-w', 'admin', '-H', urls.url];
    const ran = spawnSync('/usr/bin/ldapmodify', ['-c', ...as], { input: ldif, encoding: 'utf8' });
    if (ran.status !== 0) throw new Error(`ldapmodify: ${ran.stderr}`);
  };
  await start();
  await modify(firstEntries());
  return {
    ...urls,
    ...{ caFile: place('ca.pem'), passwordFile: place('password'), start, kill, modify },
    signal: (name) => child!.kill(name),
    log: () => said,
    add: ({ uid, password, attributes = {} }) =>
      modify(
        ldifOf(`uid=${uid.replaceAll(/[,+"\\<>;=#*() ]/g, (c) => `\\${c}`)},${baseDn}`, {
          objectClass: ['inetOrgPerson', 'extensibleObject'],
          ...{ cn: [uid], sn: [uid] },
          ...(password === undefined ? {} : { userPassword: [password] }),
          ...attributes,
        }),
      ),
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(folder, { recursive: true });
    },
  };
}

function firstEntries(): string {
  return [
    ldifOf(baseDn, {
      objectClass: ['dcObject', 'organization'],
      o: ['Example'],
      dc: ['example'],
    }),
    ldifOf(serviceDn, {
      ...{ objectClass: ['organizationalRole', 'simpleSecurityObject'], cn: ['chaski'] },
      userPassword: [servicePassword],
    }),
    ldifOf(policyDn, {
      ...{ objectClass: ['device', 'pwdPolicy'], cn: ['policy'] },
      ...{ pwdAttribute: ['userPassword'], pwdLockout: ['TRUE'] },
    }),
  ].join('\n');
}

/** All values in base64 (RFC 2849): whatever they hold. */
function ldifOf(dn: string, attributes: Readonly<Record<string, readonly string[]>>): string {
  const line = (name: string, value: string) =>
    `${name}:: ${Buffer.from(value).toString('base64')}`;
  const lines = Object.entries(attributes).flatMap(([name, values]) =>
    values.map((value) => line(name, value)),
  );
  return [line('dn', dn), 'changetype: add', ...lines, ''].join('\n');
}

function configuration(folder: string): string {
  const schemas = ['core', 'cosine', 'inetorgperson'];
  return [
    ...schemas.map((name) => `include /etc/ldap/schema/${name}.schema`),
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    'moduleload ppolicy',
    `pidfile ${folder}/pid`,
    `argsfile ${folder}/args`,
    `TLSCACertificateFile ${folder}/ca.pem`,
    `TLSCertificateFile ${folder}/cert.pem`,
    `TLSCertificateKeyFile ${folder}/key.pem`,
    'TLSVerifyClient never',
    'allow bind_v2',
    'database mdb',
    `directory ${folder}/db`,
    'dbnosync',
    `suffix "${baseDn}"`,
    `rootdn "cn=admin,${baseDn}"`,
    'rootpw admin',
    'overlay ppolicy',
    `ppolicy_default "${policyDn}"`,
    'access to attrs=userPassword by anonymous auth by * none',
    `access to * by dn.exact="${serviceDn}" read by anonymous auth by * none`,
    '',
  ].join('\n');
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const socket = net.connect(port, 'localhost');
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (tries >= 200) throw error;
    } finally {
      socket.destroy();
    }
    await delay(50);
  }
}
