/**
 * Checks a copy of an audit log: each entry's hash and place in the chain, and the chain against signed heads.
 *
 * What heads say was there and is not, or is another, shows a tail that was cut or a chain that was made again. Heads
 * that were sent out (`outside`) show it although somebody had the folder and its key.
 *
 * Runs in:   the CLI's process; reads only.
 * Limits:    `findingsMax` findings are named, all are counted.
 */

import { join } from 'node:path';
import type { AuditEntry } from '../../ports/audit-log.ts';
import type { Disk } from '../../ports/disk.ts';
import { genesisOf, isSound, readLine } from '../audit/chain.ts';
import type { AuditHead, HeadLine } from '../audit/head.ts';
import { readHeadLine } from '../audit/head.ts';
import { TrustedKeys } from '../audit/trusted-keys.ts';
import {
  headsFile,
  type Line,
  linesOf,
  readLogId,
  type Segment,
  segmentsIn,
} from './audit-folder.ts';

export const findingsMax = 100;

export type AuditFindingKind =
  | 'entry-unreadable'
  | 'entry-changed'
  | 'chain-broken'
  | 'segment-misplaced'
  | 'tail-cut'
  | 'chain-remade'
  | 'start-unsealed'
  | 'head-unsigned'
  | 'key-unsigned'
  | 'log-differs'
  | 'log-missing';

export interface AuditFinding {
  readonly kind: AuditFindingKind;
  /** File, and line from 1; absent where it is of no line. */
  readonly segment?: string;
  readonly line?: number;
  /** Of the entry, as far as it is known. */
  readonly sequence?: number;
  readonly detail: string;
}

export interface AuditVerdict {
  readonly isSound: boolean;
  readonly log: string;
  readonly segmentCount: number;
  readonly entryCount: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly lastHash: string;
  /** Sequence of the first entry that is not as it was written, or not there; absent: all are. */
  readonly firstBad?: number;
  /** Heads that an entry here could be compared with. */
  readonly headCount: number;
  /** Up to here a signed head vouches for the chain. */
  readonly sealedTo: number;
  /** Fingerprints of the keys that signed, the oldest first. */
  readonly keys: readonly string[];
  /** Octets of a last line that was not ended: a write was under way, or torn. */
  readonly tornBytes: number;
  readonly findingCount: number;
  readonly findings: readonly AuditFinding[];
}

export interface AuditVerifyRequest {
  readonly disk: Disk;
  readonly folder: string;
  /** Lines of heads that were kept elsewhere; absent: those of the folder only. */
  readonly outside?: readonly string[];
}

/** @throws DiskError where the folder cannot be read */
export async function verifyAuditFolder(request: AuditVerifyRequest): Promise<AuditVerdict> {
  const { disk, folder } = request;
  const segments = await segmentsIn(disk, folder);
  const id = await readLogId(disk, folder);
  const check = new Check(id ?? '');
  if (id === undefined) check.find({ kind: 'log-missing', detail: 'log.json names no log' });
  check.takeHeads((request.outside ?? []).flatMap((line) => readHeadLine(line) ?? []));
  const own: HeadLine[] = [];
  for await (const lines of linesOf(disk, join(folder, headsFile))) {
    own.push(...lines.flatMap(({ text }) => readHeadLine(text) ?? []));
  }
  check.takeHeads(own);
  for (const [index, segment] of segments.entries()) {
    await checkSegment(check, request, segment, segments[index + 1]);
  }
  return check.verdict(segments.length);
}

async function checkSegment(
  check: Check,
  { disk, folder }: AuditVerifyRequest,
  { name, first }: Segment,
  next: Segment | undefined,
): Promise<void> {
  let number = 0;
  for await (const lines of linesOf(disk, join(folder, name))) {
    for (const line of lines) {
      number++;
      if (!line.isEnded && next === undefined) check.tornBytes = Buffer.byteLength(line.text);
      else
        check.line(line, { segment: name, line: number }, number === 1 ? first : undefined, next);
    }
  }
}

interface Place {
  readonly segment: string;
  readonly line: number;
}

class Check {
  readonly #id: string;
  readonly #keys = new TrustedKeys();
  /** By sequence. */
  readonly #heads = new Map<number, AuditHead[]>();
  readonly #findings: AuditFinding[] = [];
  #findingCount = 0;
  #firstBad: number | undefined;
  #entryCount = 0;
  #firstSequence = 0;
  #headCount = 0;
  #sealedTo = 0;
  /** The last entry that could be read. */
  #last: { readonly sequence: number; readonly hash: string } | undefined;
  tornBytes = 0;

  constructor(id: string) {
    this.#id = id;
  }

