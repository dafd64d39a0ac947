/**
 * The MTA-STS policy of our own domains, as settings say.
 *
 * Runs in: anywhere; pure.
 */

import { secondMs } from '../base/units.ts';
import type { StsPolicy } from '../mail/trust/mta-sts.ts';
import type { Settings } from './schema.ts';

/** Undefined: none is published. */
export function ownPolicy({
  hostname,
  mtaSts,
}: Pick<Settings, 'hostname' | 'mtaSts'>): StsPolicy | undefined {
  const { mode, mx, maxAgeMs } = mtaSts;
  if (mode === 'off') return undefined;
  const hosts = [...new Set([hostname.toLowerCase(), ...mx])];
  return { mode, mx: hosts, maxAgeSeconds: Math.floor(maxAgeMs / secondMs) };
}
