/**
 * Aim: mail programs of others log in by each mechanism, on SMTP, IMAP and POP3, with and without a second factor
 * demanded: then main passwords open nothing, app passwords and tokens do.
 * Method: Debian's programs against real servers over TLS; what is missing is skipped and said.
 */

import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { address, type SaslPlace, type Way } from '../support/sasl-place.ts';
import { saslSuite } from '../support/sasl-suite.ts';
import { needs } from './imap-place.ts';

const run = promisify(execFile);
const programMsMax = 30_000;

async function start(place: SaslPlace, program: string, args: readonly string[], input = '') {
  const env = { ...process.env, HOME: place.folder };
  const options = { cwd: place.folder, timeout: programMsMax, env };
  const running = run(program, [...args], options);
  running.child.stdin?.on('error', () => {});
  running.child.stdin?.end(input);
  return await running;
}

interface ProgramWay extends Way {
  readonly program: string;
}

const scrams = ['SCRAM-SHA-1', 'SCRAM-SHA-256'];
const passwords = ['PLAIN', 'LOGIN'];
const tokens = ['OAUTHBEARER', 'XOAUTH2'];

function waysOf(
  program: string,
  protocol: string,
  mechanisms: readonly string[],
  logIn: (mechanism: string) => Way['logIn'],
): readonly ProgramWay[] {
  return mechanisms.map((mechanism) => ({
    ...{ program, name: `${program} by ${mechanism} on ${protocol}`, logIn: logIn(mechanism) },
    shows: tokens.includes(mechanism) ? 'token' : 'password',
    ...(mechanism.startsWith('SCRAM') ? { isMainOnly: true } : {}),
  }));
}

/** GNU SASL: the one that binds SCRAM to its TLS. On SMTP it says STARTTLS before EHLO, which is none (RFC 3207 §4). */
const bound = ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS'];
const gsaslMechanisms = [...passwords, ...scrams, ...bound];
const gsasl = waysOf('gsasl', 'imap', gsaslMechanisms, (mechanism) => async (place, secret) => {
  const { stdout } = await start(place, 'gsasl', [
    ...['--imap', `--connect=127.0.0.1:${place.test.ports.imap}`, '--starttls'],
    ...['--hostname=mx.test', `--mechanism=${mechanism}`, '--x509-ca-file='],
    ...[`--authentication-id=${address}`, `--password=${secret}`],
    ...(mechanism.endsWith('-PLUS') ? [] : ['--no-cb']),
  ]);
  // It ends well when it was told no, too.
  if (!/^\. OK .*Logged in/m.test(stdout)) throw new Error(stdout);
});

const methodsOfMsmtp = [...passwords, ...scrams, ...tokens];
const msmtp = waysOf('msmtp', 'smtp', methodsOfMsmtp, (mechanism) => async (place, secret) => {
  await start(
    place,
    'msmtp',
    [
      ...['--host=127.0.0.1', `--port=${place.test.ports.submission}`, '--tls=on'],
      ...['--tls-certcheck=off', `--auth=${mechanism.toLowerCase()}`, `--user=${address}`],
      ...[`--passwordeval=cat ${place.write('secret', secret)}`, `--from=${address}`, address],
    ],
    `From: ${address}\nTo: ${address}\nSubject: by ${mechanism}\n\nText\n`,
  );
});

const mpop = waysOf('mpop', 'pop3', methodsOfMsmtp, (mechanism) => async (place, secret) => {
  await start(place, 'mpop', [
    ...['--host=127.0.0.1', `--port=${place.test.ports.pop3}`, '--tls=on', '--tls-certcheck=off'],
    ...[`--auth=${mechanism.toLowerCase()}`, `--user=${address}`, '--auth-only', '--half-quiet'],
    ...[`--passwordeval=cat ${place.write('secret', secret)}`, '--keep=on'],
    ...['--delivery=mbox,mail.mbox'],
  ]);
});

