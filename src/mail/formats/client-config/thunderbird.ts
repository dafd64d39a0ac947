/**
 * Configuration for Thunderbird, and for all who read its format: K-9, Evolution, KMail, Delta Chat.
 *
 * Runs in: anywhere; pure.
 * Specs:   https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat; draft-ietf-mailmaint-autoconfig.
 */

import type { MailService, MailServices } from './services.ts';
import { elements, escapeXml } from './xml.ts';

/** `domain` in A-labels. */
export function thunderbirdConfig(domain: string, services: MailServices): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="${escapeXml(domain)}">
${elements('    ', [
  ['domain', domain],
  ['displayName', domain],
  ['displayShortName', domain],
])}${services.map(server).join('')}  </emailProvider>
</clientConfig>
`;
}

function server({ protocol, isImplicitTls, host, port }: MailService): string {
  const element = protocol === 'smtp' ? 'outgoingServer' : 'incomingServer';
  return `    <${element} type="${protocol}">
${elements('      ', [
  ['hostname', host],
  ['port', String(port)],
  ['socketType', isImplicitTls ? 'SSL' : 'STARTTLS'],
  ['authentication', 'password-cleartext'],
  ['username', '%EMAILADDRESS%'],
])}    </${element}>
`;
}
