/** `chaski check`: whether a start would work, and mail would flow: settings, ports, disk, certificates, DNS. */

import type { DomainAnswer } from '../../actors/asks/control.ts';
import { nodeClock } from '../../adapters/node/clock.ts';
import { nodeRandom } from '../../adapters/node/random.ts';
import { writeListenAddress } from '../../settings/networks.ts';
import type { Settings } from '../../settings/schema.ts';
import { checkCertificates } from '../checks/certificates.ts';
import { checkDisk } from '../checks/disk.ts';
import { checkDomain, checkHostname, checkProofs } from '../checks/dns.ts';
import type { Finding } from '../checks/finding.ts';
import { checkPorts } from '../checks/ports.ts';
import { checkSourceNames, checkSources } from '../checks/sources.ts';
import { type Command, type CommandCall, exitCodes, UnreachableError } from '../command.ts';
import type { Control } from '../control-client.ts';
import { count } from '../output.ts';

const check: Command = {
  name: 'check',
  summary: 'Check settings, ports, disk, certificates, and the DNS records our domains need.',
  options: {
    'no-dns': { type: 'boolean', doc: 'Ask the DNS nothing.' },
  },
  examples: ['check -c /etc/chaski/chaski.toml', 'check --no-dns --json'],
  notes: 'Exit code 1: a fault was found. Warnings alone are 0.',
  async run(call) {
    const settings = call.settings();
    const server = await call.server();
    const findings = [
      { area: 'settings', status: 'ok', what: settingsText(settings) } satisfies Finding,
      ...(await checkPorts(settings, await heldBy(server))),
      ...(await checkSources(settings)),
      ...(await checkDisk(settings)),
      ...(await checkCertificates(settings, nodeClock.nowMs())),
      ...(call.options.isSet('no-dns') ? [] : await checkNames(settings, call)),
    ];
    const faultCount = findings.filter((each) => each.status === 'fault').length;
    const warningCount = findings.filter((each) => each.status === 'warning').length;
    call.output.result({ findings, faultCount, warningCount }, () => [
      ...findings.flatMap(describe),
      `${count(faultCount, 'fault')}, ${count(warningCount, 'warning')}.`,
    ]);
    return faultCount === 0 ? undefined : exitCodes.failed;
  },
};

function describe({ area, status, what, advice }: Finding): readonly string[] {
  const line = `${status.padEnd(7)}  ${area.padEnd(12)}  ${what}`;
  return advice === undefined ? [line] : [line, `${' '.repeat(23)}${advice}`];
}

function settingsText(settings: Settings): string {
  const on = settings.listen.smtp.map(writeListenAddress).join(', ') || 'off';
  return `hostname ${settings.hostname}, data ${settings.data.dir}, SMTP ${on}`;
}

/** A check must work before there is a data folder, or a server. */
async function reachable(call: CommandCall): Promise<Control | undefined> {
  try {
    return await call.control();
  } catch (error) {
    if (error instanceof UnreachableError) return undefined;
    throw error;
  }
}

async function heldBy(server: Control | undefined): Promise<readonly string[]> {
  if (server === undefined) return [];
  const { listeners } = await server.call('server.status', {});
  return Object.values(listeners).flat();
}

async function checkNames(settings: Settings, call: CommandCall): Promise<readonly Finding[]> {
  const { createDns } = await import('../../adapters/node/dns.ts');
  const dns = createDns({ settings: settings.dns, clock: nodeClock, random: nodeRandom });
  const findings = [...(await checkHostname(dns, settings.hostname))];
  findings.push(...(await checkSourceNames(dns, settings)));
  const { dane, tls } = settings.relay;
  if (dane && tls !== 'off') findings.push(await checkProofs(dns));
  for (const domain of await domainsOf(await reachable(call))) {
    findings.push(...(await checkDomain(dns, domain)));
  }
  return findings;
}

async function domainsOf(control: Control | undefined): Promise<readonly DomainAnswer[]> {
  if (control === undefined) return [];
  const { domains } = await control.call('domain.list', {});
  return await Promise.all(domains.map(({ name }) => control.call('domain.show', { name })));
}

export const checkCommands: readonly Command[] = [check];