const curl = (['imap', 'pop3', 'smtp'] as const).flatMap((protocol) =>
  waysOf('curl', protocol, [...passwords, ...tokens], (mechanism) => async (place, secret) => {
    const listener = protocol === 'smtp' ? 'submissions' : `${protocol}s`;
    const isToken = tokens.includes(mechanism);
    await start(place, 'curl', [
      ...['--silent', '--show-error', '--insecure', '--login-options', `AUTH=${mechanism}`],
      ...(isToken
        ? ['--user', address, '--oauth2-bearer', secret]
        : ['--user', `${address}:${secret}`]),
      ...(protocol === 'pop3' ? [] : ['--request', 'NOOP']),
      `${protocol}s://127.0.0.1:${place.test.ports[listener]}/`,
    ]);
  }),
);

const swaks = waysOf('swaks', 'smtp', passwords, (mechanism) => async (place, secret) => {
  await start(place, 'swaks', [
    ...['--server', `127.0.0.1:${place.test.ports.submission}`, '--tls', '--auth', mechanism],
    ...['--auth-user', address, '--auth-password', secret, '--quit-after', 'AUTH'],
  ]);
});

const script = `
import base64, imaplib, poplib, smtplib, ssl, sys
protocol, mechanism, port, user, secret = sys.argv[1:]
tls = ssl._create_unverified_context()
bearer = f'user={user}\\x01auth=Bearer {secret}\\x01\\x01'
gs2 = f'n,a={user},\\x01auth=Bearer {secret}\\x01\\x01'
initial = {'PLAIN': f'\\0{user}\\0{secret}', 'XOAUTH2': bearer, 'OAUTHBEARER': gs2}
if protocol == 'imap':
    client = imaplib.IMAP4_SSL('127.0.0.1', int(port), ssl_context=tls)
    if mechanism == 'LOGIN command': client.login(user, secret)
    else: client.authenticate(mechanism, lambda _: initial[mechanism].encode())
    client.select(); client.logout()
elif protocol == 'pop3':
    client = poplib.POP3_SSL('127.0.0.1', int(port), context=tls)
    client.user(user); client.pass_(secret); client.stat(); client.quit()
else:
    client = smtplib.SMTP_SSL('127.0.0.1', int(port), context=tls)
    client.ehlo('client.test')
    client.user, client.password = user, secret
    known = {'PLAIN': client.auth_plain, 'LOGIN': client.auth_login}
    client.auth(mechanism, known.get(mechanism, lambda _=None: initial[mechanism] if _ is None else ''))
    client.noop(); client.quit()
`;

const python = (
  [
    ['imap', 'imaps', ['LOGIN command', 'PLAIN', ...tokens]],
    ['smtp', 'submissions', ['PLAIN', 'LOGIN', ...tokens]],
    ['pop3', 'pop3s', ['USER and PASS']],
  ] as const
).flatMap(([protocol, listener, mechanisms]) =>
  waysOf('python3', protocol, mechanisms, (mechanism) => async (place, secret) => {
    const port = String(place.test.ports[listener]);
    await start(place, 'python3', ['-c', script, protocol, mechanism, port, address, secret]);
  }),
);

/**
 * GNU SASL's library, asked by Python, which has the TLS: SCRAM bound to it where no mail program can (GNU SASL's own
 * speaks IMAP alone, msmtp and mpop leave the bindings out). Python tells tls-unique, so it is TLS 1.2.
 */
