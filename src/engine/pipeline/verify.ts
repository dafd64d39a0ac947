/**
 * Verifies untrusted mail on its way in and decides by DMARC whether it is taken.
 *
 * Runs in:   engine threads, as a pending ask: it waits for the DNS and holds no shard.
 * Specs:     RFC 9989 §5.4 (handling), RFC 8601 §5 (place of the results), RFC 8617 §5.1 (seals).
 * Invariant: only `dmarc=fail` under a policy of `reject` refuses, only where the operator enforces, and not what a
 *            trusted forwarder vouches for; a temporary error never refuses. Never rejects.
 */

import { Buffer } from 'node:buffer';
import { emptyBytes, latin1 } from '../../base/bytes.ts';
import { failure, type Result } from '../../base/errors.ts';
import { isVouchedFor } from '../../mail/trust/arc.ts';
import type { Verdicts, Verification } from '../../mail/trust/verify.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Dns } from '../../ports/dns.ts';
import { isExcepted } from './dmarc-exceptions.ts';
import { type DmarcIntake, intakeMsMax, isReportMail, takeReports } from './dmarc-intake.ts';
import type { DmarcTally } from './dmarc-tally.ts';
import { isForwarded } from './forwarding.ts';
import type { Policy } from './policy.ts';
import { hasSeveralAuthors, type MessageToPrepare, refusedHeader } from './prepare.ts';
import { suspectField } from './suspect-field.ts';

/** Of a message whose verdicts did not come in time, for its author's policy alone. */
const askedMsMax = 5_000;

let verifier: Promise<typeof import('../../mail/trust/verify.ts')> | undefined;

/** Loads what verifies: some 0.4 s of a thread and 30 MB, so at a quiet moment and only where mail is verified. */
export function loadVerifier(): Promise<typeof import('../../mail/trust/verify.ts')> {
  verifier ??= import('../../mail/trust/verify.ts');
  return verifier;
}

export interface Verified {
  /** Authentication-Results with its line break, under a seal where it goes on: before all parts of the message. */
  readonly field: Uint8Array;
  /** Absent where they did not come in time. */
  readonly verdicts?: Verdicts;
}

export interface VerifyParts {
  readonly dns: Dns;
  readonly clock: Clock;
  /** How long a message waits; what is missing then is a temporary error, and the mail flows. */
  readonly verdictMsMax: number;
  /** Absent: nobody is told how mail fared by DMARC. */
  readonly dmarcTally?: DmarcTally;
  /** Absent: reports of others are mail as any. */
  readonly dmarcIntake?: DmarcIntake;
}

/** Whether `verify` has anything to do for this message. */
export function needsVerification(message: MessageToPrepare, policy: Policy): boolean {
  return policy.snapshot.verifyInbound && !message.arrival.trusted;
}

