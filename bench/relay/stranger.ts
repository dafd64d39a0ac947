/**
 * A sender the server does not know: a domain with SPF, DKIM and DMARC in a DNS of its own, and a
 * message it signed.
 *
 * Runs in:   bench. mailauth signs, so that the server's verifier meets another's work.
 * Specs:     RFC 6376, RFC 7208, RFC 7489.
 */

import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import { type DnsBehaviour, DnsServer } from '../../test/support/dns-server.ts';

const domain = 'stranger.test';
const selector = 'bench';
const ttl = 3_600;

export const strangerAddress = `writer@${domain}`;

export interface Stranger {
  readonly dnsPort: number;
  /** The whole signed message with LF line ends, as `smtp-source -F` wants it. */
  readonly messageFile: string;
  stop(): Promise<void>;
}

export async function createStranger(folder: string, bodyBytes: number): Promise<Stranger> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  });
  const texts: Readonly<Record<string, string>> = {
    [`TXT ${domain}`]: 'v=spf1 ip4:127.0.0.1 -all',
    [`TXT _dmarc.${domain}`]: 'v=DMARC1; p=reject',
    [`TXT ${selector}._domainkey.${domain}`]: `v=DKIM1; k=rsa; p=${publicKey.toString('base64')}`,
  };
  const dns = await new DnsServer((question) => answer(question, texts[question])).start();
  const message = await sign(makeMessage(bodyBytes), privateKey);
  const messageFile = join(folder, 'message.eml');
  writeFileSync(messageFile, message.replaceAll('\r\n', '\n'));
  return { dnsPort: dns.port, messageFile, stop: async () => dns[Symbol.asyncDispose]() };
}

function answer(question: string, text: string | undefined): DnsBehaviour {
  if (text === undefined) return { rcode: 'NXDOMAIN' };
  const name = question.slice(question.indexOf(' ') + 1);
  // A string of a TXT record has at most 255 bytes (RFC 1035 §3.3.14).
  const data = text.match(/.{1,255}/g) ?? [];
  return { answers: [{ type: 'TXT', name, ttl, data }] };
}

function makeMessage(bodyBytes: number): string {
  const line = `${'x'.repeat(70)}\r\n`;
  const body = line.repeat(Math.ceil(bodyBytes / line.length)).slice(0, bodyBytes - 2);
  return (
    `From: <${strangerAddress}>\r\nTo: <in@bench.test>\r\nSubject: bench\r\n` +
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}\r\n` +
    `Message-ID: <bench@${domain}>\r\n\r\n${body}\r\n`
  );
}

async function sign(message: string, privateKey: string): Promise<string> {
  const signer = { signingDomain: domain, selector, privateKey, algorithm: 'rsa-sha256' };
  const signed = await dkimSign(message, {
    ...signer,
    canonicalization: 'relaxed/relaxed',
    signatureData: [signer],
  });
  if (signed.signatures === '') throw new Error('the message was not signed');
  return signed.signatures + message;
}
