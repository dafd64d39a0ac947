/**
 * Aim:    the quick path says what mailauth says, to the byte, of every message it judges; and it judges usual ones.
 * Method: messages and zones by seed (`test/support/trust-cases`), usual, odd and broken, and those of the suites,
 *         through both. `TRUST_SEEDS=1000-9000` takes those seeds.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VerifyRequest } from '../../../../src/mail/trust/verify.ts';
import { dkimMessages, mimeMessages } from '../../../support/mail-fixtures.ts';
import { trustCase } from '../../../support/trust-cases/case.ts';
import { compare, plain } from '../../../support/trust-cases/compare.ts';
import { oddities } from '../../../support/trust-cases/each.ts';
import { arcCases, dkimCorpusDns, spfCases } from '../../../support/trust-cases/suites.ts';
import { ZoneDns } from '../../../support/zone-dns.ts';

const [from = 1, to = 400] = (process.env.TRUST_SEEDS ?? '').split('-').filter(Boolean).map(Number);

const parts = 4;
const partSize = Math.ceil((to - from + 1) / parts);
const words = new Map<string, number>();

for (let part = 0; part < parts; part++) {
  const first = from + part * partSize;
  const last = Math.min(to, first + partSize - 1);
  test(`of generated messages ${first} to ${last}, nothing is judged otherwise than by mailauth`, async (context) => {
    let judged = 0;
    let usual = 0;
    for (let seed = first; seed <= last; seed++) {
      const { request, dns, isUsual } = trustCase(seed);
      const { isJudged, verdicts, field } = await compare(`seed ${seed}`, request, dns);
      if (isUsual && verdicts.spf !== 'permerror') {
        usual++;
        assert.ok(isJudged, `seed ${seed} is usual and was left to mailauth`);
      }
      if (!isJudged) continue;
      judged++;
      for (const method of ['spf', 'dkim', 'arc', 'dmarc'] as const) {
        count(`${method}=${verdicts[method]}`);
      }
      for (const [word] of field.matchAll(/dkim=\w+ \(undersized/g)) count(word);
    }
    const all = last - first + 1;
    context.diagnostic(`${judged} of ${all} judged, among them all ${usual} usual ones`);
    assert.ok(judged > 0.3 * all, 'a comparison of too few');
  });
}

function count(word: string): void {
  words.set(word, (words.get(word) ?? 0) + 1);
}

test('among those generated is what is to be compared', (context) => {
  context.diagnostic([...words].map(([word, times]) => `${word} ${times}`).join(', '));
  const methods = ['dkim=pass', 'dkim=fail', 'dkim=neutral', 'arc=pass', 'arc=fail'];
  for (const word of [...methods, 'dkim=pass (undersized', 'dkim=fail (undersized']) {
    assert.ok(words.has(word), `${word} is not among them`);
  }
});

for (const [what, cases] of Object.entries(oddities)) {
  test(`of odd ${what}, each by itself, nothing is judged otherwise than by mailauth`, async (context) => {
    let judged = 0;
    let all = 0;
    for (const { name, request, zone } of cases()) {
      const { isJudged } = await compare(name, { ...plain, ...request }, new ZoneDns(zone));
      if (isJudged) judged++;
      all++;
    }
    context.diagnostic(`${judged} of ${all} judged`);
    assert.ok(judged > 0.2 * all, 'a comparison of too few');
  });
}

function* suite(name: string): Generator<[string, Partial<VerifyRequest>, ZoneDns]> {
  const corpusDns = dkimCorpusDns();
  const empty = new ZoneDns({});
  if (name === 'SPF') for (const { name, client, dns } of spfCases()) yield [name, client, dns];
  if (name === 'ARC')
    for (const { name, message, dns } of arcCases()) yield [name, { message }, dns];
  if (name === 'DKIM') {
    for (const { name, bytes } of dkimMessages()) yield [name, { message: bytes }, corpusDns];
  }
  if (name === 'MIME') {
    for (const { name, bytes } of mimeMessages()) yield [name, { message: bytes }, empty];
  }
}

for (const name of ['SPF', 'ARC', 'DKIM', 'MIME']) {
  test(`of the ${name} suite, nothing is judged otherwise than by mailauth`, async (context) => {
    let judged = 0;
    for (const [what, request, dns] of suite(name)) {
      if ((await compare(what, { ...plain, ...request }, dns)).isJudged) judged++;
    }
    context.diagnostic(`${judged} judged`);
    assert.ok(judged > 0);
  });
}

const evil = 'x;\r\n dkim=pass (';

test('what a peer says of itself in odd shapes is left to the reference', async () => {
  const dns = new ZoneDns({});
  const isJudged = async (given: Partial<VerifyRequest>) =>
    (await compare('odd', { ...plain, ...given }, dns)).isJudged;
  assert.equal(await isJudged({}), true);
  assert.equal(await isJudged({ sender: '', helo: evil }), false);
  assert.equal(await isJudged({ sender: `"${evil}"@example.org` }), false);
  assert.equal(await isJudged({ message: Buffer.from('From: a@x.test\nX: y\r\n\r\n') }), false);
});
