/**
 * Aim: a message in a file is judged as at its reception. Method: the signed example of RFC 8463 and a zone, as files.
 */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { canonical, fixtureText } from '../../../support/mail-fixtures.ts';
import { runCli } from '../run-cli.ts';

const zone = `$ORIGIN football.example.com.
@ TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc TXT "v=DMARC1; p=reject"
brisbane._domainkey TXT ( "v=DKIM1; k=ed25519; "
                          "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" )
`;

let folder = '';
const path = (name: string) => join(folder, name);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaski-authenticate-'));
  const signed = canonical(Buffer.from(fixtureText('dkim/rfc8463-example.msg'), 'latin1'));
  await writeFile(path('signed.eml'), signed);
  await writeFile(path('changed.eml'), `${signed.toString('latin1')}one more line\r\n`);
  await writeFile(path('zone'), zone);
  await writeFile(path('bad'), 'a FOO b\n');
});
after(() => rm(folder, { recursive: true, force: true }));

async function judged(file: string, ip: string, ...more: string[]) {
  const from = ['--helo', 'mx.example.org', '--mail-from', 'joe@football.example.com'];
  const line = ['authenticate', path(file), '--ip', ip, ...from, '--dns', path('zone'), ...more];
  const { code, out, error } = await runCli([...line, '--json']);
  return { code, answer: out === '' ? undefined : JSON.parse(out), error };
}

test('a signed message from an address of its domain passes all', async () => {
  const { code, answer } = await judged('signed.eml', '192.0.2.1');
  assert.equal(code, 0);
  const { authenticationResults, ...verdicts } = answer;
  assert.deepEqual(verdicts, {
    ...{ spf: 'pass', dkim: 'pass', arc: 'none', dmarc: 'pass', dmarcPolicy: 'reject' },
    dkimDomains: ['football.example.com'],
    bimi: { result: 'none' },
  });
  assert.match(authenticationResults, /^Authentication-Results: \S+;/);
});

test('from another address its signature alone vouches for it', async () => {
  const { answer } = await judged('signed.eml', '203.0.113.9');
  assert.deepEqual([answer.spf, answer.dkim, answer.dmarc], ['fail', 'pass', 'pass']);
});

test('changed, and from another address, nobody does', async () => {
  const { answer } = await judged('changed.eml', '203.0.113.9');
  assert.deepEqual([answer.spf, answer.dmarc, answer.dmarcPolicy], ['fail', 'fail', 'reject']);
  assert.notEqual(answer.dkim, 'pass');
  const { out } = await runCli([
    ...['authenticate', path('changed.eml'), '--ip', '203.0.113.9', '--dns', path('zone')],
    ...['--mail-from', 'joe@football.example.com', '--helo', 'x.test'],
  ]);
  assert.match(out, /^spf {4}fail$/m);
  assert.match(out, /^dmarc {2}fail, the domain asks for reject$/m);
});

test('what is wrong on the command line or in the zone is said', async () => {
  const missing = await runCli(['authenticate', path('signed.eml')]);
  assert.deepEqual([missing.code, /--ip wants/.test(missing.error)], [2, true]);
  const line = ['authenticate', path('signed.eml'), '--ip', '192.0.2.1', '--dns', path('bad')];
  const bad = await runCli(line);
  assert.deepEqual([bad.code, /bad: line 1: "FOO" is no type/.test(bad.error)], [2, true]);
});
