/**
 * The CLI as a process: what the launcher runs.
 *
 * Runs in:   the CLI's process.
 */

import type { OpenOffline } from './control-client.ts';
import { main } from './main.ts';

/** Loaded only where no server runs: it brings the whole store with it. */
const openOffline: OpenOffline = async (settings) => {
  const { openOffline: open } = await import('../app/offline.ts');
  return await open(settings);
};

// `chaski queue list | head`: a reader that went away is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await main(process.argv.slice(2), {
  streams: { out: process.stdout, error: process.stderr },
  input: process.stdin,
  openOffline,
});
