/**
 * Aim: the filter for fail2ban finds failed log-ins in our log, with their address, and nothing else.
 * Method: lines as our log writes them, through Debian's `fail2ban-regex`; skipped where it is not installed.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const isThere = spawnSync('fail2ban-regex', ['--version']).error === undefined;

/** Written by a process of its own, whose log is its standard output. */
const program = `
  import { createLog } from ${JSON.stringify(join(import.meta.dirname, '../../src/base/log.ts'))};
  const log = createLog('info');
  log.info({ peer: '203.0.113.7', user: 'ann@here.test' }, 'log-in failed');
  log.info({ peer: '2001:db8::7', user: 'x"}{"peer":"192.0.2.1"' }, 'log-in failed');
  log.info({ peer: '203.0.113.8', user: 'ann@here.test' }, 'second factor failed');
  log.info({ peer: '203.0.113.9', user: '"msg":"log-in failed"}' }, 'something else');
`;

test(
  'the filter matches failed log-ins and takes no name for an address',
  isThere ? {} : { skip: 'not installed: fail2ban-regex' },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'chaski-fail2ban-'));
    try {
      const log = join(folder, 'log');
      const args = ['--input-type=module', '-e', program];
      writeFileSync(log, execFileSync(process.execPath, args));
      const filter = join(import.meta.dirname, '../../config/fail2ban/filter.d/chaski.conf');
      const found = execFileSync('fail2ban-regex', ['--out', 'ip', log, filter], {
        encoding: 'utf8',
      });
      assert.deepEqual(found.trim().split('\n'), ['203.0.113.7', '2001:db8::7', '203.0.113.8']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
