/** `chaski certificate …`: what the listeners show, until when, and a new one now. */

import type { CertificateView } from '../../actors/asks/certificate-control.ts';
import type { Command } from '../command.ts';
import { instant, table } from '../output.ts';

function describe(certificates: readonly CertificateView[]): readonly string[] {
  const lines = table(
    ['NAME', 'SOURCE', 'FOR', 'ISSUER', 'UNTIL', 'NEXT ORDER'],
    certificates.map((each) => [
      each.isDefault ? `${each.name} *` : each.name,
      each.source,
      each.names.join(' ') || '-',
      each.issuer ?? '-',
      each.notAfterMs === undefined ? '(not come yet)' : instant(each.notAfterMs),
      each.nextOrderMs === undefined ? '-' : instant(each.nextOrderMs),
    ]),
  );
  const errors = certificates.flatMap(({ name, error }) =>
    error === undefined ? [] : [`${name}: ${error}`],
  );
  return errors.length === 0 ? lines : [...lines, '', ...errors];
}

const notes = '*: shown to whoever asks for no name of another one.';

const list: Command = {
  name: 'certificate list',
  summary: 'List the certificates of the listeners, until when they are good, and their troubles.',
  examples: ['certificate list', 'certificate list --json'],
  notes,
  async run({ output, control }) {
    const { certificates } = await (await control()).call('certificate.list', {});
    output.result(certificates, describe);
    return undefined;
  },
};

const renew: Command = {
  name: 'certificate renew',
  summary: 'Order a certificate from its authority now, or read its files again.',
  arguments: 'NAME',
  argumentCount: [1, 1],
  examples: ['certificate renew mail', 'certificate renew default --json'],
  notes: `An order may take minutes. Authorities give few certificates of the same names a week.`,
  async run({ arguments: [name], output, control }) {
    const params = { name: name! };
    const { certificates } = await (await control()).call('certificate.renew', params);
    output.result(certificates, describe);
    return undefined;
  },
};

export const certificateCommands: readonly Command[] = [list, renew];
