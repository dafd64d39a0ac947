/**
 * Reads the header a proxy puts before a connection's own octets: PROXY protocol, version 1 (text) and 2 (binary).
 *
 * Runs in:   edge (main thread); pure.
 * Specs:     haproxy's proxy-protocol.txt (there is no RFC), sections 2.1, 2.2.
 * Limits:    `proxyHeaderBytesMax`; a longer header is refused.
 */

import type { Buffer } from 'node:buffer';
import { isIPv4, isIPv6 } from 'node:net';

/** Section 2.2 lets extensions grow to 64 kB; real ones are below 1 kB. */
const proxyHeaderBytesMax = 4_096;
const textBytesMax = 107;

const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const fixedBytes = 16;
const commandLocal = 0x20;
const commandProxy = 0x21;
const familyTcp4 = 0x11;
const familyTcp6 = 0x21;

export interface ProxyHeader {
  /** Undefined: the proxy speaks for itself (LOCAL, UNKNOWN), the socket's own address holds. */
  readonly source: { readonly address: string; readonly port: number } | undefined;
  /** Octets the header took. */
  readonly bytes: number;
}

/** `more`: not all of it came yet. `bad`: this is no such header. */
export function parseProxyHeader(octets: Buffer): ProxyHeader | 'more' | 'bad' {
  if (octets.length === 0) return 'more';
  return octets[0] === signature[0] ? parseBinary(octets) : parseText(octets);
}

function parseText(octets: Buffer): ProxyHeader | 'more' | 'bad' {
  const prefix = octets.toString('latin1', 0, 6);
  if (prefix !== 'PROXY '.slice(0, prefix.length)) return 'bad';
  const end = octets.indexOf('\r\n');
  if (end < 0) return octets.length < textBytesMax ? 'more' : 'bad';
  if (end + 2 > textBytesMax) return 'bad';
  const words = octets.toString('latin1', 6, end).split(' ');
  const bytes = end + 2;
  if (words[0] === 'UNKNOWN') return { source: undefined, bytes };
  const [family, address = '', destination = '', portText = '', destinationPort = ''] = words;
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : undefined;
  if (isAddress === undefined || words.length !== 5) return 'bad';
  if (!isAddress(address) || !isAddress(destination)) return 'bad';
  if (!isPort(portText) || !isPort(destinationPort)) return 'bad';
  return { source: { address, port: Number(portText) }, bytes };
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function parseBinary(octets: Buffer): ProxyHeader | 'more' | 'bad' {
  const known = Math.min(octets.length, signature.length);
  for (let i = 0; i < known; i++) if (octets[i] !== signature[i]) return 'bad';
  if (octets.length < fixedBytes) return 'more';
  const command = octets[12]!;
  const family = octets[13]!;
  const bytes = fixedBytes + octets.readUInt16BE(14);
  if (bytes > proxyHeaderBytesMax) return 'bad';
  if (command !== commandLocal && command !== commandProxy) return 'bad';
  if (octets.length < bytes) return 'more';
  if (command === commandLocal) return { source: undefined, bytes };
  if (family === familyTcp4 && bytes >= fixedBytes + 12) {
    const address = [...octets.subarray(16, 20)].join('.');
    return { source: { address, port: octets.readUInt16BE(24) }, bytes };
  }
  if (family === familyTcp6 && bytes >= fixedBytes + 36) {
    return { source: { address: ipv6Of(octets, 16), port: octets.readUInt16BE(48) }, bytes };
  }
  // Unix sockets and datagrams have no peer address for our policy to judge.
  return 'bad';
}

function ipv6Of(octets: Buffer, from: number): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(octets.readUInt16BE(from + i).toString(16));
  // The URL parser writes the short form (RFC 5952), so that one address has one name.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
