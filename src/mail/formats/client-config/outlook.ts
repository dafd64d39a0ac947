/**
 * Autodiscover for Outlook (POX): the address out of its request, and the answer.
 *
 * Runs in:   anywhere; pure.
 * Specs:     MS-OXDSCLI §2.2.3 (request), §2.2.4 (response).
 * Limits:    the request is not read as XML: the one element that matters is looked for, so there are no entities, no
 *            document types and nothing else a parser could be made to do.
 */

import type { MailService, MailServices } from './services.ts';
import { elements } from './xml.ts';

/** RFC 5321 §4.5.3.1.3. */
const addressLengthMax = 254;

const predefined: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

/** The address a request asks for; undefined where it is not one request for one address. */
export function autodiscoverAddress(request: string): string | undefined {
  if (/<!|<\?(?!xml )/.test(request)) return undefined;
  const found = [...request.matchAll(/<(?:\w+:)?EMailAddress>([^<]*)<\/(?:\w+:)?EMailAddress>/g)];
  if (found.length !== 1) return undefined;
  const text = found[0]![1]!.trim();
  if (/&(?!(?:lt|gt|amp|quot|apos);)/.test(text)) return undefined;
  const address = text.replace(/&(\w+);/g, (_, name: string) => predefined[name]!);
  return address.length <= addressLengthMax ? address : undefined;
}

const types = { imap: 'IMAP', pop3: 'POP3', smtp: 'SMTP' } as const;

export function autodiscoverAnswer(address: string, services: MailServices): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
${bestOfEach(services)
  .map((service) => protocol(address, service))
  .join('')}    </Account>
  </Response>
</Autodiscover>
`;
}

/** Outlook takes one of each kind. */
function bestOfEach(services: MailServices): MailServices {
  return services.filter(
    (one) => services.find(({ protocol }) => protocol === one.protocol) === one,
  );
}

function protocol(address: string, service: MailService): string {
  const { isImplicitTls, host, port } = service;
  return `      <Protocol>
${elements('        ', [
  ['Type', types[service.protocol]],
  ['Server', host],
  ['Port', String(port)],
  ['DomainRequired', 'off'],
  ['LoginName', address],
  ['SPA', 'off'],
  ['SSL', isImplicitTls ? 'on' : 'off'],
  ['Encryption', isImplicitTls ? 'SSL' : 'TLS'],
  ['AuthRequired', 'on'],
])}      </Protocol>
`;
}
