/**
 * Aim: each mechanism lets in who shows what it asks for, nobody else, and not twice by the same words.
 * Specs:  RFC 4422, RFC 4616, RFC 5802, RFC 7628.
 * Method: exchanges without a protocol around them; a client of SCRAM that shares no code with the server.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import type { ChannelFacts } from '../../../../src/edge/guard/channel.ts';
import { LogInThrottle } from '../../../../src/edge/guard/log-in-throttle.ts';
import type { Proofs, ScramCheck } from '../../../../src/edge/guard/proofs.ts';
import { beginSasl, offeredMechanisms } from '../../../../src/edge/guard/sasl.ts';
import type { SaslSession, SaslStep } from '../../../../src/edge/guard/sasl-exchange.ts';
import { fakeVerifier, makeVerifier } from '../../../../src/mail/trust/scram.ts';
import type { Account } from '../../../../src/ports/account-directory.ts';
import { ScramClient } from '../../../support/scram-client.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';
import { fakeAuthenticate } from '../../../support/smtp-fakes.ts';

const alice = { address: 'alice@local.test' } as Account;
const exporter = Buffer.alloc(32, 3);
const bound: ChannelFacts = {
  bindings: ['tls-exporter'],
  channelBinding: (name) => (name === 'tls-exporter' ? exporter : undefined),
};

class FakeScram implements ScramCheck {
  isOffered = true;
  admitted = 0;
  #count = 0;

  nonce(): string {
    this.#count++;
    return `server${this.#count}`;
  }

  verifierOf(user: string, hash: 'sha1' | 'sha256') {
    const salt = Buffer.alloc(16, 9);
    return user === 'alice@local.test'
      ? makeVerifier(hash, 'secret', salt)!
      : fakeVerifier(hash, user, Buffer.alloc(32));
  }

  admit() {
    this.admitted++;
    return { ok: true, account: alice, admission: { kind: 'other' } } as const;
  }
}

function session(proofs: Proofs = {}, tls: ChannelFacts | undefined = {}): SaslSession {
  const logIn = { authenticate: fakeAuthenticate, throttle: new LogInThrottle(), proofs };
  const clock = new SeededClock();
  return { address: '192.0.2.1', listener: 'test', logIn, clock, log: silentLog, tls };
}

function textOf(step: SaslStep): string {
  assert.equal(step.kind, 'challenge');
  return Buffer.from((step as { octets: Uint8Array }).octets).toString();
}

function codeOf(step: SaslStep): string {
  assert.equal(step.kind, 'ended');
  const { answer } = step as Extract<SaslStep, { kind: 'ended' }>;
  return answer.ok ? answer.account.address : answer.code;
}

test('PLAIN wants three parts, one identity and no controls', async () => {
  const plain = (text: string) => beginSasl('plain', session())!.next(Buffer.from(text));
  const user = 'alice@local.test';
  assert.equal(codeOf(await plain(`\0${user}\0secret`)), user);
  assert.equal(codeOf(await plain(`${user}\0${user}\0secret`)), user);
  assert.equal(codeOf(await plain(`\0${user}\0wrong`)), 'credentials-invalid');
  for (const bad of ['v\0u\0p', 'u\0p', '\0\0p', '\0u\n\0p', '\0u\0p\0', '']) {
    assert.equal((await plain(bad)).kind, 'bad', JSON.stringify(bad));
  }
});

test('LOGIN asks for a name and a password', async () => {
  const exchange = beginSasl('LOGIN', session())!;
  assert.equal(textOf(await exchange.next(undefined)), 'Username:');
  assert.equal(textOf(await exchange.next(Buffer.from('alice@local.test'))), 'Password:');
  assert.equal(codeOf(await exchange.next(Buffer.from('secret'))), 'alice@local.test');
  assert.equal((await exchange.next(Buffer.from('secret'))).kind, 'bad');
});

test('a mechanism is offered where there is something to check it by', () => {
  const scram = new FakeScram();
  assert.deepEqual(offeredMechanisms(session()), ['PLAIN', 'LOGIN']);
  const four = ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN'];
  assert.deepEqual(offeredMechanisms(session({ scram })), four);
  const plus = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS'];
  assert.deepEqual(offeredMechanisms(session({ scram }, bound)), [...plus, ...four]);
  scram.isOffered = false;
  assert.deepEqual(offeredMechanisms(session({ scram }, bound)), ['PLAIN', 'LOGIN']);
  assert.equal(beginSasl('SCRAM-SHA-256', session({ scram })), undefined);
  assert.equal(beginSasl('EXTERNAL', session()), undefined);
  assert.equal(beginSasl('CRAM-MD5', session()), undefined);
});

for (const hash of ['sha1', 'sha256'] as const) {
  const name = hash === 'sha1' ? 'SCRAM-SHA-1' : 'SCRAM-SHA-256';

  test(`${name}: both sides prove what they know`, async () => {
    const exchange = beginSasl(name, session({ scram: new FakeScram() }))!;
    const client = new ScramClient({ hash, user: 'alice@local.test', password: 'secret' });
    assert.equal(textOf(await exchange.next(undefined)), '');
    const first = textOf(await exchange.next(client.first()));
    assert.ok(client.isServer(textOf(await exchange.next(client.final(first)))) === true);
    assert.equal(codeOf(await exchange.next(Buffer.alloc(0))), 'alice@local.test');
    assert.equal((await exchange.next(Buffer.alloc(0))).kind, 'bad');
  });

  test(`${name}-PLUS: the proof is bound to the channel`, async () => {
    const play = async (channel: Uint8Array, flag = 'p=tls-exporter') => {
      const exchange = beginSasl(`${name}-PLUS`, session({ scram: new FakeScram() }, bound))!;
      const user = 'alice@local.test';
      const client = new ScramClient({ hash, user, password: 'secret', flag, channel });
      const step = await exchange.next(client.first());
      return step.kind === 'challenge' ? await exchange.next(client.final(textOf(step))) : step;
    };
    assert.match(textOf(await play(exporter)), /^v=/);
    assert.equal(codeOf(await play(Buffer.alloc(32, 4))), 'credentials-invalid');
    assert.equal(codeOf(await play(Buffer.alloc(0))), 'credentials-invalid');
    assert.equal((await play(exporter, 'p=tls-unique')).kind, 'bad');
    assert.equal((await play(Buffer.alloc(0), 'n')).kind, 'bad');
    assert.equal((await play(Buffer.alloc(0), 'y')).kind, 'bad');
  });
}

async function scramOnce(
  proofs: Proofs,
  flag: string,
  tls: ChannelFacts = {},
  password = 'secret',
) {
  const exchange = beginSasl('SCRAM-SHA-256', session(proofs, tls))!;
  const client = new ScramClient({ hash: 'sha256', user: 'alice@local.test', password, flag });
  const step = await exchange.next(client.first());
  return step.kind === 'challenge' ? await exchange.next(client.final(textOf(step))) : step;
}

test('a client that saw no -PLUS where one is offered was lied to', async () => {
  const scram = new FakeScram();
  assert.match(textOf(await scramOnce({ scram }, 'y')), /^v=/);
  assert.equal((await scramOnce({ scram }, 'y', bound)).kind, 'bad');
  assert.match(textOf(await scramOnce({ scram }, 'n', bound)), /^v=/);
  assert.equal((await scramOnce({ scram }, 'p=tls-exporter', bound)).kind, 'bad');
});

test('a wrong proof and an unknown user are told alike, and both are counted', async () => {
  const scram = new FakeScram();
  const wrong = await scramOnce({ scram }, 'n', {}, 'guess');
  assert.equal(codeOf(wrong), 'credentials-invalid');
  const shared = session({ scram });
  const tries = async (user: string) => {
    const exchange = beginSasl('SCRAM-SHA-256', shared)!;
    const client = new ScramClient({ hash: 'sha256', user, password: 'guess' });
    const step = await exchange.next(client.first());
    return step.kind === 'ended'
      ? codeOf(step)
      : codeOf(await exchange.next(client.final(textOf(step))));
  };
  for (let i = 0; i < 5; i++) assert.equal(await tries('nobody@local.test'), 'credentials-invalid');
  assert.equal(await tries('nobody@local.test'), 'rate-exceeded');
  assert.equal(scram.admitted, 0);
});

test('what was heard of one exchange opens no other', async () => {
  const shared = session({ scram: new FakeScram() });
  const client = new ScramClient({ hash: 'sha256', user: 'alice@local.test', password: 'secret' });
  const heard = beginSasl('SCRAM-SHA-256', shared)!;
  const final = client.final(textOf(await heard.next(client.first())));
  assert.match(textOf(await heard.next(final)), /^v=/);
  const replayed = beginSasl('SCRAM-SHA-256', shared)!;
  const first = textOf(await replayed.next(client.first()));
  assert.equal((await replayed.next(final)).kind, 'bad');
  // Nor with the nonce taken from the new exchange and the rest from the old one.
  const other = beginSasl('SCRAM-SHA-256', shared)!;
  const next = textOf(await other.next(client.first()));
  assert.notEqual(next, first);
  const nonce = /^r=([^,]*)/.exec(next)![1]!;
  const mixed = final.toString().replace(/r=[^,]*/, `r=${nonce}`);
  assert.equal(codeOf(await other.next(Buffer.from(mixed))), 'credentials-invalid');
  assert.equal((await other.next(client.final(next))).kind, 'bad');
});

