/** Settings of the TLS reports we send. */

import { section } from '../field.ts';
import { text } from '../fields.ts';
import { isDomainName } from '../networks.ts';

export const tlsReportSection = section(
  'Reports to other domains of how TLS with their servers went.',
  {
    contact: text({
      default: '',
      bounds: 'an address, or "" for no reports',
      example: 'tls-reports@example.org',
      reload: 'restart',
      doc: 'Turns reports on: once a day each domain that mail went to and that asks for reports in its DNS is told of its sessions. The address is the reports’ contact and author: its domain must be ours and have a DKIM key, or reports go by HTTPS only.',
      spec: 'RFC 8460 §4.4',
      check: (address) =>
        address === '' || isAddress(address) ? undefined : `"${address}" is not an address`,
    }),
    organization: text({
      default: '',
      bounds: 'a name in ASCII, or "" for the domain of `tlsReport.contact`',
      example: 'Example Inc.',
      reload: 'restart',
      doc: 'Who reports.',
      spec: 'RFC 8460 §4.4',
      check: (name) => (/^[ -~]{0,100}$/.test(name) ? undefined : 'is not a name in ASCII'),
    }),
  },
);

function isAddress(address: string): boolean {
  const at = address.lastIndexOf('@');
  return (
    /^[a-zA-Z0-9._+-]{1,64}$/.test(address.slice(0, at)) && isDomainName(address.slice(at + 1))
  );
}
