/**
 * The scenarios that benches play, by name.
 *
 * Runs in: bench.
 */

import { fileURLToPath } from 'node:url';

/** For `chaski load run`. */
export function scenarioFile(name: string): string {
  return fileURLToPath(new URL(`./scenarios/${name}.yaml`, import.meta.url));
}
