/**
 * Aim:    no spelling of From lets a logged-in account write as somebody else, and no edit breaks a message.
 * Method: From fields made of the marks of addresses; what `prepare` takes is read again by two other parsers, and
 *         none may find an address that was not allowed. `CHASKI_FUZZ_RUNS` scales.
 */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { defaultPolicy } from '../../src/actors/asks/policy-snapshot.ts';
import type { MessageId, TenantId } from '../../src/base/ids.ts';
import { compilePolicy } from '../../src/engine/pipeline/policy.ts';
import { prepare } from '../../src/engine/pipeline/prepare.ts';
import { nameOf } from '../../src/mail/formats/headers/fields.ts';
import { scanHeaders } from '../../src/mail/formats/headers/scan.ts';

interface Parsed {
  readonly address?: string;
  readonly group?: readonly Parsed[];
}
const require = createRequire(import.meta.url);
const addressparser = require('nodemailer/lib/addressparser') as (
  text: string,
) => readonly Parsed[];

const numRuns = Number(process.env.CHASKI_FUZZ_RUNS ?? 1_000);
const policy = compilePolicy(defaultPolicy);
const allowed = 'me@example.org';

const pieces = fc.constantFrom(
  allowed,
  allowed,
  `<${allowed}>`,
  'boss@evil.test',
  '<boss@evil.test>',
  '"',
  '\\',
  '(',
  ')',
  '<',
  '>',
  ',',
  ';',
  ':',
  '@',
  '.',
  ' ',
  '\r\n ',
  '\t',
  'me',
  'boss',
  'example.org',
  'evil.test',
  '[',
  ']',
  '=?utf-8?Q?boss=40evil.test?=',
  '=?utf-8?Q?=3Cboss=40evil.test=3E?=',
  'x',
  'é',
  '\u00a0',
  '\u200b',
  "'",
  '`',
  '%',
  '|',
  '\0',
);
const from = fc.array(pieces, { maxLength: 8 }).map((list) => list.join(''));

function submit(header: string) {
  return prepare(
    {
      body: Buffer.from(`${header}\r\n\r\nbody\r\n`),
      envelope: { sender: allowed, recipients: [], body: '8bitmime', smtputf8: true },
      arrival: {
        id: '0123456789ABCDEF' as MessageId,
        receivedMs: 0,
        listener: 'submission',
        protocol: 'ESMTPSA',
        peerAddress: '192.0.2.1',
        peerPort: 1,
        helo: 'x',
        user: allowed,
        trusted: true,
        tenant: 0 as TenantId,
      },
      fromAllowed: [allowed],
    },
    policy,
    0,
  );
}

const addresses = (list: readonly unknown[]): string[] =>
  (list as readonly Parsed[]).flatMap(
    (entry) => entry.group?.flatMap((member) => member.address ?? []) ?? entry.address ?? [],
  );

test('what is taken names nobody but the account, to other readers too', async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(
      from,
      fc.constantFrom('From: ', 'FROM:', 'from\t:', 'Subject: x\r\nFrom: '),
      async (value, name) => {
        const result = submit(`${name}${value}`);
        if (!result.ok) return;
        taken++;
        const { from: read } = await PostalMime.parse(Buffer.concat(result.parts));
        for (const address of [
          ...addresses(read === undefined ? [] : [read]),
          ...addresses(addressparser(value)),
        ]) {
          assert.ok(address === '' || address.toLowerCase() === allowed, address);
        }
      },
    ),
    { numRuns },
  );
  assert.ok(taken > numRuns / 100, `only ${taken} were taken`);
});

test('a message that is taken has one From, one Date, one Message-ID, and our trace on top', () => {
  const line = fc.constantFrom(
    'From: me@example.org',
    'From: ',
    'Date: x',
    'Message-ID: <a@b>',
    'Bcc: secret@x.test',
    'Bcc:\r\n secret@x.test',
    'Subject: x\r\n folded',
    'bcc : secret@x.test',
    'no field',
    ' fold',
    '',
    'Authentication-Results: localhost; x=y',
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const result = submit(lines.join('\r\n'));
      if (!result.ok) return;
      const whole = Buffer.concat(result.parts);
      const scan = scanHeaders(whole);
      const names = Array.from({ length: scan.count }, (_, i) => nameOf(scan, i).toLowerCase());
      assert.equal(names[0], 'received');
      for (const name of ['from', 'date', 'message-id']) {
        assert.ok(names.filter((other) => other === name).length >= 1, name);
      }
      assert.equal(names.filter((other) => other === 'from').length, 1);
      assert.ok(!names.includes('bcc') && !names.includes('authentication-results'));
      assert.ok(!whole.subarray(0, scan.headerEnd).includes('secret@x.test'));
    }),
    { numRuns },
  );
});
