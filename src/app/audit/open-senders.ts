/**
 * Joins the senders of the audit log to the receivers that settings name, and to their cursors.
 *
 *     audit-senders/NAME.json    the log's id, and the last entry that NAME has taken
 *
 * Runs in: main thread.
 */

import { Buffer } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { syslogOf, syslogOfHead } from '../../adapters/audit/syslog.ts';
import { nodeDisk } from '../../adapters/files/disk.ts';
import { readSmall, writeSmall } from '../../adapters/files/small-file.ts';
import { createBulkPoster } from '../../adapters/node/bulk-poster.ts';
import { nodeClock } from '../../adapters/node/clock.ts';
import { nodeRandom } from '../../adapters/node/random.ts';
import { sendSyslog } from '../../adapters/node/syslog-line.ts';
import { MailError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { secondMs } from '../../base/units.ts';
import { type Disk, DiskError } from '../../ports/disk.ts';
import { syslogReceiver } from '../../settings/schema/audit.ts';
import type { Settings } from '../../settings/schema.ts';
import {
  AuditSender,
  type AuditSenderParts,
  type AuditTarget,
  type SendCursor,
} from './audit-sender.ts';
import { bulkTarget } from './bulk-target.ts';
import type { HeadTarget } from './head-runner.ts';

const folderName = 'audit-senders';
const postMsMax = 30 * secondMs;

export interface OpenedSenders {
  readonly senders: readonly AuditSender[];
  /** Signed heads go to the syslog receiver, too. */
  readonly headTargets: readonly HeadTarget[];
}

export async function openSenders(
  settings: Settings,
  { version, dataFolder }: { readonly version: string; readonly dataFolder: string },
  audit: AuditSenderParts['audit'],
  log: Log,
): Promise<OpenedSenders> {
  const { syslog, elasticsearch, roots: rootsPath } = settings.audit;
  const roots = await textAt('audit.roots', rootsPath);
  const targets: AuditTarget[] = [];
  const headTargets: HeadTarget[] = [];
  const receiver = syslog.url === '' ? undefined : syslogReceiver(syslog.url);
  if (receiver !== undefined) {
    const { hostname } = settings;
    const options = { receiver, roots };
    targets.push({
      name: 'syslog',
      async send(_, entries, signal) {
        const messages = entries.map((entry) => syslogOf(entry, { hostname, version }));
        await sendSyslog(options, messages, signal);
        return { stubs: 0 };
      },
      close: async () => {},
    });
    headTargets.push({
      name: 'syslog',
      send: (lines, signal) => {
        const nowMs = nodeClock.nowMs();
        const messages = lines.map((line) => syslogOfHead(line, nowMs, hostname));
        return sendSyslog(options, messages, signal);
      },
    });
  }
  if (elasticsearch.url !== '') targets.push(await elasticsearchTarget(settings, roots, log));
  const folder = join(dataFolder, folderName);
  const shared = { audit, clock: nodeClock, random: nodeRandom, log };
  const senders = targets.map(
    (target) =>
      new AuditSender({ ...shared, target, cursor: cursorFile(nodeDisk, folder, target.name) }),
  );
  return { senders, headTargets };
}

async function elasticsearchTarget(
  settings: Settings,
  roots: string,
  log: Log,
): Promise<AuditTarget> {
  const { url, index, authorizationFile: path } = settings.audit.elasticsearch;
  const authorization = (await textAt('audit.elasticsearch.authorizationFile', path)).trim();
  const poster = createBulkPoster({ url, authorization, roots, timeoutMs: postMsMax });
  return bulkTarget({ poster, index, log });
}

/** @throws MailError `argument-invalid` */
async function textAt(setting: string, path: string): Promise<string> {
  try {
    return path === '' ? '' : await readFile(resolve(path), 'utf8');
  } catch (error) {
    throw new MailError('argument-invalid', `${setting}: ${String(error)}`);
  }
}

export function cursorFile(disk: Disk, folder: string, name: string): SendCursor {
  const path = join(folder, `${name}.json`);
  return {
    async read() {
      const bytes = await readSmall(disk, path);
      return cursorIn(Buffer.from(bytes ?? []).toString());
    },
    async write(cursor) {
      const bytes = Buffer.from(JSON.stringify(cursor));
      try {
        await writeSmall(disk, path, bytes);
      } catch (error) {
        if (!(error instanceof DiskError) || error.fault !== 'missing') throw error;
        await disk.makeFolder(folder);
        await writeSmall(disk, path, bytes);
      }
    },
  };
}

/** One that cannot be read is none: then all is sent again. */
function cursorIn(text: string): { readonly log: string; readonly sequence: number } {
  const nowhere = { log: '', sequence: 0 };
  try {
    const { log, sequence } = JSON.parse(text) as { log?: unknown; sequence?: unknown };
    const isWhole = typeof log === 'string' && Number.isSafeInteger(sequence);
    return isWhole ? { log, sequence: Math.max(0, sequence as number) } : nowhere;
  } catch {
    return nowhere;
  }
}
