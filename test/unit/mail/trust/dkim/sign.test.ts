/**
 * Aim:    what we sign, others can verify, whatever the message.
 * Method: every message of `test/fixtures/mime` signed in each form (RFC 6376 §3.4) with each algorithm (RFC 8301,
 *         RFC 8463) and verified by mailauth in its strict mode.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { nameOf, rawField } from '../../../../../src/mail/formats/headers/fields.ts';
import { scanHeaders } from '../../../../../src/mail/formats/headers/scan.ts';
import {
  bodyHash,
  type CanonicalForm,
  canonicalField,
} from '../../../../../src/mail/trust/dkim/canonical.ts';
import { generateDkimKey } from '../../../../../src/mail/trust/dkim/keys.ts';
import { DkimSigner } from '../../../../../src/mail/trust/dkim/sign.ts';
import type { DkimAlgorithm } from '../../../../../src/ports/account-directory.ts';
import { mimeMessages } from '../../../../support/mail-fixtures.ts';

const keys = {
  'rsa-sha256': generateDkimKey('rsa-sha256', 'r1'),
  'ed25519-sha256': generateDkimKey('ed25519-sha256', 'e1'),
};
const nowSeconds = Math.floor(Date.now() / 1_000) - 10;

function signer(algorithm: DkimAlgorithm, form: CanonicalForm): DkimSigner {
  const { selector, privatePem } = keys[algorithm];
  return new DkimSigner({
    domain: 'example.org',
    selector,
    algorithm,
    privatePem,
    headerForm: form,
    bodyForm: form,
  });
}

/** The message with a signature on top. `cut` splits the body into pieces of that size. */
function signed(message: Uint8Array, by: DkimSigner, cut = 0): Buffer {
  const scan = scanHeaders(message);
  const fields = Array.from({ length: scan.count }, (_, i) => ({
    name: nameOf(scan, i).toLowerCase(),
    raw: rawField(scan, i),
  }));
  const hash = bodyHash(pieces(message.subarray(scan.bodyStart), cut), by.bodyForm);
  return Buffer.concat([by.sign(fields, hash, nowSeconds), message]);
}

function pieces(body: Uint8Array, size: number): Uint8Array[] {
  if (size === 0) return [body];
  const parts: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += size) parts.push(body.subarray(at, at + size));
  return parts;
}

async function verdict(message: Buffer): Promise<string> {
  const { results } = await dkimVerify(message, {
    strict: true,
    resolver: async (name: string) => {
      const key = Object.values(keys).find(({ selector }) => name.startsWith(`${selector}.`));
      return [[key!.recordText]];
    },
  } as never);
  const own = results.find(({ signingDomain }) => signingDomain === 'example.org');
  return `${own?.status.result} ${own?.status.comment ?? ''}`.trim();
}

/** A From makes a message signable; those of the fixtures that lack one get it. */
function withFrom(bytes: Buffer): Buffer {
  const scan = scanHeaders(bytes);
  const from = Array.from({ length: scan.count }, (_, i) => nameOf(scan, i).toLowerCase());
  const isWhole = scan.bodyStart > scan.headerEnd && (scan.count === 0 || nameOf(scan, 0) !== '');
  if (from.includes('from') && isWhole) return bytes;
  return Buffer.concat([
    Buffer.from(isWhole ? 'From: a@example.org\r\n' : 'From: a@example.org\r\n\r\n'),
    bytes,
  ]);
}

/**
 * Their headers hold lines that are no fields, as a fold before the colon: mailauth joins those to their neighbours,
 * we sign what RFC 5322 calls a field.
 */
const oddHeaders: readonly string[] = [
  'ruby-mail/error_emails__multiple_references_with_one_invalid.eml',
  'ruby-mail/rfc2822__example13.eml',
  'rspamd/phish_sender4.eml',
];

for (const [algorithm, form] of [
  ['ed25519-sha256', 'relaxed'],
  ['ed25519-sha256', 'simple'],
  ['rsa-sha256', 'relaxed'],
] as const) {
  test(`${algorithm} ${form}/${form} signatures verify for each message of the fixtures`, async () => {
    const by = signer(algorithm, form);
    const step = algorithm === 'rsa-sha256' ? 5 : 1;
    const failed: string[] = [];
    for (const [i, { name, bytes }] of mimeMessages().entries()) {
      if (i % step !== 0 || oddHeaders.includes(name)) continue;
      const result = await verdict(signed(withFrom(bytes), by, i % 3 === 0 ? 61 : 0));
      if (result !== 'pass') failed.push(`${name}: ${result}`);
    }
    assert.deepEqual(failed, []);
  });
}

