/** `chaski authenticate`: who vouches for a message in a file: SPF, DKIM, ARC and DMARC. */

import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { nodeClock } from '../../adapters/node/clock.ts';
import { nodeRandom } from '../../adapters/node/random.ts';
import { ZoneFault, ZoneFileDns } from '../../adapters/zone-file/zone-file-dns.ts';
import { bimiOf } from '../../mail/trust/bimi.ts';
import type { Dns } from '../../ports/dns.ts';
import { type Command, type CommandCall, UsageError } from '../command.ts';
import { readMessage } from '../message-file.ts';

const authenticate: Command = {
  name: 'authenticate',
  summary: 'Say who vouches for a message: SPF, DKIM, ARC and DMARC, as at its reception.',
  arguments: 'FILE',
  argumentCount: [1, 1],
  options: {
    ip: { type: 'string', value: 'ADDRESS', doc: 'The address it came from.' },
    helo: { type: 'string', value: 'NAME', doc: 'What the peer called itself.' },
    'mail-from': {
      type: 'string',
      value: 'ADDRESS',
      doc: 'The envelope sender; left out, the null reverse-path.',
    },
    dns: {
      type: 'string',
      value: 'ZONEFILE',
      doc: 'Answers in the form of a master file (RFC 1035 §5); all else is not there. Left out, the DNS is asked.',
    },
  },
  examples: [
    'authenticate message.eml --ip 192.0.2.1 --helo mx.example.org --mail-from ann@example.org',
    'authenticate message.eml --ip 192.0.2.1 --helo mx.example.org --dns zone.txt --json',
  ],
  async run(call) {
    const { options, output } = call;
    const peerAddress = options.text('ip') ?? '';
    if (isIP(peerAddress) === 0)
      throw new UsageError('--ip wants the address the message came from');
    const message = await readMessage(call.arguments[0]!);
    const dns = await dnsOf(call);
    // It loads mailauth: for those who ask alone.
    const { verifyMessage } = await import('../../mail/trust/verify.ts');
    const { verdicts, field } = await verifyMessage(
      {
        ...{ message, peerAddress, helo: options.text('helo') ?? '' },
        sender: options.text('mail-from') ?? '',
        authservId: call.settings().hostname,
        nowMs: nodeClock.nowMs(),
      },
      dns,
    );
    const bimi = await bimiOf(message, verdicts, dns);
    const authenticationResults = Buffer.from(field).toString('utf8');
    const answer = { ...verdicts, bimi, authenticationResults };
    output.result(answer, () => [
      `spf    ${verdicts.spf}`,
      `dkim   ${verdicts.dkim}${verdicts.dkimDomains.map((domain) => ` ${domain}`).join('')}`,
      `arc    ${verdicts.arc}`,
      `dmarc  ${verdicts.dmarc}, the domain asks for ${verdicts.dmarcPolicy}`,
      `bimi   ${bimi.result === 'found' ? bimi.location : bimi.result}`,
      ...answer.authenticationResults.trimEnd().split(/\r?\n/),
    ]);
    return undefined;
  },
};

async function dnsOf({ options, settings }: CommandCall): Promise<Dns> {
  const file = options.text('dns');
  if (file === undefined) {
    const { createDns } = await import('../../adapters/node/dns.ts');
    return createDns({ settings: settings().dns, clock: nodeClock, random: nodeRandom });
  }
  try {
    return new ZoneFileDns(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof ZoneFault) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}

export const authenticateCommands: readonly Command[] = [authenticate];
