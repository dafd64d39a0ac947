/**
 * Aim:    what goes into the journal is the message as it came, with our trace on top (RFC 5321 §4.4, RFC 8314 §4.3)
 *         and only the edits we mean (RFC 6409 §8, RFC 8601 §5).
 * Method: small messages through `prepare`; parts joined and compared as text.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { defaultPolicy, type PolicySnapshot } from '../../../../src/actors/asks/policy-snapshot.ts';
import type { Arrival, Envelope } from '../../../../src/actors/asks/reception.ts';
import type { MessageId, TenantId } from '../../../../src/base/ids.ts';
import { compilePolicy } from '../../../../src/engine/pipeline/policy.ts';
import { type MessageToPrepare, prepare } from '../../../../src/engine/pipeline/prepare.ts';
import { generateDkimKey } from '../../../../src/mail/trust/dkim/keys.ts';
import { mimeMessages } from '../../../support/mail-fixtures.ts';

const nowMs = Date.UTC(2026, 10, 22, 2, 9, 16, 500);
const arrival: Arrival = {
  id: '0123456789ABCDEF' as MessageId,
  receivedMs: nowMs,
  listener: 'smtp',
  protocol: 'ESMTP',
  peerAddress: '192.0.2.1',
  peerPort: 4711,
  helo: 'client.example.org',
  trusted: true,
  tenant: 0 as TenantId,
};
const envelope: Envelope = {
  sender: 'a@example.org',
  recipients: [{ address: 'x@example.net', target: { kind: 'remote' } }],
  body: '7bit',
  smtputf8: false,
};
const snapshot: PolicySnapshot = {
  ...defaultPolicy,
  hostname: 'mx.example.net',
  authservId: 'mx.example.net',
};
const policy = compilePolicy(snapshot);

interface Changes {
  readonly arrival?: Partial<Arrival>;
  readonly envelope?: Partial<Envelope>;
  readonly fromAllowed?: readonly string[];
}

function message(text: string, changes: Changes = {}): MessageToPrepare {
  return {
    body: Buffer.from(text, 'utf8'),
    envelope: { ...envelope, ...changes.envelope },
    arrival: { ...arrival, ...changes.arrival },
    ...(changes.fromAllowed === undefined ? {} : { fromAllowed: changes.fromAllowed }),
  };
}

const submission: Partial<Arrival> = { listener: 'submission', user: 'a@example.org' };

function prepared(given: MessageToPrepare, by = policy) {
  const result = prepare(given, by, nowMs);
  assert.ok(result.ok, JSON.stringify(result));
  const whole = Buffer.concat(result.parts);
  assert.equal(whole.length, result.bytes);
  return { ...result, text: whole.toString('utf8') };
}

function refused(given: MessageToPrepare, by = policy): string {
  const result = prepare(given, by, nowMs);
  assert.ok(!result.ok);
  return result.code;
}

const plain =
  'From: <a@example.org>\r\nTo: x@example.net\r\nDate: Sun, 22 Nov 2026 02:00:00 +0000\r\n' +
  'Message-ID: <1@example.org>\r\nSubject: hi\r\n\r\nbody\r\n';
const trace =
  'Received: from client.example.org ([192.0.2.1])\r\n\tby mx.example.net with ESMTP id 0123456789ABCDEF\r\n' +
  '\tfor <x@example.net>;\r\n\tSun, 22 Nov 2026 02:09:16 +0000\r\n';

test('a relayed message gets one trace field and is otherwise untouched', () => {
  const { text, facts, parts } = prepared(message(plain));
  assert.equal(text, trace + plain);
  assert.equal(facts.messageId, '<1@example.org>');
  assert.equal(parts.length, 2);
});

// RFC 8689 §4.
test('TLS-Required counts where it stands once and says no', () => {
  const isOptional = (fields: string) => prepared(message(fields + plain)).facts.isTlsOptional;
  assert.equal(isOptional('TLS-Required: No\r\n'), true);
  assert.equal(isOptional('tls-required:\r\n no \r\n'), true);
  assert.equal(isOptional(''), false);
  assert.equal(isOptional('TLS-Required: Yes\r\n'), false);
  assert.equal(isOptional('TLS-Required: No\r\nTLS-Required: No\r\n'), false);
});

test('an idempotency key that was read does not go on; one that was not is refused', () => {
  const field = 'X-Chaski-Idempotency-KEY: k\r\n';
  const read = { ...message(field + plain), idempotency: 'ab' };
  assert.equal(prepared(read).text, trace + plain);
  assert.equal(refused(message(field + plain)), 'message-invalid');
  const stranger = prepared(message(field + plain, { arrival: { trusted: false } }));
  assert.equal(stranger.text, trace + field + plain);
});

test('a pool that one who may relay asks for is read and does not go on; a stranger’s stays as it is', () => {
  const field = 'X-Chaski-Pool: bulk\r\n';
  const asked = prepared(message(field + plain));
  assert.equal(asked.facts.pool, 'bulk');
  assert.equal(asked.text, trace + plain);
  const twice = prepared(message(field + field + plain));
  assert.equal(twice.facts.pool, '');
  assert.equal(twice.text, trace + plain);
  const stranger = prepared(message(field + plain, { arrival: { trusted: false } }));
  assert.equal(stranger.facts.pool, '');
  assert.equal(stranger.text, trace + field + plain);
});

test('a campaign is read of mail of who may relay, as the API has it, and does not go on', () => {
  const field = (name: string) => `X-Chaski-Campaign: ${name}\r\n`;
  const read = (name: string) => prepared(message(field(name) + plain));
  assert.deepEqual([read('news').facts.campaign, read('news').text], ['news', trace + plain]);
  assert.equal(read('n'.repeat(64)).facts.campaign, 'n'.repeat(64));
  for (const bad of ['', 'two words', 'n'.repeat(65), 'n\x7f', 'é']) {
    assert.deepEqual([read(bad).facts.campaign, read(bad).text], ['', trace + plain], bad);
  }
  const twice = prepared(message(field('a') + field('b') + plain));
  assert.deepEqual([twice.facts.campaign, twice.text], ['', trace + plain]);
  const stranger = prepared(message(field('news') + plain, { arrival: { trusted: false } }));
  assert.deepEqual([stranger.facts.campaign, stranger.text], ['', trace + field('news') + plain]);
});

test('the body is a view of the bytes that came, not a copy', () => {
  const given = message(plain);
  const { parts } = prepared(given);
  assert.equal(parts.at(-1)!.buffer, given.body.buffer);
});

test('every message of the fixtures comes out whole below its trace', () => {
  for (const { name, bytes } of mimeMessages()) {
    const result = prepare({ body: bytes, envelope, arrival }, policy, nowMs);
    assert.ok(result.ok, name);
    const whole = Buffer.concat(result.parts);
    assert.ok(whole.subarray(-bytes.length).equals(bytes), name);
    assert.match(
      whole.subarray(0, whole.length - bytes.length).toString(),
      /^Received: (?:.|\r\n\t)*\r\n(?:\r\n)?$/,
    );
  }
});

describe('trace field', () => {
  test('one of several recipients is not shown to the others', () => {
    const recipients = ['x@example.net', 'y@example.net'].map((address) => ({
      address,
      target: { kind: 'remote' as const },
    }));
    assert.doesNotMatch(prepared(message(plain, { envelope: { recipients } })).text, /\tfor /);
  });

  test('TLS is named with its cipher suite', () => {
    const tls = { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' };
    const { text } = prepared(message(plain, { arrival: { tls, protocol: 'ESMTPS' } }));
    assert.match(text, /with ESMTPS id .*\r\n\tfor <.*>\r\n\ttls TLS_AES_256_GCM_SHA384;\r\n/);
  });

  test('an IPv6 peer stands in a tagged literal', () => {
    const { text } = prepared(message(plain, { arrival: { peerAddress: '2001:db8::1' } }));
    assert.match(text, /^Received: from client\.example\.org \(\[IPv6:2001:db8::1\]\)\r\n/);
  });

  test('a message from the control socket has no from clause', () => {
    const { text } = prepared(message(plain, { arrival: { peerAddress: '', listener: 'socket' } }));
    assert.match(text, /^Received: by mx\.example\.net with/);
  });

  test('a HELO cannot open a comment, end the line or add a clause', () => {
    for (const helo of [
      'x (',
      'a by evil with ESMTP;',
      'x\r\nEvil: y',
      'a\u2028b',
      '"x"',
      '<x>',
      '',
    ]) {
      const { text } = prepared(message(plain, { arrival: { helo } }));
      const first = /^Received: from (\S+) \(\[192\.0\.2\.1\]\)\r\n\tby mx/.exec(text);
      assert.ok(first !== null, text.slice(0, 100));
      assert.doesNotMatch(first[1]!, /[()<>";\\]/);
    }
  });
});

describe('limits', () => {
  test('more Received fields than allowed are a loop', () => {
    const loop = (count: number) => message('Received: by x\r\n'.repeat(count) + plain);
    assert.ok(prepare(loop(50), policy, nowMs).ok);
    assert.equal(refused(loop(51)), 'message-loops');
  });

  test('a header over its limits is refused', () => {
    assert.equal(refused(message(`X: ${'y'.repeat(70_000)}\r\n${plain}`)), 'message-invalid');
    assert.equal(refused(message('X: y\r\n'.repeat(2_001) + plain)), 'message-invalid');
    const small = compilePolicy({ ...snapshot, headerBytesMax: 50 });
    assert.equal(refused(message(plain), small), 'message-invalid');
  });

  test('a large body with a small header passes', () => {
    const small = compilePolicy({ ...snapshot, headerBytesMax: 200 });
    assert.ok(prepare(message(plain + 'x'.repeat(10_000)), small, nowMs).ok);
  });
});

describe('messages that are no messages', () => {
  test('text without a header is put below an empty line', () => {
    const { text } = prepared(message('just some text\r\nmore\r\n'));
    assert.equal(text, `${trace}\r\njust some text\r\nmore\r\n`);
  });

  test('a first line that starts with white space cannot join our trace field', () => {
    const { text } = prepared(message(' evil\r\nSubject: x\r\n\r\nbody\r\n'));
    assert.equal(text, `${trace}\r\n evil\r\nSubject: x\r\n\r\nbody\r\n`);
  });

  test('an empty header stays empty', () => {
    assert.equal(prepared(message('\r\nbody\r\n')).text, `${trace}\r\nbody\r\n`);
  });

  test('no bytes at all are a message with our trace', () => {
    assert.equal(prepared(message('')).text, trace);
  });
});

describe('forged results', () => {
  const results = (id: string) =>
    `Authentication-Results: ${id}; dkim=pass header.d=bank.example\r\n`;

  test('results that carry our name are removed from untrusted mail, in any spelling', () => {
    for (const id of [
      'mx.example.net',
      'MX.Example.NET',
      '"mx.example.net"',
      '(comment) mx.example.net',
      'mx.example.net 1',
      'mx.example.net.',
      '\r\n mx.example.net',
      'mx.example.net(x)',
    ]) {
      const { text } = prepared(message(results(id) + plain, { arrival: { trusted: false } }));
      assert.equal(text, trace + plain, id);
    }
  });

  test('an outcome of DMARC that mail comes with is removed: only we say one', () => {
    const given = `X-DMARC-Outcome: mx.example.net; quarantine\r\n${plain}`;
    assert.equal(prepared(message(given, { arrival: { trusted: false } })).text, trace + plain);
    assert.equal(prepared(message(given, { arrival: submission })).text, trace + plain);
    assert.equal(prepared(message(given)).text, trace + given);
  });

  test('results of others stay', () => {
    const given = results('mx.example.com') + plain;
    assert.equal(prepared(message(given, { arrival: { trusted: false } })).text, trace + given);
  });

  test('our own results stay on mail from networks that relay, and go from submissions', () => {
    const given = results('mx.example.net') + plain;
    assert.equal(prepared(message(given)).text, trace + given);
    assert.equal(prepared(message(given, { arrival: submission })).text, trace + plain);
  });
});

describe('submission', () => {
  const allowed = { arrival: submission, fromAllowed: ['a@example.org', '*@example.com'] };

  test('a complete message is left as it is', () => {
    assert.equal(prepared(message(plain, allowed)).text, trace + plain);
  });

  test('Date, Message-ID and From are added where they are missing', () => {
    const { text, facts } = prepared(message('Subject: hi\r\n\r\nbody\r\n', allowed));
    assert.equal(
      text,
      `${trace}Subject: hi\r\nFrom: <a@example.org>\r\nDate: Sun, 22 Nov 2026 02:09:16 +0000\r\n` +
        'Message-ID: <0123456789ABCDEF@mx.example.net>\r\n\r\nbody\r\n',
    );
    assert.equal(facts.messageId, '<0123456789ABCDEF@mx.example.net>');
  });

  test('Bcc fields are removed, wherever they stand', () => {
    const bcc = 'Bcc: secret@example.net,\r\n other@example.net\r\n';
    for (const given of [bcc + plain, plain.replace('Subject', `${bcc}bcc: z\r\nSubject`)]) {
      assert.equal(prepared(message(given, allowed)).text, trace + plain);
    }
  });

  test('Bcc stays on relayed mail', () => {
    assert.equal(prepared(message(`Bcc: x\r\n${plain}`)).text, `${trace}Bcc: x\r\n${plain}`);
  });

  const withFrom = (from: string) => message(plain.replace('From: <a@example.org>', from), allowed);

  test('only allowed addresses may stand in From', () => {
    for (const from of [
      'From: A <A@Example.ORG>',
      'From: anyone@example.com',
      'From: a@example.org, b@example.com',
      'from : "b@evil.example" <a@example.org>',
      'From: Team: a@example.org;',
    ]) {
      assert.ok(prepare(withFrom(from), policy, nowMs).ok, from);
    }
    for (const from of [
      'From: b@example.org',
      'From: a@example.org, b@example.org',
      'From: a@example.org.evil.example',
      'From: a@sub.example.com',
      'From: Team: b@example.org;',
      'From: b@example.org <a@example.org>',
      'From: <a@example.org> <b@example.org>',
      'From: a@example.org (',
      'From: ',
      'From: undisclosed:;',
    ]) {
      assert.equal(refused(withFrom(from)), 'sender-not-allowed', from);
    }
  });

  test('without a list the account may write as itself and as its sender', () => {
    const changes = { arrival: { ...submission, user: 'Me@Example.ORG' } };
    const by = (from: string) => message(plain.replace('<a@example.org>', from), changes);
    for (const from of ['a@example.org', 'me@example.org'])
      assert.ok(prepare(by(from), policy, nowMs).ok);
    assert.equal(refused(by('b@example.org')), 'sender-not-allowed');
  });

  test('Sender, Resent-From and Resent-Sender are held to the same addresses', () => {
    const withField = (field: string) => message(`${field}\r\n${plain}`, allowed);
    for (const field of [
      'Sender: A <A@Example.ORG>',
      'sender: anyone@example.com',
      'Resent-From: a@example.org, b@example.com',
      'Resent-From: a@example.org\r\nResent-Sender: b@example.com',
    ]) {
      assert.ok(prepare(withField(field), policy, nowMs).ok, field);
    }
    for (const field of [
      'Sender: b@example.org',
      'SENDER: a@example.org, b@example.com',
      'Sender:',
      'Resent-From: b@example.org',
      'Resent-Sender: b@example.org',
      'Resent-From: a@example.org\r\nX: y\r\nResent-From: b@example.org',
      'Resent-Sender: a@example.org <b@example.org>',
    ]) {
      assert.equal(refused(withField(field)), 'sender-not-allowed', field);
    }
    const twice = 'Sender: a@example.org\r\nSender: a@example.org';
    assert.equal(refused(withField(twice)), 'message-invalid');
    assert.ok(prepare(message(`Sender: b@example.org\r\n${plain}`), policy, nowMs).ok, 'a relay');
  });

  test('several authors without a Sender get the account as Sender', () => {
    const from = 'From: a@example.org, b@example.com';
    assert.match(prepared(withFrom(from)).text, /\r\nSender: <a@example\.org>\r\n/);
    const own = `${from}\r\nSender: b@example.com`;
    assert.doesNotMatch(prepared(withFrom(own)).text, /Sender: <a@example\.org>/);
    assert.doesNotMatch(prepared(withFrom('From: a@example.org')).text, /Sender/);
  });

  test('two From fields are refused', () => {
    assert.equal(refused(message(`From: a@example.org\r\n${plain}`, allowed)), 'message-invalid');
  });

  test('a From hidden behind a fold before its colon is refused', () => {
    assert.equal(
      refused(message(`Subject: x\r\nFrom\r\n : b@evil.example\r\n\r\n`, allowed)),
      'message-invalid',
    );
  });

  test('no From and no sender is refused', () => {
    const given = message('Subject: hi\r\n\r\n', { ...allowed, envelope: { sender: '' } });
    assert.equal(refused(given), 'message-invalid');
  });
});

describe('signing', () => {
  const rsa = generateDkimKey('rsa-sha256', 'r1');
  const ed = generateDkimKey('ed25519-sha256', 'e1');
  const signing = compilePolicy({ ...snapshot, domains: { 'example.org': { dkim: [rsa, ed] } } });

  async function verdicts(text: string): Promise<string[]> {
    const { results } = await dkimVerify(Buffer.from(text), {
      strict: true,
      curTime: new Date(nowMs),
      resolver: async (name: string) => [[name.startsWith('r1.') ? rsa.recordText : ed.recordText]],
    } as never);
    return results.map(({ selector, status }) => `${selector} ${status.result}`);
  }

  test('all keys of the author domain sign, below our trace field', async () => {
    const { text, facts } = prepared(message(plain), signing);
    assert.equal(facts.signatureCount, 2);
    assert.ok(text.startsWith(`${trace}DKIM-Signature: `));
    assert.deepEqual(await verdicts(text), ['r1 pass', 'e1 pass']);
  });

  test('the signature covers the message as edited', async () => {
    const given = message('Bcc: z@example.net\r\nFrom: a@example.org\r\n\r\nbody\r\n', {
      arrival: submission,
      fromAllowed: ['a@example.org'],
    });
    const { text } = prepared(given, signing);
    assert.match(text, /h=message-id:date:from:from;/);
    assert.deepEqual(await verdicts(text), ['r1 pass', 'e1 pass']);
  });

  test('added From fields are signed for their domain', async () => {
    const given = message('Subject: hi\r\n\r\nbody\r\n', { arrival: submission });
    assert.deepEqual(await verdicts(prepared(given, signing).text), ['r1 pass', 'e1 pass']);
  });

  test('text without a header is signed as the body it becomes', async () => {
    const given = message('just text\r\n', { arrival: submission });
    assert.deepEqual(await verdicts(prepared(given, signing).text), ['r1 pass', 'e1 pass']);
  });

  test('other domains, several author domains and untrusted mail are not signed', () => {
    const untrusted = message(plain, { arrival: { trusted: false } });
    const other = message(plain.replace('a@example.org', 'a@sub.example.org'));
    const several = message(plain.replace('<a@example.org>', 'a@example.org, b@example.com'));
    const twice = message(`From: b@example.com\r\n${plain}`);
    for (const given of [untrusted, other, several, twice]) {
      assert.equal(prepared(given, signing).facts.signatureCount, 0);
    }
  });

  test('the domain that signs too signs whoever the author is, and its own mail once', () => {
    const domains = { 'example.org': { dkim: [ed] }, 'relay.example': { dkim: [rsa] } };
    const also = compilePolicy({ ...snapshot, domains, alsoDomain: 'relay.example' });
    const signers = (text: string, trusted = true) => {
      const given = message(text, { arrival: { trusted } });
      return [...prepared(given, also).text.matchAll(/\sd=([^;]+);/g)].map(([, domain]) => domain);
    };
    assert.deepEqual(signers(plain), ['example.org', 'relay.example']);
    assert.deepEqual(signers(plain.replace('example.org', 'other.example')), ['relay.example']);
    assert.deepEqual(signers(plain.replace('example.org', 'relay.example')), ['relay.example']);
    assert.deepEqual(signers(plain, false), []);
  });

  test('a new snapshot keeps the parsed keys it has in common with the one before', () => {
    const next = compilePolicy(
      { ...snapshot, domains: { 'example.org': { dkim: [ed] }, 'new.example': { dkim: [rsa] } } },
      signing,
    );
    const before = signing.signers.get('example.org')!;
    assert.equal(next.signers.get('example.org')![0], before[1]);
    const renamed = {
      ...snapshot,
      domains: { 'example.org': { dkim: [{ ...ed, selector: 'x' }] } },
    };
    assert.equal(compilePolicy(renamed, next).signers.get('example.org')![0]!.selector, 'x');
  });

  test('mail that another server hands over by LMTP is not signed', () => {
    const given = message(plain, { arrival: { listener: 'lmtp' } });
    assert.equal(prepared(given, signing).facts.signatureCount, 0);
  });

  test('a domain is found by its A-labels, in any case', () => {
    const capital = message(plain.replace('a@example.org', 'a@Example.ORG'));
    assert.equal(prepared(capital, signing).facts.signatureCount, 2);
    const idn = compilePolicy({
      ...snapshot,
      domains: { 'xn--bcher-kva.example': { dkim: [ed] } },
    });
    const given = message(plain.replace('a@example.org', 'a@Bücher.example'));
    assert.equal(prepared(given, idn).facts.signatureCount, 1);
  });
});

describe('facts', () => {
  test('8-bit header and body are told apart', () => {
    const eightBit = (text: string) => {
      const { isHeaderEightBit, isBodyEightBit } = prepared(message(text)).facts;
      return [isHeaderEightBit, isBodyEightBit];
    };
    assert.deepEqual(eightBit(plain), [false, false]);
    assert.deepEqual(eightBit(plain.replace('hi', 'höhe')), [true, false]);
    assert.deepEqual(eightBit(plain.replace('body', 'höhe')), [false, true]);
  });
});
