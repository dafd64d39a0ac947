/**
 * Aim:    envelopes change as scanners ask, all of it or nothing, within the limit; what would be thrown away is
 *         refused, or vanishes with a word in the log.
 * Method: scanners that say what the test gives them; addresses that lead where the test says.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy } from '../../../../src/actors/asks/policy-snapshot.ts';
import type { Arrival, Envelope } from '../../../../src/actors/asks/reception.ts';
import type { MessageId, TenantId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { compilePolicy } from '../../../../src/engine/pipeline/policy.ts';
import { type AskedScanner, scan } from '../../../../src/engine/pipeline/scan.ts';
import {
  recipientResolver,
  recipientsAddedMax,
  withEnvelopeEdits,
} from '../../../../src/engine/pipeline/scan-envelope.ts';
import type { ScanEdit, ScanFinding } from '../../../../src/ports/content-scanner.ts';
import { SeededClock } from '../../../support/seeded-clock.ts';

const remote = (address: string) => ({ address, target: { kind: 'remote' } as const });
const envelope: Envelope = {
  sender: 'ann@far.test',
  recipients: [remote('bob@here.test'), remote('cat@here.test')],
  ...{ body: '7bit', smtputf8: false },
};
const resolve = async (address: string) => (address.startsWith('no-') ? [] : [remote(address)]);
const add = (address: string): ScanEdit => ({ kind: 'add-recipient', address });
const remove = (address: string): ScanEdit => ({ kind: 'remove-recipient', address });

async function edited(...edits: readonly ScanEdit[]) {
  const result = await withEnvelopeEdits(envelope, edits, resolve);
  if (!result.ok) return result.code;
  return [result.envelope.sender, ...result.envelope.recipients.map(({ address }) => address)];
}

test('sender and recipients change in the order they are asked for', async () => {
  const [ann, bob, cat] = ['ann@far.test', 'bob@here.test', 'cat@here.test'] as const;
  assert.deepEqual(await edited(add('dan@here.test')), [ann, bob, cat, 'dan@here.test']);
  assert.deepEqual(await edited(remove('BOB@here.test')), [ann, cat]);
  assert.deepEqual(await edited(add(bob)), [ann, bob, cat], 'nobody gets it twice');
  assert.deepEqual(await edited(remove(bob), add(bob)), [ann, cat, bob]);
  assert.deepEqual(await edited({ kind: 'change-sender', address: '' }), ['', bob, cat]);
  assert.deepEqual(await edited(remove(bob), remove(cat)), [ann]);
  const same = await withEnvelopeEdits(envelope, [add(bob)], resolve);
  assert.ok(same.ok && same.envelope === envelope);
});

test('a change that cannot be done has the message come again', async () => {
  for (const address of ['no-body@here.test', 'nobody', 'a@', '@b', 'a@.', `${'x'.repeat(65)}@b`]) {
    assert.equal(await edited(add(address)), 'verdict-missing', address);
  }
  assert.equal(await edited({ kind: 'change-sender', address: 'x' }), 'verdict-missing');
  const many = Array.from({ length: recipientsAddedMax }, (_, at) => add(`r${at}@here.test`));
  assert.equal((await edited(...many)).length, 3 + recipientsAddedMax);
  assert.equal(await edited(...many, add('one-more@here.test')), 'verdict-missing');
});

test('nobody waits without end for where an address leads', async () => {
  const clock = new SeededClock();
  const answer = recipientResolver(() => new Promise(() => {}), clock)('a@b.test');
  clock.advance(10_000);
  assert.equal(await answer, undefined);
  assert.equal(await recipientResolver(() => Promise.reject(new Error()), clock)('a@b'), undefined);
});

const arrival: Arrival = {
  ...{ id: '0123456789ABCDEF' as MessageId, receivedMs: 0, listener: 'smtp', protocol: 'ESMTP' },
  ...{ peerAddress: '192.0.2.1', peerPort: 4711, helo: 'far.test', trusted: false },
  tenant: 0 as TenantId,
};
const policy = compilePolicy(defaultPolicy);

function asked(finding: ScanFinding, discard: 'refuse' | 'drop', seen: string[][] = []) {
  const scanner: AskedScanner = {
    setting: { name: 'one', when: 'untrusted', fail: 'open', discard, infected: 'refuse' },
    scanner: {
      name: 'one',
      scan: async ({ recipients }) => {
        seen.push([...recipients]);
        return { ...finding, ms: 1, scannedBytes: 1 };
      },
      check: async () => ({ ok: true, version: '', ms: 0 }),
      close: async () => {},
    },
  };
  return scanner;
}

async function scanned(scanners: readonly AskedScanner[], by: Partial<Arrival> = {}) {
  const warned: string[] = [];
  const warn = (_facts: object, text: string) => void warned.push(text);
  const log = { ...silentLog, isOn: () => false, warn } as typeof silentLog;
  const body = Buffer.from('From: ann@far.test\r\n\r\nHello\r\n');
  const message = { body, envelope, arrival: { ...arrival, ...by } };
  return { result: await scan(message, { scanners, log, resolve }, policy), warned };
}

const discarded = { kind: 'decided', action: 'discard', text: '', edits: [] } as const;
const changes = (...edits: readonly ScanEdit[]) =>
  ({ kind: 'decided', action: 'accept', text: '', edits }) as const;

test('what a scanner would throw away is refused, or vanishes with a word in the log', async () => {
  const emptied = changes(remove('bob@here.test'), remove('cat@here.test'));
  for (const finding of [discarded, emptied]) {
    const refused = await scanned([asked(finding, 'refuse')]);
    assert.equal(refused.result.ok ? '' : refused.result.code, 'policy-refused');
    const dropped = await scanned([asked(finding, 'drop')]);
    assert.ok(dropped.result.ok && dropped.result.isDropped);
    assert.equal(dropped.warned.at(-1), 'a message was taken and dropped');
  }
  const { result } = await scanned([asked({ kind: 'clean' }, 'drop')]);
  assert.ok(result.ok && !result.isDropped && result.envelope === envelope);
});

test('the next scanner is shown the envelope as it is now; LMTP’s is not changed', async () => {
  const seen: string[][] = [];
  const scanners = [
    asked(changes(add('dan@here.test')), 'refuse'),
    asked({ kind: 'clean' }, 'refuse', seen),
  ];
  const { result, warned } = await scanned(scanners);
  assert.deepEqual(seen, [['bob@here.test', 'cat@here.test', 'dan@here.test']]);
  assert.ok(result.ok && result.envelope.recipients.length === 3);
  assert.deepEqual(warned, ['a scanner changes an envelope']);
  const lmtp = await scanned(scanners, { listener: 'lmtp' });
  assert.ok(lmtp.result.ok && lmtp.result.envelope === envelope);
});