test('responses do not overtake each other', async () => {
  const exchange = beginSasl('SCRAM-SHA-256', session({ scram: new FakeScram() }))!;
  const client = new ScramClient({ hash: 'sha256', user: 'alice@local.test', password: 'secret' });
  const [one, two] = await Promise.all([
    exchange.next(client.first()),
    exchange.next(client.first()),
  ]);
  assert.equal(one.kind, 'challenge');
  assert.equal(two.kind, 'bad');
});

test('nobody acts for another by SCRAM', async () => {
  const exchange = beginSasl('SCRAM-SHA-256', session({ scram: new FakeScram() }))!;
  const options = { hash: 'sha256', user: 'alice@local.test', password: 'secret' } as const;
  const client = new ScramClient({ ...options, authorize: 'bob@local.test' });
  assert.equal((await exchange.next(client.first())).kind, 'bad');
});

test('a token that is refused is told why, and the exchange fails whatever is said then', async () => {
  const tokens = {
    check: (token: string, user: string) =>
      token === 'good' && (user === '' || user === 'alice@local.test')
        ? ({ ok: true, account: alice, admission: { kind: 'other' } } as const)
        : failure('credentials-invalid'),
  };
  const proofs = { tokens };
  assert.deepEqual(offeredMechanisms(session(proofs)).slice(0, 2), ['OAUTHBEARER', 'XOAUTH2']);
  const oauth = (text: string) => Buffer.from(text.replaceAll('^', '\x01'));
  const good = beginSasl('OAUTHBEARER', session(proofs))!;
  assert.equal(textOf(await good.next(undefined)), '');
  assert.equal(codeOf(await good.next(oauth('n,,^auth=Bearer good^^'))), 'alice@local.test');
  const refused = beginSasl('OAUTHBEARER', session(proofs))!;
  const challenged = textOf(await refused.next(oauth('n,,^auth=Bearer bad^^')));
  assert.equal(JSON.parse(challenged).status, 'invalid_token');
  const ended = await refused.next(oauth('n,,^auth=Bearer good^^'));
  assert.equal(codeOf(ended), 'credentials-invalid');
  const old = beginSasl('XOAUTH2', session(proofs))!;
  const message = oauth('user=alice@local.test^auth=Bearer good^^');
  assert.equal(codeOf(await old.next(message)), 'alice@local.test');
  assert.equal((await beginSasl('XOAUTH2', session(proofs))!.next(oauth('x'))).kind, 'bad');
});

