/**
 * Aim:    a policy is taken under a certificate that fits, as plain text, at once, and within bounds, or not at all.
 * Method: the sink's policy server, which has every fault a host may have; names lead to it by a DNS of the test.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createPolicyHosts } from '../../../../src/adapters/node/policy-hosts.ts';
import { Certificates } from '../../../../src/harness/sink/certificates.ts';
import { DnsZone } from '../../../../src/harness/sink/dns-zone.ts';
import { PolicyServer } from '../../../../src/harness/sink/policy-server.ts';
import { ZoneDns } from '../../../support/zone-dns.ts';

const certificates = new Certificates(Date.now());
const zone = new DnsZone({
  ...{ model: {}, address: '127.0.0.1', mxPort: 25 },
  certificateOf: (host) => certificates.of('valid', host),
});
const server = new PolicyServer(zone, certificates);
let port = 0;
let roots = '';

before(async () => {
  ({ port } = await server.start({ host: '127.0.0.1', port: 0 }));
  roots = await certificates.root();
});
after(() => server.stop());

interface Way {
  readonly roots?: string;
  readonly address?: string;
  readonly mayDial?: (address: string) => boolean;
}

async function fetched(variant: string, way: Way = {}): Promise<string> {
  const domain = `${variant}.sink.test`;
  const hosts = await createPolicyHosts({
    dns: new ZoneDns({ [`mta-sts.${domain}`]: [{ A: way.address ?? '127.0.0.1' }] }),
    ...{ mayDial: way.mayDial ?? (() => true), port, timeoutMs: 500, roots: way.roots ?? roots },
  });
  const answer = await hosts.fetch(domain, 65_536);
  return answer.ok ? answer.text : answer.detail;
}

// RFC 8461 §3.3.
describe('a policy', () => {
  it('is fetched', async () => {
    assert.match(await fetched('sts-enforce'), /^version: STSv1\r\nmode: enforce\r\n/);
  });

  const refused: Readonly<Record<string, RegExp>> = {
    'sts-expired': /certificate has expired/,
    'sts-wrong-name': /does not match certificate/,
    'sts-redirect': /^status 301$/,
    'sts-missing': /^status 404$/,
    'sts-garbage': /^media type text\/html$/,
    'sts-oversized': /size/i,
    'sts-stall': /time|abort/i,
  };
  for (const [variant, why] of Object.entries(refused)) {
    it(`is not taken from ${variant}`, async () => {
      assert.match(await fetched(variant), why);
    });
  }

  it('is not taken under an authority nobody trusts', async () => {
    assert.match(await fetched('sts-enforce', { roots: '' }), /issuer|self-signed/);
  });

  it('is not looked for at addresses that names must not lead to', async () => {
    const mayDial = (address: string) => address !== '127.0.0.1';
    assert.match(await fetched('sts-enforce', { mayDial }), /leads where none may go/);
    assert.match(await fetched('sts-enforce', { address: 'NONE' }), /no address/);
  });
});