test('a second From breaks the signature', async () => {
  const message = Buffer.from('From: a@example.org\r\nSubject: hi\r\n\r\nbody\r\n');
  const by = signer('ed25519-sha256', 'relaxed');
  const whole = signed(message, by);
  assert.equal(await verdict(whole), 'pass');
  assert.match(
    await verdict(Buffer.concat([Buffer.from('From: b@example.net\r\n'), whole])),
    /^fail/,
  );
});

test('what is appended to the body breaks the signature', async () => {
  const message = Buffer.from('From: a@example.org\r\n\r\nbody\r\n');
  const whole = signed(message, signer('ed25519-sha256', 'relaxed'));
  assert.doesNotMatch(whole.toString(), /[;\s]l=/);
  assert.match(await verdict(Buffer.concat([whole, Buffer.from('more\r\n')])), /^(?:fail|neutral)/);
});

test('fields that occur several times are signed all', () => {
  const message = Buffer.from('To: a@b\r\nFrom: a@example.org\r\nTo: c@d\r\nReceived: x\r\n\r\n');
  const text = signed(message, signer('ed25519-sha256', 'relaxed')).toString();
  assert.match(text, /h=to:from:to:from;/);
});

test('no line of a signature is longer than 78 characters', () => {
  const header = 'List-Unsubscribe-Post: x\r\nContent-Transfer-Encoding: 7bit\r\n'.repeat(9);
  const message = Buffer.from(`From: a@example.org\r\n${header}\r\n`);
  const text = signed(message, signer('rsa-sha256', 'relaxed')).toString();
  const signature = text.slice(0, text.indexOf('From: '));
  for (const line of signature.split('\r\n')) assert.ok(line.length <= 78, line);
});

/** RFC 6376 §3.4.3 and §3.4.4 by replacing text. */
function naiveBody(body: string, form: CanonicalForm): string {
  let text = body;
  if (form === 'relaxed') text = text.replace(/[ \t]+(?=\r\n|$)/g, '').replace(/[ \t]+/g, ' ');
  text = text.replace(/(?:\r\n)*$/, '');
  return text === '' ? (form === 'simple' ? '\r\n' : '') : `${text}\r\n`;
}

test('body hashes are those of the canonical text, however the body is cut', () => {
  const piece = fc.constantFrom(
    'a',
    'b c',
    ' ',
    '\t',
    '  ',
    '\r\n',
    '\r\n\r\n',
    '\rx',
    'é',
    '.',
    'words of text',
  );
  const text = fc.array(piece, { maxLength: 40 }).map((list) => list.join(''));
  fc.assert(
    fc.property(text, fc.integer({ min: 0, max: 9 }), fc.boolean(), (body, cut, isRelaxed) => {
      const form = isRelaxed ? 'relaxed' : 'simple';
      const expected = createHash('sha256').update(naiveBody(body, form)).digest('base64');
      assert.equal(bodyHash(pieces(Buffer.from(body), cut), form), expected);
    }),
    { numRuns: 2_000 },
  );
});

/** RFC 6376 §3.4.2 by replacing text. */
function naiveField(field: string): string {
  const colon = field.indexOf(':');
  const value = field.slice(colon + 1).replace(/\r\n(?=[ \t])/g, '');
  const name = field
    .slice(0, colon)
    .replace(/[ \t]+$/, '')
    .toLowerCase();
  return `${name}:${value.replace(/[ \t]+/g, ' ').replace(/^ | (?=\r\n$)/g, '')}`;
}

test('relaxed fields are those of the canonical text', () => {
  const piece = fc.constantFrom('a', 'B c', ' ', '\t', '  ', '\r\n ', ':', 'é', 'words of text');
  const value = fc.array(piece, { maxLength: 12 }).map((list) => list.join(''));
  fc.assert(
    fc.property(fc.constantFrom('X', 'sUbject ', 'A\t'), value, (name, text) => {
      const field = `${name}:${text}\r\n`;
      const found = canonicalField(Buffer.from(field, 'latin1'), 'relaxed');
      assert.equal(found, naiveField(field));
    }),
    { numRuns: 2_000 },
  );
});

test('a body longer than the scratch array hashes the same', () => {
  for (const line of ['x'.repeat(70), 'a \t b  ', '', ' \t']) {
    const body = `${line}\r\n`.repeat(3_000);
    for (const form of ['relaxed', 'simple'] as const) {
      const expected = createHash('sha256').update(naiveBody(body, form)).digest('base64');
      assert.equal(bodyHash([Buffer.from(body)], form), expected);
    }
  }
});

test('a key of another kind is refused', () => {
  assert.throws(
    () =>
      new DkimSigner({
        domain: 'example.org',
        selector: 's',
        algorithm: 'rsa-sha256',
        privatePem: keys['ed25519-sha256'].privatePem,
      }),
    /must be rsa/,
  );
});
