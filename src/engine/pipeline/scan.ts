/**
 * Shows a message to the scanners of the settings, one after the other, and decides by their verdicts.
 *
 * Runs in:   engine threads, as a pending ask: it waits for others and holds no shard.
 * Limits:    each scanner's own; together they take no longer than the sum of their times.
 * Invariant: before anything is journaled. A scanner without a verdict refuses mail for now or lets it pass, as the
 *            operator chose. Mail is taken and dropped only where the operator said so of this scanner, and the log
 *            says each time. What a virus was found in goes to nobody's server, whoever takes it. Never rejects.
 */

import { spamLevelsOf } from '../../actors/asks/policy-snapshot.ts';
import type { Envelope } from '../../actors/asks/reception.ts';
import { concat, emptyBytes, latin1 } from '../../base/bytes.ts';
import { type Failure, failure, type Result } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type {
  ContentScanner,
  ScanEdit,
  ScanSubject,
  ScanVerdict,
  TrustVerdicts,
} from '../../ports/content-scanner.ts';
import type { ScannerSetting } from '../../settings/scanners.ts';
import { ownMarks } from './own-marks.ts';
import type { Policy } from './policy.ts';
import type { MessageToPrepare } from './prepare.ts';
import { withEdits } from './scan-edits.ts';
import { changesEnvelope, type ResolveRecipient, withEnvelopeEdits } from './scan-envelope.ts';

export interface AskedScanner {
  readonly setting: Pick<ScannerSetting, 'name' | 'when' | 'fail' | 'discard' | 'infected'>;
  readonly scanner: ContentScanner;
}

export interface ScanParts {
  readonly scanners: readonly AskedScanner[];
  readonly log: Log;
  /** Where recipients that scanners add lead. */
  readonly resolve: ResolveRecipient;
}

export interface Scanned {
  /** Of the message with its changes, header whole. */
  readonly body: Uint8Array;
  /** What was found, as fields before all others; empty: nothing worth a field. */
  readonly fields: Uint8Array;
  /** The message's own, where no scanner changed it. */
  readonly envelope: Envelope;
  /** It is answered as taken, and nobody gets it. */
  readonly isDropped: boolean;
}

const ownFields: readonly ScanEdit[] = ownMarks.map((name) => ({ kind: 'remove-fields', name }));

/** Rules that are named in a field. */
const rulesNamedMax = 40;
/** Viruses that a field names. */
const virusesNamedMax = 8;
/** Changes of an envelope that the log names. */
const changesToldMax = 200;

export function needsScan(
  message: MessageToPrepare,
  { scanners }: Pick<ScanParts, 'scanners'>,
): boolean {
  return scanners.some((asked) => isAsked(asked, message));
}

/** What is known beside the message. */
export interface Known {
  readonly head?: Uint8Array;
  readonly verdicts?: TrustVerdicts | undefined;
}

/**
 * `head`: the beginning of a large message, with its whole header. Changes are done to it then, as far as they are of the
 * header, and each scanner is shown the message as it came.
 */
