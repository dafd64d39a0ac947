/**
 * Aim:    mail to the address for reports is handed on with what DMARC found, and taken whatever becomes of that.
 * Method: the verifier with zones that pass or fail, and a main thread of the test.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Ask } from '../../../../src/actors/ask.ts';
import { dmarcIntakeAsk } from '../../../../src/actors/asks/dmarc-intake-asks.ts';
import { defaultPolicy } from '../../../../src/actors/asks/policy-snapshot.ts';
import { failure } from '../../../../src/base/errors.ts';
import type { AccountId, MessageId, ShardId, TenantId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { intakeMsMax } from '../../../../src/engine/pipeline/dmarc-intake.ts';
import { compilePolicy } from '../../../../src/engine/pipeline/policy.ts';
import type { MessageToPrepare } from '../../../../src/engine/pipeline/prepare.ts';
import { loadVerifier, verify } from '../../../../src/engine/pipeline/verify.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';
import { ZoneDns } from '../../../support/zone-dns.ts';

const messageTo = (address: string): MessageToPrepare => ({
  body: Buffer.from('From: a@Far.test\r\n\r\nbody\r\n'),
  envelope: {
    sender: 'a@far.test',
    recipients: [
      {
        address,
        target: { kind: 'account', account: 1 as AccountId, shard: 0 as ShardId },
      },
    ],
    ...{ body: '7bit', smtputf8: false },
  },
  arrival: {
    ...{ id: '0123456789ABCDEF' as MessageId, receivedMs: 0, listener: 'smtp', protocol: 'ESMTP' },
    ...{ peerAddress: '192.0.2.1', peerPort: 4711, helo: 'far.test', trusted: false },
    tenant: 0 as TenantId,
  },
});

function world(answered: Answer | 'never', sender = '192.0.2.1') {
  const clock = new SeededClock();
  const asks: Ask[] = [];
  const dns = new ZoneDns({
    'far.test': [{ TXT: `v=spf1 ip4:${sender} -all` }],
    '_dmarc.far.test': [{ TXT: 'v=DMARC1; p=reject' }],
  });
  const uplink = async (ask: Ask): Promise<Answer> => {
    asks.push(ask);
    return answered === 'never' ? await new Promise<Answer>(() => {}) : answered;
  };
  const dmarcIntake = { address: 'dmarc@here.test', uplink, log: silentLog };
  const parts = { dns, clock, verdictMsMax: 10_000, dmarcIntake };
  const take = (address: string, dmarc: 'mark' | 'enforce' = 'mark') =>
    verify(messageTo(address), compilePolicy({ ...defaultPolicy, dmarc }), parts);
  return { clock, asks, take };
}

const done: Answer = { ok: true, value: undefined };

test('a report is handed on with its author and whether DMARC vouches for it; other mail is not', async () => {
  const passing = world(done);
  assert.ok((await passing.take('bob@here.test')).ok);
  assert.equal(passing.asks.length, 0);
  assert.ok((await passing.take('DMARC@here.test')).ok);
  const [ask] = passing.asks;
  assert.deepEqual(
    [ask!.name, ask!.meta],
    [dmarcIntakeAsk, { reporter: 'far.test', isProven: true }],
  );
  assert.match(Buffer.concat(ask!.body).toString(), /^From: a@Far/);
  const failing = world(done, '198.51.100.1');
  assert.ok((await failing.take('dmarc@here.test')).ok);
  assert.deepEqual(failing.asks[0]!.meta, { reporter: 'far.test', isProven: false });
});

test('mail that is refused is not handed on', async () => {
  const { asks, take } = world(done, '198.51.100.1');
  assert.ok(!(await take('dmarc@here.test', 'enforce')).ok);
  assert.deepEqual(asks, []);
});

test('mail is taken where its report is not kept, and where nobody answers', async () => {
  assert.ok((await world(failure('store-busy', 'disk')).take('dmarc@here.test')).ok);
  await loadVerifier();
  const { clock, asks, take } = world('never');
  let isTaken = false;
  const taking = take('dmarc@here.test').then((result) => {
    isTaken = result.ok;
  });
  while (asks.length === 0) await turns(1);
  clock.advance(intakeMsMax - 1);
  await turns(10);
  assert.ok(!isTaken);
  clock.advance(1);
  await taking;
  assert.ok(isTaken);
});
