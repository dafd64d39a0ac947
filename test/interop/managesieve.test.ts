/**
 * Aim: programs we did not write manage scripts: sieve-connect, and Net_Sieve, by which Roundcube talks; and GNU SASL's
 *      library proves the password by SCRAM, and has it proved that the server knows it.
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
  await server.call('policy.set', { tenant: 'default', allowsScram: true });
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

/** GNU SASL's library has SCRAM, Python TLS and the bindings: tls-unique, so it is TLS 1.2. */
const gsaslScript = `
import base64, ctypes, ctypes.util, re, socket, ssl, sys
mechanism, port, user, secret = sys.argv[1:]
gsasl = ctypes.CDLL(ctypes.util.find_library('gsasl') or 'libgsasl.so.18')
AUTHID, PASSWORD, CB_TLS_UNIQUE, NEEDS_MORE, OK = 1, 3, 18, 1, 0
gsasl.gsasl_property_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p]
context, session = ctypes.c_void_p(), ctypes.c_void_p()
assert gsasl.gsasl_init(ctypes.byref(context)) == OK
assert gsasl.gsasl_client_start(context, mechanism.encode(), ctypes.byref(session)) == OK
code = NEEDS_MORE
def step(challenge):
    global code
    answer = ctypes.c_char_p()
    code = gsasl.gsasl_step64(session, challenge, ctypes.byref(answer))
    if code not in (OK, NEEDS_MORE): print('refused by the client', code); sys.exit(1)
    return answer.value
wire = socket.create_connection(('127.0.0.1', int(port)))
lines = wire.makefile('rwb')
def capabilities():
    told = {}
    while True:
        line = lines.readline().decode().rstrip()
        if line.startswith('OK'): return told
        name, value = re.fullmatch(r'"(\\w+)"(?: "(.*)")?', line).groups()
        assert name not in told, line
        told[name] = value
def say(words):
    lines.write(words + b'\\r\\n'); lines.flush()
    return lines.readline().rstrip()
early = capabilities()
assert early['SASL'] == '' and 'STARTTLS' in early, early
assert say(b'STARTTLS').startswith(b'OK')
tls = ssl._create_unverified_context()
tls.maximum_version = ssl.TLSVersion.TLSv1_2
wire = tls.wrap_socket(wire)
lines = wire.makefile('rwb')
told = capabilities()
assert mechanism in told['SASL'].split() and 'STARTTLS' not in told, told
binding = base64.b64encode(wire.get_channel_binding('tls-unique'))
for name, value in ((AUTHID, user.encode()), (PASSWORD, secret.encode())):
    gsasl.gsasl_property_set(session, name, value)
if mechanism.endswith('-PLUS'): gsasl.gsasl_property_set(session, CB_TLS_UNIQUE, binding)
reply = say(b'AUTHENTICATE "' + mechanism.encode() + b'" "' + step(b'') + b'"')
while reply.startswith(b'"'): reply = say(b'"' + step(reply[1:-1]) + b'"')
print(reply.decode())
if not reply.startswith(b'OK'): sys.exit(1)
# It has seen that the server knows the password too.
assert code == OK, code
lines.write(b'CAPABILITY\\r\\n'); lines.flush()
assert capabilities()['OWNER'] == user
assert say(b'PUTSCRIPT "rules" "keep;"').startswith(b'OK')
assert say(b'LOGOUT').startswith(b'OK')
`;

for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256'].flatMap((one) => [one, `${one}-PLUS`])) {
  it(`GNU SASL logs in under STARTTLS by ${mechanism}, and not with another password`, {
    ...(spawnSync('python3', ['-c', ''], { stdio: 'ignore' }).status === 0
      ? needs('gsasl')
      : needs('python3')),
    timeout: 60_000,
  }, async () => {
    await using at = await place();
    const script = join(at.folder, 'scram.py');
    writeFileSync(script, gsaslScript);
    const port = String(at.server.ports.managesieve);
    const { stdout } = await run('python3', [script, mechanism, port, account, password]);
    assert.match(stdout, /^OK "Logged in"/);
    const wrong = run('python3', [script, mechanism, port, account, 'wrong']);
    await assert.rejects(wrong, (error: Error & { stdout: string }) => {
      assert.match(error.stdout, /^NO "Log-in failed"/);
      return true;
    });
    const { scripts } = await at.server.call('script.list', { account });
    assert.deepEqual(
      scripts.map(({ name }) => name),
      ['rules'],
    );
  });
}
