/**
 * Debian's spamd on messages, one after the other, and the processor it took.
 *
 * Runs in: bench; spamd and its child in processes of their own, as nobody.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nodeClock as clock } from '../../src/adapters/node/clock.ts';
import { createDns } from '../../src/adapters/node/dns.ts';
import { nodeRandom } from '../../src/adapters/node/random.ts';
import { type OpenScanner, openScanners } from '../../src/adapters/scanning/open-scanners.ts';
import { Metrics } from '../../src/base/metrics.ts';
import { ownScanners } from '../../src/mail/trust/own-scanners.ts';
import type { ScanSubject } from '../../src/ports/content-scanner.ts';
import { loadOrThrow } from '../../src/settings/load.ts';
import type { ScannerSetting } from '../../src/settings/scanners.ts';

const program = '/usr/sbin/spamd';
const ticksPerSecond = 100;
const startSecondsMax = 60;

export interface Judged {
  readonly verdicts: readonly boolean[];
  readonly cpuSeconds: number;
  /** It gave no answer in a minute: counted as ham. */
  readonly unjudged: number;
}

/** Undefined where spamd is not installed. */
export async function judgeBySpamd(messages: readonly Buffer[]): Promise<Judged | undefined> {
  if (!existsSync(program)) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'chaski-bench-spamd-'));
  const port = await freePort();
  const args = [
    '--local',
    '--nouser-config',
    '--max-children=1',
    '--min-children=1',
    '-u',
    'nobody',
  ];
  const at = ['-i', '127.0.0.1', '-p', String(port), '-s', 'stderr', '-H', folder];
  const child = spawn(program, [...args, ...at], { stdio: 'ignore' });
  const settings = loadOrThrow({ environment: {} });
  const { attachments, spam } = settings;
  const dns = createDns({ settings: settings.dns, clock, random: nodeRandom });
  const [{ scanner }] = openScanners(
    { scanners: { list: [settingFor(port)] }, attachments, spam },
    { clock, metrics: new Metrics(), dns, ...ownScanners },
  ) as [OpenScanner];
  try {
    for (let i = 0; !(await scanner.check()).ok; i++) {
      if (i >= startSecondsMax) throw new Error('spamd does not start');
      await delay(1_000);
    }
    const before = secondsOf(child.pid!);
    const verdicts: boolean[] = [];
    let unjudged = 0;
    for (const [i, message] of messages.entries()) {
      const verdict = await scanner.scan(subjectOf(message));
      const isJudged = verdict.kind === 'scored';
      if (!isJudged) unjudged++;
      verdicts.push(isJudged && verdict.score >= verdict.threshold);
      if (i % 100 === 0) process.stderr.write(`spamd: ${i} of ${messages.length}\n`);
    }
    return { verdicts, unjudged, cpuSeconds: secondsOf(child.pid!) - before };
  } finally {
    await scanner.close();
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function settingFor(port: number): ScannerSetting {
  return {
    ...{ name: 'spamd', address: `127.0.0.1:${port}`, secretFile: '', user: '', points: 5 },
    ...{ bytesMax: 64 * 1_048_576, msMax: 60_000, connectMsMax: 5_000, connectionsMax: 1 },
    kind: 'spamd',
    when: 'all',
    fail: 'open',
    discard: 'refuse',
    infected: 'refuse',
    stages: ['data'],
    oversize: 'head',
  };
}

function subjectOf(message: Buffer): ScanSubject {
  return {
    ...{ message, wholeBytes: message.length, queueId: 'bench', peerAddress: '127.0.0.1' },
    ...{ peerPort: 1, helo: 'localhost', sender: '', recipients: [], user: '' },
    ...{ hostname: 'localhost', receivedMs: Date.now() },
  };
}

/** Of a process and those it began, ended ones too. */
function secondsOf(pid: number): number {
  let ticks = 0;
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ')[1]!.split(' ');
      const isOne = Number(name) === pid || Number(fields[1]) === pid;
      if (isOne) ticks += Number(fields[11]) + Number(fields[12]);
      if (Number(name) === pid) ticks += Number(fields[13]) + Number(fields[14]);
    } catch {
      // It ended meanwhile.
    }
  }
  return ticks / ticksPerSecond;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
