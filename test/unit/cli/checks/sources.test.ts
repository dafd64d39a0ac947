/** Aim: a check tells of addresses that are not ours, and of names and addresses that do not agree. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSourceNames, checkSources } from '../../../../src/cli/checks/sources.ts';
import { load } from '../../../../src/settings/load.ts';
import { ZoneDns } from '../../../support/zone-dns.ts';

function settingsOf(sources: unknown) {
  const assignments = ['hostname=mx.test', `relay.sources=${JSON.stringify(sources)}`];
  const loaded = load({ environment: {}, assignments });
  assert.ok(loaded.ok);
  return loaded.settings;
}

test('an address that is not of this machine is a fault; one behind a proxy is not looked at', async () => {
  const findings = await checkSources(
    settingsOf({
      here: { ipv4: '127.0.0.31' },
      gone: { ipv4: '192.0.2.31' },
      far: { ipv4: '192.0.2.32', proxy: 'proxy-v2://192.0.2.1:2525' },
    }),
  );
  assert.deepEqual(
    findings.map(({ status, what }) => `${status} ${what}`),
    ['ok here: 127.0.0.31 is ours', 'fault gone: mail cannot leave from 192.0.2.31: EADDRNOTAVAIL'],
  );
});

test('the name in EHLO, its address and the name of the address agree, or it is said', async () => {
  const dns = new ZoneDns({
    'good.test': [{ A: '192.0.2.1' }, { AAAA: '2001:db8::1' }],
    '1.2.0.192.in-addr.arpa': [{ PTR: 'good.test' }],
    'mx.test': [{ A: '192.0.2.9' }],
    '2.2.0.192.in-addr.arpa': [{ PTR: 'other.test' }],
  });
  const findings = await checkSourceNames(
    dns,
    settingsOf({
      good: { ipv4: '192.0.2.1', helloName: 'good.test' },
      bad: { ipv4: '192.0.2.2' },
    }),
  );
  assert.deepEqual(
    findings.map(({ status, area }) => `${area} ${status}`),
    ['sources ok', 'sources ok', 'sources warning', 'sources warning'],
  );
  assert.match(findings[2]!.what, /^mx\.test, the name in EHLO, does not lead to 192\.0\.2\.2/);
  assert.match(findings[3]!.what, /other\.test/);
});
