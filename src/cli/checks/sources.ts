/** Whether mail can leave by the sources of the settings, and whether receivers will believe their names. */

import { bindFault } from '../../adapters/node/bind.ts';
import type { Dns } from '../../ports/dns.ts';
import type { SourceSetting } from '../../settings/egress.ts';
import type { Settings } from '../../settings/schema.ts';
import { checkReverse, leadsTo } from './dns.ts';
import type { Finding } from './finding.ts';

const area = 'sources';

/** A proxy's addresses are not this machine's. */
export async function checkSources({ relay }: Settings): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const source of relay.sources) {
    if (source.proxy !== undefined) continue;
    for (const address of addressesOf(source)) findings.push(await checkBind(source.name, address));
  }
  return findings;
}

async function checkBind(name: string, address: string): Promise<Finding> {
  const code = await bindFault(address);
  if (code === undefined) return { area, status: 'ok', what: `${name}: ${address} is ours` };
  return {
    area,
    status: 'fault',
    what: `${name}: mail cannot leave from ${address}: ${code}`,
    advice: 'Give this machine the address, or take it out of relay.sources.',
  };
}

/** RFC 1912 §2.1: an address, its name and the name in EHLO agree, or many receivers refuse. */
export async function checkSourceNames(
  dns: Dns,
  { relay, hostname }: Pick<Settings, 'relay' | 'hostname'>,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const source of relay.sources) {
    const helloName = (source.helloName || hostname).toLowerCase();
    for (const address of addressesOf(source)) {
      findings.push(await checkName(dns, helloName, address));
      findings.push({ ...(await checkReverse(dns, address, helloName)), area });
    }
  }
  return findings;
}

async function checkName(dns: Dns, name: string, address: string): Promise<Finding> {
  if (await leadsTo(dns, name, address)) {
    return { area, status: 'ok', what: `${name} leads to ${address}` };
  }
  return {
    area,
    status: 'warning',
    what: `${name}, the name in EHLO, does not lead to ${address}`,
    advice: `Publish ${address.includes(':') ? 'an AAAA' : 'an A'} record of ${name}, or set another helloName.`,
  };
}

function addressesOf({ ipv4, ipv6 }: SourceSetting): readonly string[] {
  return [ipv4, ipv6].filter((address) => address !== '');
}
