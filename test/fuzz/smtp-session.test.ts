/**
 * Any octets, cut anywhere: the session neither fails nor grows, and says only well-formed replies; the data reader
 * agrees with a reference that reads octet by octet.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SessionTransport } from '../../src/edge/protocols/session/transport.ts';
import { SmtpSession } from '../../src/edge/protocols/smtp/session.ts';
import { DataReader } from '../../src/mail/wire/smtp/data-reader.ts';
import { isReplyLine } from '../../src/mail/wire/smtp/reply.ts';
import { bodyOf, FakeReception, fakeService } from '../support/smtp-fakes.ts';

const seed = Number(process.env.CHASKI_SEED ?? Date.now() % 1_000_000);
console.log(`seed ${seed}`);
const run = { seed, numRuns: 800 };

class Ear implements SessionTransport {
  text = '';
  writeCount = 0;
  hasEnded = false;
  readonly unsentBytes = 0;
  readonly canStartTls = true;
  write(bytes: Uint8Array): void {
    assert.ok(!this.hasEnded, 'nothing is written after the end');
    this.writeCount++;
    this.text += Buffer.from(bytes).toString('utf8');
  }
  end(bytes?: Uint8Array): void {
    if (bytes !== undefined) this.write(bytes);
    this.hasEnded = true;
  }
  destroy(): void {
    this.hasEnded = true;
  }
  pause(): void {}
  resume(): void {}
  startTls(bytes: Uint8Array): void {
    this.write(bytes);
  }
}

const verbs = fc.constantFrom(
  'EHLO c.test\r\n',
  'HELO c\r\n',
  'MAIL FROM:<a@far.test>\r\n',
  'MAIL FROM:<> SIZE=100 BODY=BINARYMIME SMTPUTF8\r\n',
  'MAIL FROM:<"a b"@[IPv6:::1]> RET=FULL\r\n',
  'RCPT TO:<alice@local.test> NOTIFY=SUCCESS\r\n',
  'RCPT TO:<slow@local.test>\r\n',
  'RCPT TO:<postmaster>\r\n',
  'DATA\r\n',
  'BDAT 5\r\n',
  'BDAT 0 LAST\r\n',
  'BDAT 3 LAST\r\n',
  'RSET\r\n',
  'NOOP\r\n',
  'VRFY x\r\n',
  'HELP\r\n',
  'XCLIENT ADDR=1.2.3.4\r\n',
  'AUTH PLAIN\r\n',
  '.\r\n',
  '\r\n',
  '.',
  '\r',
  '\n',
  '<',
  '@',
  'text\r\n..dots\r\n',
);
const transactions = fc.constantFrom(
  'MAIL FROM:<a@far.test>\r\nRCPT TO:<alice@local.test>\r\n',
  'MAIL FROM:<a@far.test>\r\nRCPT TO:<team@local.test>\r\nDATA\r\n',
  'MAIL FROM:<a@far.test>\r\nRCPT TO:<slow@local.test>\r\nDATA\r\none\r\n..\r\n.\r\n',
  'MAIL FROM:<a@far.test>\r\nRCPT TO:<b@far.test>\r\nBDAT 5\r\nab\r\nc',
);
const enders = fc.constantFrom('STARTTLS\r\n', 'QUIT\r\n', 'BDAT x\r\n');
const noise = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const script = fc
  .array(
    fc.oneof(
      { weight: 10, arbitrary: verbs },
      { weight: 5, arbitrary: transactions },
      { weight: 1, arbitrary: noise },
      { weight: 1, arbitrary: enders },
    ),
    { maxLength: 40 },
  )
  .map((words) => ['EHLO c.test\r\n', ...words]);
const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 60 });

function cut(octets: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let from = 0;
  for (const size of sizes) {
    if (from >= octets.length) break;
    chunks.push(octets.subarray(from, from + size));
    from += size;
  }
  if (from < octets.length) chunks.push(octets.subarray(from));
  return chunks;
}

async function play(chunks: readonly Buffer[]) {
  const reception = new FakeReception();
  const ear = new Ear();
  const service = fakeService({ reception, isTrusted: true, limits: { errorsMax: 1_000 } });
  const session = new SmtpSession(service, ear, '127.0.0.1', 1);
  session.open();
  for (const chunk of chunks) {
    // A copy for each chunk, as a socket gives: what a session keeps must not depend on its neighbours.
    session.receive(Buffer.from(chunk));
  }
  await settle();
  const { text } = ear;
  session.closed();
  await settle();
  return { text, reception };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 120; i++) await Promise.resolve();
}

test('any octets in any pieces get well-formed replies, and all room comes back', async () => {
  let messageCount = 0;
  await fc.assert(
    fc.asyncProperty(script, cuts, async (words, sizes) => {
      const octets = Buffer.from(words.join(''), 'latin1');
      const { text, reception } = await play(cut(octets, sizes));
      assert.ok(text.endsWith('\r\n'), 'replies end in CRLF');
      for (const line of text.slice(0, -2).split('\r\n')) assert.ok(isReplyLine(line), line);
      assert.equal(reception.reservedBytes, 0);
      messageCount += reception.messages.length;
      for (const message of reception.messages) {
        const body = bodyOf(message);
        assert.equal(body.length, message.bodyBytes);
        if (message.envelope.body !== 'binarymime') {
          assert.ok(!/\r(?!\n)|(?<!\r)\n/.test(body.toString('latin1')), 'canonical');
          assert.ok(body.length === 0 || body.subarray(-2).toString() === '\r\n');
        }
      }
    }),
    run,
  );
  assert.ok(messageCount > run.numRuns / 10, `the scripts reach messages: ${messageCount}`);
});

test('how the octets are cut changes neither replies nor messages', async () => {
  await fc.assert(
    fc.asyncProperty(script, cuts, async (words, sizes) => {
      const octets = Buffer.from(words.join(''), 'latin1');
      const whole = await play([octets]);
      const pieces = await play(cut(octets, sizes));
      assert.equal(pieces.text, whole.text);
      assert.deepEqual(pieces.reception.messages.map(bodyOf), whole.reception.messages.map(bodyOf));
    }),
    { ...run, numRuns: 500 },
  );
});

/** RFC 5321 §4.5.2 octet by octet: the text, or undefined where a CR or LF stands alone; and where the end is. */
function readSlowly(octets: Buffer): { text: Buffer | undefined; end: number } {
  const text: number[] = [];
  let isBare = false;
  let lineFrom = 0;
  for (let i = 0; i < octets.length; i++) {
    const isLineEnd = octets[i] === 0x0a && i > 0 && octets[i - 1] === 0x0d;
    if (octets[i] === 0x0a && !isLineEnd) isBare = true;
    if (octets[i] === 0x0d && i + 1 < octets.length && octets[i + 1] !== 0x0a) isBare = true;
    if (!isLineEnd) continue;
    const line = [...octets.subarray(lineFrom, i + 1)];
    lineFrom = i + 1;
    if (line.length === 3 && line[0] === 0x2e) {
      return { text: isBare ? undefined : Buffer.from(text), end: i + 1 };
    }
    text.push(...(line[0] === 0x2e ? line.slice(1) : line));
  }
  return { text: isBare ? undefined : Buffer.from(text), end: -1 };
}

const dataText = fc
  .array(
    fc.constantFrom('.', '..', '\r\n', '\r', '\n', 'a', '\r\n.', '.\r\n', '\r\n.\r\n', 'bcd'),
    {
      maxLength: 30,
    },
  )
  .map((parts) => Buffer.from(parts.join('')));

const longCuts = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 400 })),
  {
    maxLength: 60,
  },
);

test('the data reader agrees with a slow one at every cut', () => {
  const reader = new DataReader();
  fc.assert(
    fc.property(dataText, longCuts, (octets, sizes) => {
      const slow = readSlowly(octets);
      reader.reset('dots');
      let offset = 0;
      let end = -1;
      for (const chunk of cut(octets, sizes)) {
        const answer = reader.read(chunk, 0);
        if (answer >= 0) {
          end = offset + answer;
          break;
        }
        offset += chunk.length;
      }
      assert.equal(end, slow.end);
      if (end < 0) return;
      assert.equal(reader.hasBareNewline, slow.text === undefined);
      if (slow.text !== undefined) {
        assert.deepEqual(Buffer.concat(reader.parts), slow.text);
        assert.equal(reader.bytes, slow.text.length);
      }
    }),
    { ...run, numRuns: 20_000 },
  );
});
