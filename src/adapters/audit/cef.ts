/**
 * An audit entry in the Common Event Format.
 *
 * Runs in:   anywhere; pure.
 * Specs:     CEF 0.1.
 * Invariant: one entry is one line: what would end it is escaped.
 */

import { isIPv6 } from 'node:net';
import type { AuditEntry, AuditOutcome } from '../../ports/audit-log.ts';

/** From 0 to 10. */
const cefSeverities: Readonly<Record<AuditOutcome, number>> = {
  begun: 2,
  done: 3,
  refused: 6,
  failed: 5,
};

export function cefOf(entry: AuditEntry, version: string): string {
  const { act, outcome } = entry;
  const head = ['Chaski', 'Chaski', version, act, `${act} ${outcome}`, cefSeverities[outcome]];
  const fields = extensionOf(entry).map(([name, value]) => `${name}=${inExtension(String(value))}`);
  return `CEF:0|${head.map((each) => inHead(String(each))).join('|')}|${fields.join(' ')}`;
}

type Pair = readonly [name: string, value: string | number];

function extensionOf(entry: AuditEntry): readonly Pair[] {
  const { sequence, atMs, act, outcome, principal, tenant, resource, peer, reason, of } = entry;
  const pairs: Pair[] = [
    ['rt', atMs],
    ['externalId', sequence],
    ['act', act],
    ['outcome', outcome],
    ['suser', principal],
  ];
  if (peer !== '') pairs.push(...peerOf(peer));
  if (reason !== '') pairs.push(['reason', reason]);
  if (resource !== '') pairs.push(['cs1Label', 'resource'], ['cs1', resource]);
  if (tenant !== undefined) pairs.push(['cn1Label', 'tenant'], ['cn1', tenant]);
  if (of !== undefined) pairs.push(['cn2Label', 'of'], ['cn2', of]);
  pairs.push(['cs2Label', 'hash'], ['cs2', entry.hash]);
  const names = Object.keys(entry.details).sort();
  if (names.length === 0) return pairs;
  const details = Object.fromEntries(names.map((name) => [name, entry.details[name]]));
  return [...pairs, ['cs3Label', 'details'], ['cs3', JSON.stringify(details)]];
}

/** `src` is for IPv4 alone. */
function peerOf(peer: string): readonly Pair[] {
  if (!isIPv6(peer)) return [['src', peer]];
  return [
    ['c6a2Label', 'Source IPv6 Address'],
    ['c6a2', peer],
  ];
}

function inHead(text: string): string {
  return text.replaceAll(/[\\|]/g, '\\$&').replaceAll(/[\r\n]/g, ' ');
}

function inExtension(text: string): string {
  return text.replaceAll(/[\\=]/g, '\\$&').replaceAll('\r', '\\r').replaceAll('\n', '\\n');
}
