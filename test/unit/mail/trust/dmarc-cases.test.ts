/**
 * Aim:    DMARC says what RFC 9989 says. Method: cases written from it, each through our own check and through
 *         mailauth; where the DNS fails ours leaves the verdict to mailauth.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateDmarc } from 'mailauth/lib/dmarc/index.js';
import { checkDmarc } from '../../../../src/mail/trust/quick/dmarc.ts';
import { mailauthResolver } from '../../../../src/mail/trust/resolver.ts';
import { ZoneDns } from '../../../support/zone-dns.ts';
import { dmarcCases, zoneOf } from './dmarc-cases.ts';

test('verdicts and policies are those of the cases', async (context) => {
  assert.ok(dmarcCases.length >= 60);
  assert.equal(new Set(dmarcCases.map(({ name }) => name)).size, dmarcCases.length);
  const deviations: string[] = [];
  let ours = 0;
  for (const each of dmarcCases) {
    const { name, author, spf, dkim = [], result, policy } = each;
    const expected = result === 'pass' || result === 'fail' ? `${result} ${policy}` : result;
    const own = await checkDmarc(
      { author, spfDomain: spf, dkimDomains: dkim },
      new ZoneDns(zoneOf(each)),
    );
    if (own !== undefined) {
      ours++;
      const said = own.policy === undefined ? own.result : `${own.result} ${own.policy}`;
      if (said !== expected) deviations.push(`${name}: we say ${said}, not ${expected}`);
    }
    const { response } = await evaluateDmarc({
      headerFrom: [`ann@${author}`],
      spfDomains: spf === undefined ? [] : [spf],
      dkimDomains: dkim.map((domain) => ({ domain })),
      resolver: mailauthResolver(new ZoneDns(zoneOf(each))),
      strict: true,
    });
    const word = response === false ? 'none' : response.status.result;
    const isJudged = word === 'pass' || word === 'fail';
    const said = isJudged && response !== false ? `${word} ${response.policy}` : word;
    if (said !== expected) deviations.push(`${name}: mailauth says ${said}, not ${expected}`);
  }
  context.diagnostic(`${dmarcCases.length} cases, ${ours} of them judged by our own check`);
  assert.deepEqual(deviations, []);
});
