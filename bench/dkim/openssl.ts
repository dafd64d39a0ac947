/**
 * What the processor's own RSA costs, as `openssl speed` tells it.
 *
 * Runs in: bench.
 */

import { execFileSync } from 'node:child_process';

/** RSA-2048 signatures a second of CPU time (its default: user time, not the clock on the wall). */
export function opensslSignsPerSecond(seconds: number): number {
  const args = ['speed', '-seconds', `${seconds}`, 'rsa2048'];
  const output = execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });
  // rsa 2048 bits 0.000534s 0.000033s   1872.2  30050.3
  const [, signs] = /^rsa\s+2048 bits\s+\S+\s+\S+\s+(\S+)/m.exec(output) ?? [];
  const found = Number(signs);
  if (!(found > 0)) throw new Error(`openssl speed said: ${output}`);
  return found;
}