  takeHeads(lines: readonly HeadLine[]): void {
    for (const line of [...lines].reverse()) if (line.kind === 'key') this.#keys.takeBack(line);
    for (const line of lines) {
      if (line.log !== this.#id) {
        const detail = `a ${line.kind} is of the log ${line.log}, not of ${this.#id}`;
        this.find({ kind: 'log-differs', detail });
      } else if (line.kind === 'key') {
        const isTrusted = this.#keys.take(line);
        const detail = `the key ${line.key} is not signed by the one before it`;
        if (!isTrusted) this.find({ kind: 'key-unsigned', detail });
      } else {
        this.#takeHead(line);
      }
    }
  }

  line(line: Line, place: Place, first: number | undefined, next: Segment | undefined): void {
    const entry = readLine(line.text);
    const expected = this.#last === undefined ? first : this.#last.sequence + 1;
    if (entry === undefined || !line.isEnded) {
      const at = expected === undefined ? {} : { sequence: expected };
      this.find({ kind: 'entry-unreadable', ...place, ...at, detail: 'no entry can be read' });
      return;
    }
    // A failed write left it: the chain goes on in the next segment, from the entry before.
    if (first === undefined && next !== undefined && entry.sequence >= next.first) return;
    const { sequence } = entry;
    const found = { ...place, sequence };
    if (first !== undefined && sequence !== first) {
      const detail = `the segment should begin with entry ${first}, and begins with ${sequence}`;
      this.find({ kind: 'segment-misplaced', ...found, detail });
    }
    if (!isSound(line.text, entry)) {
      this.find({ kind: 'entry-changed', ...found, detail: 'its hash is of something else' });
    }
    this.#compareWithLast(entry, found);
    this.#compareWithHeads(sequence, entry.hash, found);
    this.#entryCount++;
    this.#last = entry;
  }

  find(finding: AuditFinding): void {
    this.#findingCount++;
    if (this.#findings.length < findingsMax) this.#findings.push(finding);
    const { sequence } = finding;
    if (sequence === undefined) return;
    this.#firstBad = Math.min(this.#firstBad ?? sequence, sequence);
  }

  verdict(segmentCount: number): AuditVerdict {
    const lastSequence = this.#last?.sequence ?? 0;
    const latest = Math.max(0, ...this.#heads.keys());
    if (this.#last === undefined) this.#compareWithHeads(0, genesisOf(this.#id), {});
    if (latest > lastSequence) {
      const sequence = lastSequence + 1;
      const detail = `a signed head says there were entries up to ${latest}, and the last is ${lastSequence}`;
      this.find({ kind: 'tail-cut', sequence, detail });
    }
    return {
      isSound: this.#findingCount === 0,
      log: this.#id,
      segmentCount,
      entryCount: this.#entryCount,
      firstSequence: this.#firstSequence,
      lastSequence,
      lastHash: this.#last?.hash ?? '',
      ...(this.#firstBad === undefined ? {} : { firstBad: this.#firstBad }),
      headCount: this.#headCount,
      sealedTo: this.#sealedTo,
      keys: this.#keys.fingerprints,
      tornBytes: this.tornBytes,
      findingCount: this.#findingCount,
      findings: this.#findings,
    };
  }

  #takeHead(head: AuditHead): void {
    if (!this.#keys.hasSigned(head)) {
      const { sequence, key } = head;
      const detail = `the head of entry ${sequence} is not signed by a key that is trusted (${key})`;
      this.find({ kind: 'head-unsigned', detail });
      return;
    }
    const known = this.#heads.get(head.sequence) ?? [];
    if (known.some(({ hash }) => hash === head.hash)) return;
    this.#heads.set(head.sequence, [...known, head]);
  }

  #compareWithLast(entry: AuditEntry, place: Place & { sequence: number }): void {
    const { sequence, previous } = entry;
    if (this.#last === undefined) {
      this.#firstSequence = sequence;
      const isFirst = sequence === 1 && previous === genesisOf(this.#id);
      const heads = this.#heads.get(sequence - 1) ?? [];
      this.#compareWithHeads(sequence - 1, previous, place);
      if (isFirst || heads.some(({ hash }) => hash === previous)) return;
      const detail = `no signed head vouches for what was before entry ${sequence}`;
      this.find({ kind: 'start-unsealed', ...place, detail });
      return;
    }
    if (sequence === this.#last.sequence + 1 && previous === this.#last.hash) return;
    const detail = `entry ${sequence} does not follow from entry ${this.#last.sequence} before it`;
    // Where some are missing, the first of them is bad.
    const bad = Math.min(sequence, this.#last.sequence + 1);
    this.find({ kind: 'chain-broken', ...place, sequence: bad, detail });
  }

  #compareWithHeads(sequence: number, hash: string, place: Partial<Place>): void {
    for (const head of this.#heads.get(sequence) ?? []) {
      this.#headCount++;
      if (head.hash === hash) {
        this.#sealedTo = Math.max(this.#sealedTo, sequence);
        continue;
      }
      const detail = `a head signed at ${head.at} says entry ${sequence} was another`;
      this.find({ kind: 'chain-remade', ...place, sequence: Math.max(1, sequence), detail });
    }
  }
}
