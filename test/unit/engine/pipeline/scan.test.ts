/**
 * Aim:    verdicts become answers: refused, asked for later, taken and marked; a scanner that fails does what the
 *         operator chose, and what others claim of their mail is taken out.
 * Method: scanners that say what the test gives them.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy } from '../../../../src/actors/asks/policy-snapshot.ts';
import type {
  Arrival,
  Envelope,
  EnvelopeRecipient,
} from '../../../../src/actors/asks/reception.ts';
import type { AccountId, MessageId, ShardId, TenantId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { compilePolicy } from '../../../../src/engine/pipeline/policy.ts';
import type { MessageToPrepare } from '../../../../src/engine/pipeline/prepare.ts';
import { type AskedScanner, needsScan, scan } from '../../../../src/engine/pipeline/scan.ts';
import type { ScanFinding, ScanSubject } from '../../../../src/ports/content-scanner.ts';

const arrival: Arrival = {
  ...{ id: '0123456789ABCDEF' as MessageId, receivedMs: 0, listener: 'smtp', protocol: 'ESMTP' },
  ...{ peerAddress: '192.0.2.1', peerPort: 4711, helo: 'client.example.org', trusted: false },
  tenant: 0 as TenantId,
};
const text = 'From: a@example.org\r\nX-Spam-Flag: NO\r\nx-spam-status: No\r\n\r\nbody\r\n';
const message: MessageToPrepare = {
  body: Buffer.from(text),
  envelope: { sender: 'a@example.org', recipients: [], body: '7bit', smtputf8: false },
  arrival,
};
const policy = compilePolicy(defaultPolicy);
const nowhere = async () => [];

function says(finding: ScanFinding, setting: Partial<AskedScanner['setting']> = {}) {
  const seen: ScanSubject[] = [];
  const scanner: AskedScanner = {
    setting: {
      ...{ name: 'one', when: 'untrusted', fail: 'open', discard: 'refuse', infected: 'refuse' },
      ...setting,
    },
    scanner: {
      name: 'one',
      scan: async (subject) => {
        seen.push(subject);
        return { ...finding, ms: 1, scannedBytes: 1 };
      },
      check: async () => ({ ok: true, version: '', ms: 0 }),
      close: async () => {},
    },
  };
  return { scanner, seen };
}

async function answer(...scanners: readonly AskedScanner[]) {
  return await scan(message, { scanners, log: silentLog, resolve: nowhere }, policy);
}

const infected = { kind: 'infected', names: ['Worm'] } as const;
const account: EnvelopeRecipient = {
  address: 'bob@example.org',
  target: { kind: 'account', account: 1 as AccountId, shard: 0 as ShardId },
};
const remote: EnvelopeRecipient = { address: 'dan@far.test', target: { kind: 'remote' } };
const feedback: EnvelopeRecipient = { address: 'b@example.org', target: { kind: 'feedback' } };

/** What becomes of mail for `recipients` that may be kept apart. */
async function kept(
  given: Partial<Envelope>,
  scanners: readonly AskedScanner[],
  resolve: (address: string) => Promise<readonly EnvelopeRecipient[]> = nowhere,
) {
  const sent = { ...message, envelope: { ...message.envelope, ...given } };
  return await scan(sent, { scanners, log: silentLog, resolve }, policy);
}

const scored = {
  kind: 'scored',
  score: 7.5,
  threshold: 5,
  rules: [{ name: 'A' }, { name: 'B' }],
} as const;
const plain = { text: '', edits: [] } as const;

test('what is refused, and how', async () => {
  const findings: readonly (readonly [ScanFinding, string])[] = [
    [{ kind: 'infected', names: ['Worm'] }, 'policy-refused'],
    [{ ...scored, ...plain, action: 'reject' }, 'policy-refused'],
    [{ ...scored, ...plain, action: 'defer' }, 'verdict-missing'],
    [{ kind: 'decided', ...plain, action: 'discard' }, 'policy-refused'],
    [{ kind: 'decided', ...plain, action: 'defer' }, 'verdict-missing'],
  ];
  for (const [finding, code] of findings) {
    const next = says({ kind: 'clean' });
    const result = await answer(says(finding).scanner, next.scanner);
    assert.equal(result.ok ? 'taken' : result.code, code);
    assert.equal(next.seen.length, 0, 'the next one is not asked');
  }
});