const bindingScript = `
import base64, ctypes, ctypes.util, socket, ssl, sys
protocol, mechanism, port, user, secret = sys.argv[1:]
gsasl = ctypes.CDLL(ctypes.util.find_library('gsasl') or 'libgsasl.so.18')
AUTHID, PASSWORD, CB_TLS_UNIQUE, NEEDS_MORE, OK = 1, 3, 18, 1, 0
context, session = ctypes.c_void_p(), ctypes.c_void_p()
assert gsasl.gsasl_init(ctypes.byref(context)) == OK
assert gsasl.gsasl_client_start(context, mechanism.encode(), ctypes.byref(session)) == OK
tls = ssl._create_unverified_context()
tls.maximum_version = ssl.TLSVersion.TLSv1_2
wire = tls.wrap_socket(socket.create_connection(('127.0.0.1', int(port))))
gsasl.gsasl_property_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p]
binding = base64.b64encode(wire.get_channel_binding('tls-unique'))
for name, value in ((AUTHID, user.encode()), (PASSWORD, secret.encode()), (CB_TLS_UNIQUE, binding)):
    gsasl.gsasl_property_set(session, name, value)
def step(challenge):
    answer = ctypes.c_char_p()
    code = gsasl.gsasl_step64(session, challenge, ctypes.byref(answer))
    assert code in (OK, NEEDS_MORE), code
    return answer.value
lines = wire.makefile('rwb')
def read():
    line = lines.readline().rstrip()
    while protocol == 'smtp' and line[3:4] == b'-': line = lines.readline().rstrip()
    return line
def say(words):
    lines.write(words + b'\\r\\n'); lines.flush()
    return read()
read()
if protocol == 'smtp': say(b'EHLO client.test')
go_on, done = (b'334 ', b'235') if protocol == 'smtp' else (b'+ ', b'+OK')
initial = step(b'')
assert base64.b64decode(initial).startswith(b'p=tls-unique,'), initial
reply = say(b'AUTH ' + mechanism.encode() + b' ' + initial)
while reply.startswith(go_on): reply = say(step(reply[len(go_on):]))
assert reply.startswith(done), reply
say(b'QUIT')
`;

const libgsasl = (
  [
    ['smtp', 'submissions'],
    ['pop3', 'pop3s'],
  ] as const
).flatMap(([protocol, listener]) =>
  waysOf('libgsasl', protocol, bound, (mechanism) => async (place, secret) => {
    const port = String(place.test.ports[listener]);
    const args = [protocol, mechanism, port, address, secret];
    await start(place, 'python3', ['-c', bindingScript, ...args]);
  }),
);

const mbsync = waysOf(
  'mbsync',
  'imap',
  [...passwords, ...scrams],
  (mechanism) => async (place, secret) => {
    const settings = [
      ...['IMAPAccount far', 'Host 127.0.0.1', `Port ${place.test.ports.imap}`],
      ...[`User ${address}`, `PassCmd "cat ${place.write('secret', secret)}"`],
      ...['SSLType STARTTLS', `CertificateFile ${place.certificate}`, `AuthMechs ${mechanism}`],
      ...['', 'IMAPStore far', 'Account far', '', 'MaildirStore near', `Path ${place.folder}/`],
      ...[`Inbox ${place.folder}/inbox`, '', 'Channel all', 'Far :far:', 'Near :near:'],
      ...['Patterns INBOX', 'Create Near', 'SyncState *', ''],
    ];
    await start(place, 'mbsync', ['-c', place.write('mbsyncrc', settings.join('\n')), 'all']);
  },
);

const ways: readonly ProgramWay[] = [
  ...gsasl,
  ...libgsasl,
  ...msmtp,
  ...mpop,
  ...curl,
  ...swaks,
  ...python,
  ...mbsync,
];

/** mbsync takes what is no plain log-in from plug-ins of Cyrus SASL. */
const hasScramPlugin =
  spawnSync('sh', ['-c', 'ls /usr/lib/*/sasl2/libscram.so*'], { stdio: 'ignore' }).status === 0;

saslSuite('interop', 'programs of Debian', ways, (way) => {
  const { program, name } = way as ProgramWay;
  const isPlugin = program === 'mbsync' && name.includes('SCRAM');
  if (isPlugin && !hasScramPlugin) return { skip: 'not installed: libsasl2-modules' };
  // Its library comes with the program.
  return needs(program === 'libgsasl' ? 'gsasl' : program);
});
