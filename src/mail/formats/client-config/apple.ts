/**
 * A configuration profile for Apple's Mail on iOS, iPadOS and macOS.
 *
 * Runs in:   anywhere; pure.
 * Specs:     Apple's Configuration Profile Reference, `com.apple.mail.managed`.
 * Invariant: the same address has the same identifiers, so that a profile fetched again takes the place of the first.
 */

import { createHash } from 'node:crypto';
import { domainOf } from '../../../base/address-parts.ts';
import type { MailService, MailServices } from './services.ts';
import { escapeXml } from './xml.ts';

/** Undefined where there is no service to read mail with, or none to send it with. */
export function appleProfile(address: string, services: MailServices): string | undefined {
  const incoming = services.find(({ protocol }) => protocol !== 'smtp');
  const outgoing = services.find(({ protocol }) => protocol === 'smtp');
  if (incoming === undefined || outgoing === undefined) return undefined;
  const domain = domainOf(address);
  const identifier = `${domain.split('.').reverse().join('.')}.mail`;
  const mail = {
    ...{ PayloadType: 'com.apple.mail.managed', PayloadVersion: 1, PayloadDisplayName: address },
    ...{ PayloadIdentifier: `${identifier}.account`, PayloadUUID: uuidOf(`account ${address}`) },
    ...{ EmailAccountDescription: address, EmailAddress: address },
    EmailAccountType: incoming.protocol === 'imap' ? 'EmailTypeIMAP' : 'EmailTypePOP',
    ...serverKeys('Incoming', address, incoming),
    ...serverKeys('Outgoing', address, outgoing),
    OutgoingPasswordSameAsIncomingPassword: true,
  };
  const profile = {
    ...{ PayloadType: 'Configuration', PayloadVersion: 1, PayloadDisplayName: address },
    ...{ PayloadIdentifier: identifier, PayloadUUID: uuidOf(`profile ${address}`) },
    ...{ PayloadOrganization: domain, PayloadRemovalDisallowed: false },
  };
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
${keys(profile)}<key>PayloadContent</key>
<array>
<dict>
${keys(mail)}</dict>
</array>
</dict>
</plist>
`;
}

/** STARTTLS is what the program does on a port without implicit TLS, where it must use TLS. */
function serverKeys(way: 'Incoming' | 'Outgoing', address: string, { host, port }: MailService) {
  const server = `${way}MailServer`;
  return {
    [`${server}HostName`]: host,
    [`${server}PortNumber`]: port,
    [`${server}UseSSL`]: true,
    [`${server}Username`]: address,
    [`${server}Authentication`]: 'EmailAuthPassword',
  };
}

function keys(values: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(values)
    .map(([key, value]) => `<key>${key}</key>\n${literal(value)}\n`)
    .join('');
}

function literal(value: string | number | boolean): string {
  if (typeof value === 'string') return `<string>${escapeXml(value)}</string>`;
  return typeof value === 'number' ? `<integer>${value}</integer>` : `<${value}/>`;
}

/** RFC 9562 §5.8: a UUID of our own making, the same for the same name. */
function uuidOf(name: string): string {
  const bytes = createHash('sha256').update(name).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex').toUpperCase();
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