test('EXTERNAL is offered with a certificate, and passes on whom the client names', async () => {
  const seen: string[] = [];
  const certificates = {
    check: (der: Uint8Array, authorize: string) => {
      seen.push(`${der.length} ${authorize}`);
      return authorize === 'bob@local.test'
        ? failure('credentials-invalid')
        : ({ ok: true, account: alice, admission: { kind: 'other' } } as const);
    },
  };
  const tls = { clientCertificate: () => Buffer.alloc(7) };
  assert.equal(offeredMechanisms(session({ certificates }, tls))[0], 'EXTERNAL');
  assert.equal(offeredMechanisms(session({ certificates })).includes('EXTERNAL'), false);
  assert.equal(offeredMechanisms(session({}, tls)).includes('EXTERNAL'), false);
  const play = async (text: string) => {
    const exchange = beginSasl('EXTERNAL', session({ certificates }, tls))!;
    assert.equal(textOf(await exchange.next(undefined)), '');
    return await exchange.next(Buffer.from(text));
  };
  assert.equal(codeOf(await play('')), 'alice@local.test');
  assert.equal(codeOf(await play('bob@local.test')), 'credentials-invalid');
  assert.equal((await play('a\nb')).kind, 'bad');
  assert.deepEqual(seen, ['7 ', '7 bob@local.test']);
});
