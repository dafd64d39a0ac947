/**
 * The addresses this machine takes mail on, as an MX record could name them.
 *
 * Runs in:   main thread.
 * Specs:     RFC 5321 §5.1 (mail must not be relayed to ourselves).
 */

import { networkInterfaces } from 'node:os';
import type { Settings } from '../settings/schema.ts';

const wildcards = new Set(['0.0.0.0', '::']);

/** None where we do not listen on the port that MX records lead to. */
export function ownAddresses({ listen, relay }: Settings): string[] {
  const hosts = listen.smtp.filter(({ port }) => port === relay.mxPort).map(({ host }) => host);
  if (!hosts.some((host) => wildcards.has(host))) return hosts;
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return [...new Set([...hosts, ...all.map(({ address }) => address)])];
}
