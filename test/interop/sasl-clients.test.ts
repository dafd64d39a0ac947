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
const gsaslMechanisms = [...passwords, ...scrams, 'SCRAM-SHA-256-PLUS'];
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
    if mechanism == 'LOGIN': client.login(user, secret)
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
    ['imap', 'imaps', ['LOGIN', 'PLAIN', ...tokens]],
    ['smtp', 'submissions', ['PLAIN', 'LOGIN', ...tokens]],
    ['pop3', 'pop3s', ['USER']],
  ] as const
).flatMap(([protocol, listener, mechanisms]) =>
  waysOf('python3', protocol, mechanisms, (mechanism) => async (place, secret) => {
    const port = String(place.test.ports[listener]);
    await start(place, 'python3', ['-c', script, protocol, mechanism, port, address, secret]);
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

saslSuite('programs of Debian', ways, (way) => {
  const { program, name } = way as ProgramWay;
  const isPlugin = program === 'mbsync' && name.includes('SCRAM');
  if (isPlugin && !hasScramPlugin) return { skip: 'not installed: libsasl2-modules' };
  return needs(program);
});