export async function verify(
  message: MessageToPrepare,
  policy: Policy,
  parts: VerifyParts,
): Promise<Result<Verified>> {
  // What would be refused anyway is not worth a look-up.
  const refused = refusedHeader(message.body, policy);
  if (refused !== undefined) return refused;
  const { dmarc } = policy.snapshot;
  const { peerAddress } = message.arrival;
  const isEnforced =
    dmarc === 'enforce' && !isExcepted(policy.dmarcExceptions, peerAddress, message.body);
  if (isEnforced && hasSeveralAuthors(message.body, policy)) {
    return failure('policy-refused', 'more than one From field, and DMARC is enforced');
  }
  let verification: Verification | undefined;
  try {
    verification = await inTime(parts, verifyNow(message, policy, parts));
  } catch (error) {
    return failure('verdict-missing', error instanceof Error ? error.message : String(error));
  }
  if (verification === undefined) {
    // Whoever brings a message chooses whose name servers are slow: the author's are asked by themselves.
    const isOpen = !isEnforced || (await isLetThrough(message.body, parts));
    if (isOpen) return { ok: true, field: lateField(policy) };
    return failure('verdict-missing', 'DMARC is enforced, and could not be checked in time');
  }
  const { field, verdicts, evidence } = verification;
  const isFailing = verdicts.dmarc === 'fail' && verdicts.dmarcPolicy !== 'none';
  // RFC 9989 §5.4: a forwarder that is trusted says that it passed there.
  const isVouched =
    isFailing && verdicts.arc === 'pass' && isVouchedFor(message.body, policy.trustedSealers);
  const isRejectAsked = isFailing && !isVouched && verdicts.dmarcPolicy === 'reject';
  const isRefused = isRejectAsked && isEnforced;
  const isSuspect = isFailing && !isVouched && !isRejectAsked && isEnforced;
  if (evidence !== undefined) {
    const { body, envelope } = message;
    const told = { evidence, verdicts, body, isRefused, isSuspect, isVouched };
    parts.dmarcTally?.add({ ...told, peerAddress, sender: envelope.sender });
  }
  if (isRefused) {
    return failure('policy-refused', 'DMARC failed and the author domain asks for rejection');
  }
  await takenReports(message, verification, parts);
  const seal = isForwarded(message.envelope)
    ? sealOf(message, policy, verification, parts)
    : emptyBytes;
  const mark = isSuspect ? latin1(suspectField(policy.snapshot.authservId)) : emptyBytes;
  return { ok: true, field: Buffer.concat([seal, field, mark]), verdicts };
}

/** Whether the author's domain asks for nothing where DMARC fails. What cannot be found out in time asks. */
async function isLetThrough(body: Uint8Array, { clock, dns }: VerifyParts): Promise<boolean> {
  const { askedPolicy } = await loadVerifier();
  const asking = askedPolicy(body, dns).catch(() => undefined);
  return (await inTime({ clock, verdictMsMax: askedMsMax }, asking)) === 'none';
}

/** Where it came to the address for reports, what it reports is kept. */
async function takenReports(
  message: MessageToPrepare,
  { verdicts, evidence }: Verification,
  { dmarcIntake, clock }: VerifyParts,
): Promise<void> {
  if (dmarcIntake === undefined || !isReportMail(message, dmarcIntake)) return;
  const { authorOf } = await loadVerifier();
  const reporter = evidence?.author ?? authorOf(message.body) ?? '';
  const isProven = verdicts.dmarc === 'pass' && reporter !== '';
  const taking = takeReports(dmarcIntake, message.body, { reporter, isProven });
  await inTime({ clock, verdictMsMax: intakeMsMax }, taking);
}

/** RFC 8617 §5.1: what was found out stays known to who gets it from us. */
function sealOf(
  { body }: MessageToPrepare,
  { sealer }: Policy,
  { verdicts, field }: Verification,
  { clock }: VerifyParts,
): Uint8Array {
  const nowSeconds = Math.floor(clock.nowMs() / 1_000);
  const what = { message: body, results: field, verdict: verdicts.arc, nowSeconds };
  return sealer?.seal(what) ?? emptyBytes;
}

async function verifyNow(
  message: MessageToPrepare,
  policy: Policy,
  { dns, clock }: VerifyParts,
): Promise<Verification> {
  const { verifyMessage } = await loadVerifier();
  const request = {
    message: message.body,
    sender: message.envelope.sender,
    peerAddress: message.arrival.peerAddress,
    helo: message.arrival.helo,
    authservId: policy.snapshot.authservId,
    nowMs: clock.nowMs(),
  };
  return await verifyMessage(request, dns);
}

/** Undefined where the time is over; what comes later is nobody's. */
function inTime<T>(
  { clock, verdictMsMax }: Pick<VerifyParts, 'clock' | 'verdictMsMax'>,
  work: Promise<T>,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(verdictMsMax, () => resolve(undefined));
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}

/** RFC 8601 §2.7: a check that could not be completed now is a `temperror`. */
function lateField({ snapshot }: Policy): Uint8Array {
  return latin1(
    `Authentication-Results: ${snapshot.authservId};\r\n` +
      '\tspf=temperror; dkim=temperror; dmarc=temperror\r\n',
  );
}