test('what a virus is found in is kept apart where its operator says so', async () => {
  const names = Array.from({ length: 9 }, (_, n) => `Worm.${n}`);
  const virus = says({ ...infected, names }, { infected: 'quarantine' });
  const next = says({ kind: 'clean' });
  const given = { recipients: [account], ret: 'full' } as const;
  const result = await kept(given, [virus.scanner, next.scanner]);
  assert.ok(result.ok);
  const viruses = names.slice(0, 8).join(',\r\n\t');
  const field = `X-Quarantine: policy; scanner=one;\r\n\tinfected=${viruses}\r\n`;
  assert.equal(Buffer.from(result.fields).toString(), `${field}X-Spam-Flag: YES\r\n`);
  assert.equal(next.seen.length, 1, 'the next one may refuse it');
  assert.equal(result.envelope.ret, 'hdrs', 'no report carries it back');
});

test('what a virus is found in is refused where anybody’s copy would leave', async () => {
  const virus = () => says(infected, { infected: 'quarantine' }).scanner;
  for (const recipients of [[remote], [account, remote], [account, feedback]]) {
    const next = says({ kind: 'clean' });
    const result = await kept({ recipients }, [virus(), next.scanner]);
    assert.equal(result.ok ? 'taken' : result.code, 'policy-refused');
    assert.equal(next.seen.length, 0);
  }
  const edits = [{ kind: 'add-recipient', address: remote.address }] as const;
  const adding = () => says({ kind: 'decided', action: 'accept', text: '', edits }).scanner;
  for (const scanners of [
    [virus(), adding()],
    [adding(), virus()],
  ]) {
    const result = await kept({ recipients: [account] }, scanners, async () => [remote]);
    assert.equal(result.ok ? 'taken' : result.code, 'policy-refused');
  }
});

test('without a verdict, mail flows or is asked for later, as the operator chose', async () => {
  const failed = { kind: 'failed', fault: 'timed-out', detail: '' } as const;
  assert.ok((await answer(says(failed).scanner)).ok);
  const closed = await answer(says(failed, { fail: 'closed' }).scanner);
  assert.equal(closed.ok ? 'taken' : closed.code, 'verdict-missing');
  const skipped = says({ kind: 'skipped', detail: '' }, { fail: 'closed' });
  assert.ok((await answer(skipped.scanner)).ok);
});

test('spam is marked in our words, and nobody else says them', async () => {
  const spam = await answer(says({ ...scored, ...plain, action: 'add-header' }).scanner);
  assert.ok(spam.ok);
  const status = 'X-Spam-Status: Yes, score=7.5 required=5 scanner=one\r\n\ttests=A,\r\n\tB\r\n';
  assert.equal(Buffer.from(spam.fields).toString(), `X-Spam-Flag: YES\r\n${status}`);
  assert.equal(Buffer.from(spam.body).toString(), 'From: a@example.org\r\n\r\nbody\r\n');
  const ham = await answer(says({ ...scored, ...plain, action: 'accept' }).scanner);
  assert.ok(ham.ok && /^X-Spam-Status: No, /.test(Buffer.from(ham.fields).toString()));
});

test('a scanner sees what the one before it changed', async () => {
  const edits = [{ kind: 'add-field', name: 'X', value: 'y' }] as const;
  const first = says({ kind: 'decided', action: 'accept', text: '', edits });
  const second = says({ kind: 'clean' });
  const result = await answer(first.scanner, second.scanner);
  assert.match(Buffer.from(second.seen[0]!.message).toString(), /\r\nX: y\r\n\r\n/);
  assert.ok(result.ok && Buffer.from(result.body).includes('X: y'));
});

test('of a large message the head is changed, and no body is replaced', async () => {
  const body = Buffer.from('other');
  const edits = [
    { kind: 'add-field', name: 'X', value: 'y' },
    { kind: 'replace-body', body },
  ] as const;
  const { scanner, seen } = says({ kind: 'decided', action: 'accept', text: '', edits });
  const parts = { scanners: [scanner], log: silentLog, resolve: nowhere };
  const head = Buffer.from(text).subarray(0, -2);
  const result = await scan(message, parts, policy, { head });
  assert.ok(result.ok);
  assert.equal(Buffer.from(result.body).toString(), 'From: a@example.org\r\nX: y\r\n\r\nbody');
  assert.equal(seen[0]!.message.length, text.length);
});

test('who is trusted is shown to those who want all mail alone', async () => {
  const own = { ...message, arrival: { ...arrival, trusted: true } };
  const some = says({ kind: 'clean' });
  const all = says({ kind: 'clean' }, { when: 'all' });
  assert.ok(!needsScan(own, { scanners: [some.scanner] }));
  assert.ok(needsScan(own, { scanners: [some.scanner, all.scanner] }));
  await scan(
    own,
    { scanners: [some.scanner, all.scanner], log: silentLog, resolve: nowhere },
    policy,
  );
  assert.deepEqual([some.seen.length, all.seen.length], [0, 1]);
});
