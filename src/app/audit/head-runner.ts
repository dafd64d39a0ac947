/**
 * Signs the newest entry of the audit log every so often, keeps the signature and sends it out; lets old entries go.
 *
 * Runs in:   main thread; nobody waits for it.
 * Limits:    one round at a time; a target that does not answer in `sendMsMax` missed this head, and gets the next.
 * Invariant: a head is kept before it is sent. What is sent has all keys in it, or came after them, so whoever has it
 *            can check it.
 */

import { dirname } from 'node:path';
import type { AuditHead } from '../../adapters/audit/head.ts';
import type { FilesAuditLog } from '../../adapters/files/audit-log.ts';
import { ifThere } from '../../adapters/files/small-file.ts';
import type { Log } from '../../base/log.ts';
import { dayMs, hourMs } from '../../base/units.ts';
import { AuditError, type AuditFacts } from '../../ports/audit-log.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import { type Disk, DiskError } from '../../ports/disk.ts';
import type { WebPoster } from '../../ports/web-poster.ts';
import { serverFacts } from './audit-desk.ts';

export interface HeadTarget {
  readonly name: string;
  /** Lines of JSON, keys first, the head last. Rejects where they did not arrive. */
  send(lines: readonly string[], signal: AbortSignal): Promise<void>;
}

export interface HeadRunnerParts {
  /** Undefined while it cannot be opened. */
  readonly audit: () => FilesAuditLog | undefined;
  readonly record: (facts: AuditFacts) => Promise<unknown>;
  readonly targets: readonly HeadTarget[];
  readonly everyMs: number;
  readonly keyDays: number;
  readonly keepDays: number;
  readonly bytesMax: number;
  readonly clock: Clock;
  readonly log: Log;
}

const sendMsMax = 10_000;
const trimMs = hourMs;
/** One that nothing came after is kept again after so long: it says that there was nothing. */
const idleMs = hourMs;

export class HeadRunner {
  readonly #parts: HeadRunnerParts;
  #timer: Timer | undefined;
  #round: Promise<void> = Promise.resolve();
  #trimmedMs = -Infinity;
  #failing = new Set<string>();
  #isStopped = false;
  /** Of the last head that was signed; 0: none was. */
  signedMs = 0;
  readonly counts = { signed: 0, unsent: 0 };

  constructor(parts: HeadRunnerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#wait();
  }

  /** A last head, kept and sent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#round;
    await this.#run();
  }

  #wait(): void {
    if (this.#isStopped) return;
    const { clock, everyMs } = this.#parts;
    this.#timer = clock.setTimer(everyMs, () => {
      this.#round = this.#run().finally(() => this.#wait());
    });
  }

  async #run(): Promise<void> {
    const audit = this.#parts.audit();
    if (audit === undefined) return;
    try {
      await this.#changeKey(audit);
      const head = await this.#sign(audit);
      await Promise.all(this.#parts.targets.map((target) => this.#send(target, audit, head)));
      await this.#trim(audit);
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof AuditError)) throw error;
      this.#parts.log.error({ error: error.message }, 'the audit log could not be signed');
    }
  }

  async #changeKey({ heads }: FilesAuditLog): Promise<void> {
    const { clock, keyDays, record } = this.#parts;
    const madeMs = Date.parse(heads.keys.at(-1)?.at ?? '');
    if (clock.nowMs() - madeMs < keyDays * dayMs) return;
    await heads.rotate();
    await record(serverFacts('audit.key', 'done', { key: heads.keys.at(-1)!.key }));
  }

  async #sign({ heads, tip }: FilesAuditLog): Promise<AuditHead> {
    const head = heads.sign(tip);
    const { last } = heads;
    const isNew = last === undefined || last.hash !== head.hash || last.key !== head.key;
    if (isNew || Date.parse(head.at) - Date.parse(last.at) >= idleMs) await heads.keep(head);
    this.signedMs = Date.parse(head.at);
    this.counts.signed++;
    return head;
  }

  async #send(target: HeadTarget, { heads }: FilesAuditLog, head: AuditHead): Promise<void> {
    const lines = [...heads.keys, head].map((line) => JSON.stringify(line));
    const over = new AbortController();
    const timer = this.#parts.clock.setTimer(sendMsMax, () => over.abort());
    try {
      await target.send(lines, over.signal);
      this.#failing.delete(target.name);
    } catch (error) {
      this.counts.unsent++;
      const fields = { target: target.name, error: String(error) };
      if (!this.#failing.has(target.name)) {
        this.#parts.log.error(fields, 'heads of the audit log cannot be sent');
      }
      this.#failing.add(target.name);
    } finally {
      timer.cancel();
    }
  }

  async #trim(audit: FilesAuditLog): Promise<void> {
    const { clock, keepDays, bytesMax, record } = this.#parts;
    if (clock.monotonicMs() - this.#trimmedMs < trimMs) return;
    this.#trimmedMs = clock.monotonicMs();
    const before = await audit.trim({});
    const age = keepDays === 0 ? {} : { beforeMs: clock.nowMs() - keepDays * dayMs };
    const { forgottenTo } = await audit.trim({ ...age, bytesMax });
    if (forgottenTo === before.forgottenTo) return;
    await record(serverFacts('audit.trim', 'done', { forgottenTo }));
  }
}

/** Appends to a file; keys that it was given since the start are not given again. */
export function headFile(disk: Disk, path: string): HeadTarget {
  const known = new Set<string>();
  return {
    name: 'file',
    async send(lines) {
      const news = lines.filter((line) => !known.has(line));
      const opened = await ifThere(() => disk.open(path, 'write'));
      const file = opened ?? (await disk.open(path, 'create'));
      try {
        const bytes = Buffer.from(`${news.join('\n')}\n`);
        await file.write(await file.size(), [bytes]);
        await file.sync();
      } finally {
        await file.close();
      }
      if (opened === undefined) await disk.syncFolder(dirname(path));
      for (const line of lines.slice(0, -1)) known.add(line);
    },
  };
}

export function headUrl(poster: WebPoster, url: string): HeadTarget {
  return {
    name: 'url',
    async send(lines, signal) {
      const headers = { 'content-type': 'application/x-ndjson', 'user-agent': 'Chaski' };
      const body = Buffer.from(`${lines.join('\n')}\n`);
      const posted = await poster.post(url, headers, body, signal);
      if (!posted.ok) throw new Error(posted.detail);
      if (posted.status < 200 || posted.status > 299) throw new Error(`status ${posted.status}`);
    },
  };
}