export async function scan(
  message: MessageToPrepare,
  parts: ScanParts,
  policy: Policy,
  { head, verdicts }: Known = {},
): Promise<Result<Scanned>> {
  const asked = parts.scanners.filter((each) => isAsked(each, message));
  let { envelope } = message;
  const kept = (body: Uint8Array, fields: Uint8Array, isDropped = false) =>
    ({ ok: true, body, fields, envelope, isDropped }) as const;
  if (asked.length === 0) return kept(head ?? message.body, emptyBytes);
  let body = withEdits(head ?? message.body, ownFields, policy.headerLimits);
  let worst = 0;
  let isInfected = false;
  const fields: Uint8Array[] = [];
  for (const { scanner, setting } of asked) {
    const shown = { ...message, envelope, ...(head === undefined ? { body } : {}) };
    const own = subjectOf(shown, setting.name, policy);
    const subject = verdicts === undefined ? own : { ...own, verdicts };
    const verdict = await scanner.scan(subject);
    tell(parts.log, message, setting.name, verdict);
    if (isDropping(verdict, setting)) return kept(body, emptyBytes, told(parts, message, setting));
    const refusal = refusalOf(verdict, setting);
    if (refusal !== undefined) return refusal;
    isInfected ||= verdict.kind === 'infected';
    const edits = 'edits' in verdict ? verdict.edits : [];
    const changed = await followed(parts, message, envelope, setting, edits);
    if (!changed.ok) return changed;
    envelope = changed.envelope;
    if (isInfected) {
      if (!isForAccounts(envelope)) return failure('policy-refused', 'a virus is to leave');
      envelope = withoutText(envelope);
    }
    if (envelope.recipients.length === 0 && message.envelope.recipients.length > 0) {
      // Nobody is left who would get it: that is what `discard` says in other words.
      if (setting.discard !== 'drop')
        return failure('policy-refused', `${setting.name}: no recipient is left`);
      return kept(body, emptyBytes, told(parts, message, setting));
    }
    const possible =
      head === undefined ? edits : edits.filter(({ kind }) => kind !== 'replace-body');
    body = withEdits(body, possible, policy.headerLimits);
    fields.push(marksOf(verdict, setting.name));
    worst = Math.max(worst, percentOf(verdict));
  }
  if (isRefusedByAll({ ...message, envelope }, policy, worst)) {
    return failure('policy-refused', `a spam score of ${Math.round(worst)} percent`);
  }
  return kept(body, concat(fields));
}

function isDropping(verdict: ScanVerdict, { discard }: AskedScanner['setting']): boolean {
  return discard === 'drop' && 'action' in verdict && verdict.action === 'discard';
}

/** True: it is said. */
function told({ log }: ScanParts, { arrival, envelope }: MessageToPrepare, by: { name: string }) {
  const recipients = envelope.recipients.map(({ address }) => address);
  const facts = { message: arrival.id, scanner: by.name, sender: envelope.sender, recipients };
  log.warn(facts, 'a message was taken and dropped');
  return true;
}

/** LMTP brings a message once for each recipient: what is changed for one would be changed for each. */
async function followed(
  { log, resolve }: ScanParts,
  { arrival }: MessageToPrepare,
  envelope: Envelope,
  { name }: AskedScanner['setting'],
  edits: readonly ScanEdit[],
): Promise<Result<{ readonly envelope: Envelope }>> {
  const wanted = edits.filter(changesEnvelope);
  if (wanted.length === 0) return { ok: true, envelope };
  const isFollowed = arrival.listener !== 'lmtp';
  const changed = isFollowed
    ? await withEnvelopeEdits(envelope, wanted, resolve)
    : ({ ok: true, envelope } as const);
  const facts = { message: arrival.id, scanner: name, isFollowed: isFollowed && changed.ok };
  log.warn({ ...facts, changes: wanted.slice(0, changesToldMax) }, 'a scanner changes an envelope');
  return changed.ok ? changed : failure(changed.code, `${name}: ${changed.detail}`);
}

function isAsked({ setting }: AskedScanner, { arrival, envelope }: MessageToPrepare): boolean {
  // The server's own: a digest of spam has what spam has.
  const isOwn = arrival.trusted && arrival.listener === 'socket' && envelope.sender === '';
  return !isOwn && (setting.when === 'all' || !arrival.trusted);
}

function subjectOf(
  { body, arrival, envelope }: MessageToPrepare,
  scanner: string,
  { snapshot }: Policy,
): ScanSubject {
  const [, carriedId] = arrival.carried?.find(([name]) => name === scanner) ?? [];
  const { id, peerAddress, peerPort, helo, user = '', tls, receivedMs, filters } = arrival;
  return {
    ...{ message: body, wholeBytes: body.length, queueId: id },
    ...{ peerAddress, peerPort, helo, user, hostname: snapshot.hostname, receivedMs },
    sender: envelope.sender,
    recipients: envelope.recipients.map(({ address }) => address),
    ...(tls === undefined ? {} : { tls }),
    ...(carriedId === undefined ? {} : { carriedId }),
    ...(filters === undefined ? {} : { filterPoints: filters.points }),
  };
}

