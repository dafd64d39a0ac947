/**
 * Starts the server under strace, sends messages through it, and reads the log afterwards.
 *
 * Runs in:   crash runs, where strace is installed.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launcher, relayEnvironment } from '../../bench/servers/chaski.ts';
import { freePort, untilGreets } from '../../bench/servers/free-port.ts';
import { Child } from '../../src/harness/child.ts';
import { processTree } from '../../src/harness/observe.ts';
import { checkReplies, parseStrace, type SyncFindings } from './strace-log.ts';

const readyMsMax = 60_000;
const calls = 'fdatasync,fsync,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg';
/** Bytes of each buffer that the log shows: a whole record of the messages sent here. */
const shownBytes = 8_192;

export function straceIsInstalled(): boolean {
  return existsSync('/usr/bin/strace');
}

/** Sends `messages` with several sessions, pipelined, and checks each acknowledgement. */
export async function runStrace(messages: number): Promise<SyncFindings> {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-strace-'));
  const log = join(folder, 'calls.log');
  const port = await freePort();
  const sink = new Child({
    command: launcher,
    args: ['sink', '--listen', '127.0.0.1:0', '--json'],
  });
  const [, sinkPort] = await sink.until(/"ready":\["127\.0\.0\.1:(\d+)"/, readyMsMax);
  const server = new Child({
    command: 'strace',
    args: [
      ...['-f', '-y', '-v', '-s', `${shownBytes}`, '-e', `trace=${calls}`, '-e', 'signal=none'],
      ...['-o', log, launcher, 'serve'],
    ],
    env: relayEnvironment(join(folder, 'data'), port, Number(sinkPort)),
    cwd: folder,
    outputFile: join(folder, 'server.log'),
  });
  try {
    await untilGreets(port, readyMsMax, () => server.isRunning);
    const load = new Child({
      command: launcher,
      args: [
        ...['load', 'smtp', '--target', `127.0.0.1:${port}`, '--sessions', '8', '--pipeline'],
        ...['--count', `${messages}`, '--size', '700', '--json'],
      ],
    });
    const { code } = await load.ended;
    if (code !== 0) throw new Error(`load ended with ${code}: ${load.stdout}${load.stderr}`);
  } finally {
    // strace keeps signals to itself: the server is told by its own id, and strace ends with it.
    for (const pid of processTree(server.pid).slice(1)) process.kill(pid, 'SIGTERM');
    await server.ended;
    await sink.stop();
  }
  const findings = checkReplies(parseStrace(readFileSync(log, 'latin1')));
  if (findings.early.length === 0) rmSync(folder, { recursive: true });
  return findings;
}
