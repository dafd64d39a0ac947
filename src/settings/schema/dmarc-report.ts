/** Settings of the DMARC reports we send, and of those we get. */

import { read, section, unreadable } from '../field.ts';
import { list, text } from '../fields.ts';
import { isDomainName } from '../networks.ts';

export const dmarcReportSection = section(
  'Reports of how mail fared by DMARC: to other domains, and theirs about ours.',
  {
    contact: text({
      default: '',
      bounds: 'an address, or "" for no reports',
      example: 'dmarc-reports@example.org',
      reload: 'restart',
      doc: 'Turns reports on: once a day each domain that strangers’ mail named as its author’s, and that asks for reports in its DNS, is told of that mail. The address is the reports’ contact and author: its domain must be ours and have a DKIM key.',
      spec: 'RFC 9990 §3.5.2',
      check: (address) =>
        address === '' || isAddress(address) ? undefined : `"${address}" is not an address`,
    }),
    organization: text({
      default: '',
      bounds: 'a name in ASCII, or "" for the domain of `dmarcReport.contact`',
      example: 'Example Inc.',
      reload: 'restart',
      doc: 'Who reports.',
      spec: 'RFC 9990 §3.1.1.3',
      check: (name) => (/^[ -~]{0,100}$/.test(name) ? undefined : 'is not a name in ASCII'),
    }),
    receivedAt: text({
      default: '',
      bounds: 'an address, or ""',
      example: 'dmarc@example.org',
      reload: 'restart',
      doc: 'Where reports of others about our domains come, as their `rua` says: what such mail reports is added up for `chaski dmarc summary` before it is delivered to this account. Needs `verification.isOn`.',
      spec: 'RFC 9990 §3.5.2',
      check: (address) =>
        address === '' || isAddress(address) ? undefined : `"${address}" is not an address`,
    }),
    except: list<string>({
      type: 'domain names',
      default: [],
      example: '["example.net"]',
      reload: 'restart',
      doc: 'Nothing is reported to these domains, nor of mail whose policy stands there.',
      readItem: (name) =>
        isDomainName(name)
          ? read(name.toLowerCase())
          : unreadable(`"${name}" is not a domain name`),
      write: (name) => name,
    }),
  },
);

function isAddress(address: string): boolean {
  const at = address.lastIndexOf('@');
  return (
    /^[a-zA-Z0-9._+-]{1,64}$/.test(address.slice(0, at)) && isDomainName(address.slice(at + 1))
  );
}
