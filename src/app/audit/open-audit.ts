/**
 * Joins the audit log to its folder, its targets and those who write into it.
 *
 * Runs in:   main thread.
 * Invariant: it is opened before anything that writes into it, and closed behind it. Offline nothing is sent.
 */

import { join, resolve } from 'node:path';
import { FilesAuditLog } from '../../adapters/files/audit-log.ts';
import { nodeDisk } from '../../adapters/files/disk.ts';
import { nodeClock } from '../../adapters/node/clock.ts';
import { createDns } from '../../adapters/node/dns.ts';
import { nodeRandom } from '../../adapters/node/random.ts';
import { createWebPoster } from '../../adapters/node/web-poster.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import { dayMs, secondMs } from '../../base/units.ts';
import type { AccountDirectory } from '../../ports/account-directory.ts';
import type { Settings } from '../../settings/schema.ts';
import { AccessEntries } from './access-entries.ts';
import { AuditDesk } from './audit-desk.ts';
import type { AuditSender } from './audit-sender.ts';
import { HeadRunner, type HeadTarget, headFile, headUrl } from './head-runner.ts';
import { openSenders } from './open-senders.ts';

export interface Audit {
  readonly desk: AuditDesk;
  readonly isStrict: boolean;
  witness(directory: AccountDirectory): AccessEntries;
  /** Signs, sends and exports from now on. */
  start(): void;
  measure(metrics: Metrics): void;
  close(): Promise<void>;
}

const folderName = 'audit';
const sendMsMax = 10 * secondMs;

export async function openAudit(
  settings: Settings,
  dataFolder: string,
  version: string,
  log: Log,
): Promise<Audit> {
  const { audit: wanted } = settings;
  const folder = join(dataFolder, folderName);
  let opened: FilesAuditLog | undefined;
  const desk = new AuditDesk({
    clock: nodeClock,
    log,
    open: async () => {
      const { segmentBytesMax } = wanted;
      const parts = { disk: nodeDisk, clock: nodeClock, random: nodeRandom };
      opened = await FilesAuditLog.open({ ...parts, folder, segmentBytesMax, segmentMsMax: dayMs });
      const { found } = opened;
      if (found !== '') log.warn({ found }, 'the audit log was not whole');
      return opened;
    },
  });
  await desk.start();
  let entries: AccessEntries | undefined;
  const place = { version, dataFolder };
  const { senders, headTargets } = await openSenders(settings, place, () => opened, log);
  const runner = new HeadRunner({
    ...{ audit: () => opened, record: (facts) => desk.record(facts) },
    ...{ targets: [...targetsOf(settings), ...headTargets], everyMs: wanted.heads.everyMs },
    ...{ keyDays: wanted.heads.keyDays, keepDays: wanted.keepDays, bytesMax: wanted.bytesMax },
    ...{ clock: nodeClock, log },
  });
  let isStarted = false;
  return {
    desk,
    isStrict: wanted.failure === 'refuse',
    witness(directory) {
      entries = new AccessEntries({
        ...{ directory, clock: nodeClock, perMinuteMax: wanted.logInsPerMinuteMax },
        note: (facts) => desk.note(facts),
      });
      return entries;
    },
    start() {
      isStarted = true;
      runner.start();
      for (const sender of senders) sender.start();
    },
    measure: (metrics) => measureAudit(metrics, { desk, runner, senders, opened: () => opened }),
    async close() {
      entries?.close();
      await desk.flush();
      await Promise.all(senders.map((sender) => sender.stop()));
      if (isStarted) await runner.stop();
      else await keepHead(opened, log);
      await desk.close();
    },
  };
}

function targetsOf(settings: Settings): readonly HeadTarget[] {
  const { file, url } = settings.audit.heads;
  const targets: HeadTarget[] = [];
  if (file !== '') targets.push(headFile(nodeDisk, resolve(file)));
  if (url !== '') {
    const dns = createDns({ settings: settings.dns, clock: nodeClock, random: nodeRandom });
    // Who runs the server chose the URL: it may be on this machine or its network.
    const poster = createWebPoster({ dns, mayDial: () => true, timeoutMs: sendMsMax });
    targets.push(headUrl(poster, url));
  }
  return targets;
}

/** A command on a stopped store leaves a head of what it did. */
async function keepHead(audit: FilesAuditLog | undefined, log: Log): Promise<void> {
  if (audit === undefined || audit.heads.last?.hash === audit.tip.hash) return;
  try {
    await audit.heads.keep(audit.heads.sign(audit.tip));
  } catch (error) {
    log.error({ error: String(error) }, 'the audit log could not be signed');
  }
}

interface Measured {
  readonly desk: AuditDesk;
  readonly runner: HeadRunner;
  readonly senders: readonly AuditSender[];
  readonly opened: () => FilesAuditLog | undefined;
}

function measureAudit(metrics: Metrics, { desk, runner, senders, opened }: Measured): void {
  const behind = () => Math.max(0, ...senders.map((sender) => sender.behind));
  const sum = (what: 'failures' | 'missed' | 'stubs') =>
    senders.reduce((total, { counts }) => total + counts[what], 0);
  const gauges: readonly (readonly [name: string, help: string, measure: () => number])[] = [
    ['entries', 'Entries written, since the start.', () => opened()?.counts.entries ?? 0],
    ['syncs', 'Syncs of its files, since the start.', () => opened()?.counts.syncs ?? 0],
    ['sequence', 'Sequence of the newest entry.', () => opened()?.tip.sequence ?? 0],
    ['writable', '1 while it can be written, else 0.', () => (desk.isWritable ? 1 : 0)],
    ['failures', 'Times it could not be written, since the start.', () => desk.counts.failures],
    ['notes_waiting', 'Notes that wait to be written.', () => desk.waitingCount],
    ['notes_lost', 'Notes that had no room, since the start.', () => desk.counts.lost],
    ['head_seconds', 'Instant of the newest signed head.', () => runner.signedMs / secondMs],
    [
      'behind',
      'Entries that a receiver has not taken, of the one that is furthest behind.',
      behind,
    ],
    ['send_failures', 'Tries to send entries that failed, since the start.', () => sum('failures')],
    ['missed', 'Entries forgotten before they were sent, since the start.', () => sum('missed')],
    [
      'stubs',
      'Entries that a receiver took no more of than a stub, since the start.',
      () => sum('stubs'),
    ],
    ['heads_unsent', 'Heads that a target missed, since the start.', () => runner.counts.unsent],
  ];
  for (const [name, help, measure] of gauges) {
    metrics.gaugeOf(`chaski_audit_${name}`, `Audit log. ${help}`, measure);
  }
}
