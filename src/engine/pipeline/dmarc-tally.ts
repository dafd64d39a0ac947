/**
 * Counts how mail of strangers fared by DMARC, for the domains that ask to be told.
 *
 * Runs in:   engine threads; one per thread, only where reports are sent.
 * Specs:     RFC 9990 §3.1.1 (a record per address, results and identifiers), §3.1.6 (why a policy was not applied).
 * Limits:    `rowsMax` rows wait, `tellMs` at most, which is what a kill costs.
 * Invariant: a message counts once. Reports of others that pass are not counted: two servers would report each other's
 *            reports for ever.
 */

import type { DmarcCount, DmarcCounts } from '../../actors/asks/dmarc-count-asks.ts';
import { plainAddress } from '../../base/networks.ts';
import { secondMs } from '../../base/units.ts';
import type { OverrideReason } from '../../mail/formats/dmarc-report/report.ts';
import { fieldName, findField } from '../../mail/formats/headers/fields.ts';
import { scanHeaders } from '../../mail/formats/headers/scan.ts';
import { unfoldedValue } from '../../mail/formats/headers/unfold.ts';
import type { DmarcEvidence } from '../../mail/trust/dmarc-evidence.ts';
import type { Verdicts } from '../../mail/trust/verify.ts';
import type { Clock, Timer } from '../../ports/clock.ts';

export interface DmarcTallyOptions {
  readonly clock: Clock;
  readonly tell: (counts: DmarcCounts) => void;
}

export interface JudgedMessage {
  readonly evidence: DmarcEvidence;
  readonly verdicts: Pick<Verdicts, 'dmarc' | 'dmarcPolicy'>;
  readonly body: Uint8Array;
  readonly peerAddress: string;
  readonly sender: string;
  readonly isRefused: boolean;
  /** Marked, so that it is set apart where it is delivered. */
  readonly isSuspect: boolean;
  /** By a trusted forwarder. */
  readonly isVouched: boolean;
}

export const rowsMax = 2_000;
export const tellMs = 2 * secondMs;
const subjectName = fieldName('subject');

export class DmarcTally {
  readonly #options: DmarcTallyOptions;
  #rows = new Map<string, { row: DmarcCount; count: number }>();
  #sinceMs = 0;
  #timer: Timer | undefined;

  constructor(options: DmarcTallyOptions) {
    this.#options = options;
  }

  add(message: JudgedMessage): void {
    const { verdicts, body } = message;
    if (verdicts.dmarc === 'pass' && isReport(body)) return;
    const row = rowOf(message);
    const key = JSON.stringify(row);
    const known = this.#rows.get(key);
    if (known !== undefined) {
      known.count++;
      return;
    }
    if (this.#rows.size >= rowsMax) this.flush();
    const { clock } = this.#options;
    if (this.#rows.size === 0) this.#sinceMs = clock.nowMs();
    this.#timer ??= clock.setTimer(tellMs, () => this.flush());
    this.#rows.set(key, { row, count: 1 });
  }

  /** Tells what was counted. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#rows.size === 0) return;
    const rows = [...this.#rows.values()].map(({ row, count }) => ({
      ...{ published: row.published, record: { ...row.record, count } },
    }));
    this.#rows = new Map();
    this.#options.tell({ sinceMs: this.#sinceMs, rows });
  }
}

function rowOf(message: JudgedMessage): DmarcCount {
  const { evidence, verdicts, peerAddress, sender, isRefused, isSuspect } = message;
  const { published, author, dkim, spf, isDkimAligned, isSpfAligned } = evidence;
  const isPassed = verdicts.dmarc === 'pass';
  const reasons = isPassed || isRefused || isSuspect ? [] : reasonsOf(message);
  let disposition = 'none';
  if (isPassed) disposition = 'pass';
  else if (isRefused) disposition = 'reject';
  else if (isSuspect) disposition = 'quarantine';
  return {
    published,
    record: {
      ...{ sourceAddress: plainAddress(peerAddress), count: 0, disposition, reasons },
      dkim: isDkimAligned ? 'pass' : 'fail',
      spf: isSpfAligned ? 'pass' : 'fail',
      ...{ headerFrom: author, envelopeTo: '', dkimResults: dkim, spfResults: [spf] },
      envelopeFrom: sender.slice(sender.lastIndexOf('@') + 1).toLowerCase(),
    },
  };
}

/** RFC 9990 §3.1.1.9: where mail failed and fared otherwise than its domain asks, the report says why. */
function reasonsOf(message: JudgedMessage): readonly OverrideReason[] {
  const { evidence, verdicts, isVouched } = message;
  if (isVouched) return [{ type: 'trusted_forwarder', comment: 'arc=pass' }];
  if (verdicts.dmarcPolicy !== 'none') return [{ type: 'local_policy', comment: '' }];
  const { isTesting, p, sp, np } = evidence.published;
  const isAsked = [p, sp, np].some((policy) => policy !== 'none');
  return isTesting && isAsked ? [{ type: 'policy_test_mode', comment: '' }] : [];
}

/** RFC 9990 §3.5.2: what the subject of a report looks like. */
function isReport(body: Uint8Array): boolean {
  const scan = scanHeaders(body);
  const field = findField(scan, subjectName);
  const subject = field < 0 ? '' : unfoldedValue(scan, field).slice(0, 300).trim();
  return /^Report\s+Domain:\s+\S+\s+Submitter:/i.test(subject);
}
