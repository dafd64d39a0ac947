/** Settings of what comes back for mail that left: bounces, complaints, unsubscriptions, and who is suppressed. */

import { dayMs } from '../../base/units.ts';
import { read, section, unreadable } from '../field.ts';
import { duration, integer, list, text } from '../fields.ts';
import { isDomainName } from '../networks.ts';

const tenantName = /^[a-z0-9-]{1,63}$/;
const stream = /^[a-z0-9-]{1,63}\/[!-~]{1,64}$/;

export const feedbackSection = section(
  'What comes back for mail that left: bounces, complaints, unsubscriptions.',
  {
    bounceDomain: text({
      default: '',
      bounds: 'a domain name in lower case, or "" for none',
      example: 'bounces.example.org',
      reload: 'live',
      doc: 'Domain of the signed return path that each recipient’s copy gets, so that bounces by mail find their message; "" leaves the sender’s own. Its MX must lead here, and SPF allow us. Senders who give NOTIFY keep their own.',
      check: (name) =>
        name === '' || (isDomainName(name) && name === name.toLowerCase())
          ? undefined
          : 'is not a domain name',
    }),
    tenantBounceDomains: list<string>({
      type: 'list of TENANT=DOMAIN',
      default: [],
      example: '["acme=bounces.acme.example"]',
      reload: 'live',
      doc: 'Tenants with a bounce domain of their own in place of `feedback.bounceDomain`, so that SPF of their return path is of their own domain. MX and SPF as there. Keep one for 30 days after its last mail.',
      readItem: (text) => {
        const [tenant = '', domain = '', ...more] = text.split('=');
        const isName = isDomainName(domain) && domain === domain.toLowerCase();
        return tenantName.test(tenant) && isName && more.length === 0
          ? read(text)
          : unreadable(`"${text}" is not TENANT=DOMAIN`);
      },
      write: (text) => text,
    }),
    hardBounceMs: duration({
      default: 0,
      min: 0,
      max: 3_650 * dayMs,
      reload: 'restart',
      doc: 'How long an address is suppressed that a server said does not exist; 0 is not at all.',
    }),
    softBounceCount: integer({
      default: 0,
      min: 0,
      max: 30,
      unit: 'bounces',
      reload: 'live',
      doc: 'So many bounces by mail for other reasons within `feedback.softBounceWindowMs` suppress an address as long; 0 is never.',
    }),
    softBounceWindowMs: duration({
      default: 14 * dayMs,
      min: dayMs,
      max: 365 * dayMs,
      reload: 'live',
      doc: 'Time in which bounces that were not final are counted.',
    }),
    unsubscribeUrl: text({
      default: '',
      bounds: 'an https URL without a path, or "" for none',
      example: 'https://mail.example.org',
      reload: 'live',
      doc: 'Where readers reach `listen.http` by a proxy with a certificate: its /u/ takes one-click unsubscriptions. "" adds no List-Unsubscribe.',
      spec: 'RFC 8058',
      check: (url) =>
        url === '' || /^https:\/\/[a-z0-9.-]{1,253}(?::\d{1,5})?$/.test(url)
          ? undefined
          : 'is not an https URL without a path',
    }),
    unsubscribeStreams: list<string>({
      type: 'list of TENANT/CAMPAIGN',
      default: [],
      example: '["acme/news"]',
      reload: 'live',
      doc: 'Campaigns whose messages with one recipient get List-Unsubscribe and List-Unsubscribe-Post, unless they have their own.',
      spec: 'RFC 8058 §3.1',
      readItem: (name) =>
        stream.test(name) ? read(name) : unreadable(`"${name}" is not TENANT/CAMPAIGN`),
      write: (name) => name,
    }),
  },
);
