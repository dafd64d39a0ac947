/**
 * Aim: programs we did not write manage scripts: sieve-connect, and Net_Sieve, by which Roundcube talks.
 * Method: the real server in this process, the programs beside it; what is missing is skipped and said.
 */

import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { deliverByLmtp } from '../support/lmtp-delivery.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const run = promisify(execFile);
const account = 'ann@example.test';
const password = 'correct horse';
const rules =
  'require ["fileinto", "mailbox"];\r\nif header :contains "Subject" "list" {\r\n  fileinto :create "Lists";\r\n}\r\n';

const needs = (program: string, file?: string) => {
  const isThere =
    spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0 &&
    (file === undefined || spawnSync('test', ['-e', file]).status === 0);
  return isThere
    ? {}
    : { skip: `not installed: ${program}${file === undefined ? '' : `, ${file}`}` };
};

interface Place extends AsyncDisposable {
  readonly server: TestServer;
  /** For files of the program. */
  readonly folder: string;
}

async function place(): Promise<Place> {
  const server = await startTestServer({ 'listen.managesieve': '127.0.0.1:0' });
  await server.call('domain.create', { name: 'example.test' });
  await server.call('account.create', { address: account, password });
  const folder = mkdtempSync(join(tmpdir(), 'chaski-sieve-'));
  return {
    server,
    folder,
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true });
      await server[Symbol.asyncDispose]();
    },
  };
}

/** What a message does then. */
async function counts({ server }: Place): Promise<Record<string, number>> {
  const message = 'From: a@far.test\r\nSubject: to the list\r\n\r\ntext';
  await deliverByLmtp(server.ports.lmtp!, account, message);
  const { mailboxes } = await server.call('mailbox.list', { account });
  const filled = mailboxes.filter(({ messageCount }) => messageCount > 0);
  return Object.fromEntries(filled.map(({ name, messageCount }) => [name, messageCount]));
}

async function sieveConnect(at: Place, mechanism: string, args: readonly string[]) {
  const { ports } = at.server;
  const common = ['-s', '127.0.0.1', '-p', String(ports.managesieve), '-u', account];
  const how = ['-m', mechanism, '--notlsverify', '--passwordfd', '0', '--nosrv'];
  const child = spawn('sieve-connect', [...common, ...how, ...args], { cwd: at.folder });
  child.stdin.end(`${password}\n`);
  let said = '';
  child.stdout.on('data', (octets: Buffer) => {
    said += octets.toString();
  });
  child.stderr.on('data', (octets: Buffer) => {
    said += octets.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, said };
}

for (const mechanism of ['PLAIN', 'LOGIN']) {
  it(`sieve-connect keeps, checks, activates, lists, fetches and deletes under STARTTLS and ${mechanism}`, {
    ...needs('sieve-connect'),
    timeout: 60_000,
  }, async () => {
    await using at = await place();
    const file = join(at.folder, 'rules.sieve');
    writeFileSync(file, rules);
    const done = async (...args: string[]) => {
      const { code, said } = await sieveConnect(at, mechanism, args);
      assert.equal(code, 0, `${args}: ${said}`);
      return said;
    };
    await done('--localsieve', file, '--checkscript');
    await done('--localsieve', file, '--remotesieve', 'rules', '--upload');
    await done('--remotesieve', 'rules', '--activate');
    assert.match(await done('--list'), /^"rules".*ACTIVE/m);
    assert.deepEqual(await counts(at), { Lists: 1 });
    const copy = join(at.folder, 'copy.sieve');
    await done('--remotesieve', 'rules', '--localsieve', copy, '--download');
    assert.equal(readFileSync(copy, 'utf8').replace(/\r?\n/g, '\r\n'), rules);
    writeFileSync(file, 'fileinto "x";\n');
    const faulty = await sieveConnect(at, mechanism, ['--localsieve', file, '--checkscript']);
    assert.match(faulty.said, /line 1, column 1/);
    await done('--deactivate');
    await done('--remotesieve', 'rules', '--delete');
    assert.doesNotMatch(await done('--list'), /rules/);
    assert.deepEqual(await counts(at), { Lists: 1, INBOX: 1 });
  });
}

const netSieve = '/usr/share/php/Net/Sieve.php';

/** What Roundcube's plugin does, in its order. */
const roundcube = `<?php
error_reporting(E_ALL & ~E_DEPRECATED & ~E_STRICT);
require_once 'Net/Sieve.php';
[, $port, $user, $word, $rules] = $argv;
$options = ['ssl' => ['verify_peer' => false, 'verify_peer_name' => false, 'allow_self_signed' => true]];
$sieve = new Net_Sieve();
function right($result) {
  if ($result instanceof PEAR_Error) { fwrite(STDERR, $result->getMessage() . "\\n"); exit(1); }
  return $result;
}
right($sieve->connect('127.0.0.1', (int) $port, $options, true));
right($sieve->login($user, $word, 'PLAIN'));
$can = right($sieve->getExtensions());
// It has them in capitals.
if (!in_array('VACATION', $can) || !in_array('FILEINTO', $can)) exit(2);
if (right($sieve->listScripts()) !== []) exit(3);
right($sieve->haveSpace('roundcube', strlen($rules)));
right($sieve->installScript('roundcube', $rules));
right($sieve->setActive('roundcube'));
if (right($sieve->getActive()) !== 'roundcube') exit(4);
if (trim(right($sieve->getScript('roundcube'))) !== trim($rules)) exit(5);
if (!(($fault = $sieve->installScript('bad', 'fileinto "x";')) instanceof PEAR_Error)) exit(6);
echo $fault->getMessage(), "\\n";
right($sieve->installScript('other', 'keep;'));
if (right($sieve->listScripts()) !== ['other', 'roundcube']) exit(7);
right($sieve->removeScript('other'));
right($sieve->disconnect());
echo "done\\n";
`;

it("Roundcube's dialogue: Net_Sieve logs in under STARTTLS, and keeps and activates its rules", {
  ...needs('php', netSieve),
  timeout: 60_000,
}, async () => {
  await using at = await place();
  const script = join(at.folder, 'roundcube.php');
  writeFileSync(script, roundcube);
  const port = String(at.server.ports.managesieve);
  const { stdout } = await run('php', [script, port, account, password, rules]);
  assert.match(stdout, /done/);
  assert.match(stdout, /column 1/);
  assert.deepEqual(await counts(at), { Lists: 1 });
});