function refusalOf(
  verdict: ScanVerdict,
  { name, fail, infected }: AskedScanner['setting'],
): Failure | undefined {
  switch (verdict.kind) {
    case 'infected':
      return infected === 'quarantine'
        ? undefined
        : failure('policy-refused', `${name}: ${verdict.names.join(', ')}`);
    case 'failed':
      return fail === 'closed'
        ? failure('verdict-missing', `${name}: ${verdict.fault}`)
        : undefined;
    case 'scored':
    case 'decided':
      if (verdict.action === 'defer') return failure('verdict-missing', `${name}: ${verdict.text}`);
      return verdict.action === 'reject' || verdict.action === 'discard'
        ? failure('policy-refused', `${name}: ${verdict.action} ${verdict.text}`)
        : undefined;
    default:
      return undefined;
  }
}

/** Only there is mail kept apart: what goes on to another server would be in somebody's inbox. */
function isForAccounts({ recipients }: Envelope): boolean {
  return recipients.every(({ target }) => target.kind === 'account');
}

/** A report of a copy that could not be stored would carry it to its sender, whom anybody may have named. */
function withoutText(envelope: Envelope): Envelope {
  return envelope.ret === 'full' ? { ...envelope, ret: 'hdrs' } : envelope;
}

function percentOf(verdict: ScanVerdict): number {
  const hasScore = verdict.kind === 'scored' && verdict.threshold > 0;
  return hasScore ? (verdict.score / verdict.threshold) * 100 : 0;
}

/** One answer is for all recipients: who would take it gets it, and the others' levels say where it goes. */
function isRefusedByAll(
  { envelope }: MessageToPrepare,
  { snapshot }: Policy,
  percent: number,
): boolean {
  const { recipients } = envelope;
  return (
    recipients.length > 0 &&
    recipients.every(({ address }) => {
      const levels = spamLevelsOf(snapshot, address);
      const most = levels.find((level) => level?.rejectPercent !== undefined)?.rejectPercent ?? 0;
      return most > 0 && percent >= most;
    })
  );
}

function marksOf(verdict: ScanVerdict, name: string): Uint8Array {
  if (verdict.kind === 'infected') {
    const viruses = verdict.names.slice(0, virusesNamedMax).join(',\r\n\t');
    return latin1(`${heldField('policy', name)};\r\n\tinfected=${viruses}\r\n${spamFlag}`);
  }
  if (verdict.kind !== 'scored' && verdict.kind !== 'decided') return emptyBytes;
  const isSpam = verdict.action !== 'accept';
  const isHeld = verdict.action === 'quarantine';
  const why = verdict.kind === 'scored' ? 'spam' : 'policy';
  const held = isHeld ? `${heldField(why, name)}\r\n` : '';
  const flag = isSpam ? `${held}${spamFlag}` : '';
  if (verdict.kind === 'decided') return latin1(flag);
  const rules = verdict.rules.slice(0, rulesNamedMax).map((rule) => rule.name);
  const tests = rules.length === 0 ? '' : `\r\n\ttests=${rules.join(',\r\n\t')}`;
  const score = `score=${verdict.score} required=${verdict.threshold}`;
  const status = `X-Spam-Status: ${isSpam ? 'Yes' : 'No'}, ${score} scanner=${name}${tests}\r\n`;
  return latin1(flag + status);
}

const spamFlag = 'X-Spam-Flag: YES\r\n';

function heldField(why: 'spam' | 'policy', name: string): string {
  return `X-Quarantine: ${why}; scanner=${name}`;
}

function tell(
  log: Log,
  { arrival }: MessageToPrepare,
  scanner: string,
  verdict: ScanVerdict,
): void {
  const { kind, ms, scannedBytes } = verdict;
  const told = { message: arrival.id, scanner, verdict: kind, ms: Math.round(ms), scannedBytes };
  if (kind === 'failed' || kind === 'infected') {
    const { names, fault, detail } = verdict as {
      names?: unknown;
      fault?: unknown;
      detail?: unknown;
    };
    log.warn({ ...told, names, fault, detail }, 'a scanner gave no clean verdict');
    return;
  }
  const found = 'action' in verdict ? { action: verdict.action, text: verdict.text } : {};
  if (log.isOn('info')) log.info({ ...told, ...found }, 'a scanner gave a verdict');
}
