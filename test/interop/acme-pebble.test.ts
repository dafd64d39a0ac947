/**
 * Aim: Pebble, the authority that Let's Encrypt tests clients with, gives certificates to our server by both challenges.
 * It refuses nonces by chance, and works on orders in its own time. Method: Debian's `pebble` and its DNS server, each
 * where `PATH` or `PEBBLE` (their folder) has it, beside the server in this process.
 * Specs: RFC 8555, RFC 8737.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { freePort } from '../../bench/servers/free-port.ts';
import { TestAuthority } from '../support/certificate-maker.ts';
import { eventually, startTestServer } from '../support/test-server.ts';

const path = `${process.env.PEBBLE ?? ''}:${process.env.PATH}`;
const isThere = ['pebble', 'pebble-challtestsrv'].every(
  (program) =>
    spawnSync('sh', ['-c', `command -v ${program}`], {
      ...{ stdio: 'ignore', env: { ...process.env, PATH: path } },
    }).status === 0,
);
const skip = isThere ? {} : { skip: 'not installed: pebble' };

interface Pebble extends AsyncDisposable {
  readonly folder: string;
  readonly directory: string;
}

async function startPebble(http: number, https: number): Promise<Pebble> {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-pebble-'));
  const [port, dns, management] = [await freePort(), await freePort(), await freePort()];
  const authority = await TestAuthority.make('Pebble’s own');
  const { cert, key } = await authority.issue({ dns: ['localhost'] });
  const put = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  put('ca.pem', authority.pem);
  const config = {
    listenAddress: `127.0.0.1:${port}`,
    certificate: put('cert.pem', cert),
    privateKey: put('key.pem', key),
    httpPort: http,
    tlsPort: https,
  };
  const file = put('pebble.json', JSON.stringify({ pebble: config }));
  const chance = { PEBBLE_WFE_NONCEREJECT: '20', PEBBLE_VA_NOSLEEP: '1' };
  const env = { ...process.env, PATH: path, ...chance };
  const off = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', ''];
  const names = ['-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${management}`];
  const children: ChildProcess[] = [
    spawn('pebble-challtestsrv', [...off, ...names], { env, stdio: 'ignore' }),
    spawn('pebble', ['-config', file, '-dnsserver', `127.0.0.1:${dns}`], { env, stdio: 'ignore' }),
  ];
  await eventually('pebble', async () => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    const isUp = await once(socket, 'secureConnect').then(
      () => true,
      () => undefined,
    );
    socket.destroy();
    return isUp;
  });
  return {
    folder,
    directory: `https://localhost:${port}/dir`,
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    },
  };
}

for (const challenge of ['http-01', 'tls-alpn-01']) {
  test(
    `Pebble gives a certificate by ${challenge}, and a second one when asked`,
    skip,
    async () => {
      const [http, https] = [await freePort(), await freePort()];
      await using pebble = await startPebble(http, https);
      const names = ['mx.chaski.test', 'imap.chaski.test'];
      await using server = await startTestServer({
        'listen.http': `127.0.0.1:${http}`,
        'listen.https': `127.0.0.1:${https}`,
        'acme.directory': pebble.directory,
        'acme.agreesToTerms': 'true',
        'acme.ca': join(pebble.folder, 'ca.pem'),
        'acme.certificates': JSON.stringify({ mail: { names } }),
        'acme.challenge': challenge,
      });
      const look = async () => {
        const { certificates } = await server.call('certificate.list', {});
        return certificates.find(({ name }) => name === 'mail')!;
      };
      const first = await eventually('a certificate', async () => {
        const seen = await look();
        if (seen.error !== undefined && !seen.error.includes('stopped')) assert.fail(seen.error);
        return seen.notAfterMs === undefined ? undefined : seen;
      });
      assert.match(first.issuer!, /Pebble Intermediate/);
      assert.deepEqual(first.names.toSorted(), names.toSorted());
      await server.call('certificate.renew', { name: 'mail' });
      const second = await look();
      assert.notEqual(second.fingerprint, first.fingerprint);
      assert.equal(second.error, undefined);
    },
  );
}
