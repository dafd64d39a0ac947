/**
 * `chaski ledger`: joins what was injected, acknowledged, arrived, seen and reported into one account, and judges it.
 *
 * Runs in: a process of its own. Exit code: 0 nothing missing, 1 the verdict is against it, 2 wrong usage.
 */

import { exitCodes } from './command.ts';
import { callOf, parseLine, usage } from './ledger/usage.ts';

export async function run(argv: string[]): Promise<number> {
  try {
    const { values, positionals } = parseLine(argv);
    if (values.help === true) {
      process.stdout.write(usage);
      return exitCodes.done;
    }
    const { action, folder } = callOf(positionals, values);
    switch (action) {
      case 'check':
        return (await import('./ledger/check.ts')).check(folder, values);
      case 'collect imap':
        return await (await import('./ledger/collect.ts')).collectFromImap(folder, values);
      case 'collect eml':
        return (await import('./ledger/collect.ts')).collectFromFiles(folder, values);
      default:
        return await (await import('./ledger/listen.ts')).listen(folder, values);
    }
  } catch (error) {
    process.stderr.write(`chaski ledger: ${(error as Error).message}\n`);
    process.stderr.write('chaski ledger --help has more\n');
    return exitCodes.usage;
  }
}
