/**
 * `node test/crash/strace.ts [--messages N] [--json]`: watches the real server's system calls and
 * holds it to the rule that no `250` leaves before the sync of its record returned. Exit code: 0
 * kept or skipped, 1 broken.
 *
 * Runs in: a process of its own.
 */

import { parseArgs } from 'node:util';
import { runStrace, straceIsInstalled } from './strace-run.ts';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '300' },
    json: { type: 'boolean', default: false },
  },
});

if (!straceIsInstalled()) {
  process.stdout.write('skipped: strace is not installed\n');
} else {
  const findings = await runStrace(Number(values.messages));
  const { replies, syncs, early } = findings;
  const text = `${replies} replies, ${syncs} syncs, ${early.length} replies too early\n`;
  process.stdout.write(values.json ? `${JSON.stringify(findings)}\n` : text);
  for (const each of early) process.stderr.write(`${each}\n`);
  process.exitCode = early.length === 0 && replies > 0 ? 0 : 1;
}
