/**
 * The scenarios that benches play, by name.
 *
 * Runs in: bench.
 */

import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** For `chaski load run`; YAML unless the name says otherwise. */
export function scenarioFile(name: string): string {
  const file = extname(name) === '.ts' ? name : `${name}.yaml`;
  return fileURLToPath(new URL(`./scenarios/${file}`, import.meta.url));
}
