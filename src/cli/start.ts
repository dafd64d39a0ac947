/**
 * The CLI as a process: what the launcher runs.
 *
 * Runs in:   the CLI's process.
 */

import { outsideCommands } from './commands.ts';
import type { OpenOffline } from './control-client.ts';

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

const [first = '', ...rest] = process.argv.slice(2);
if (Object.hasOwn(outsideCommands, first)) {
  // The harness's commands know nothing of the server's: loading those would cost a load a fifth of a second of CPU.
  process.exitCode = await outsideCommands[first]!.run(rest);
} else {
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2), {
    streams: { out: process.stdout, error: process.stderr },
    input: process.stdin,
    openOffline,
  });
}
