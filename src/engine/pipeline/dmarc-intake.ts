/**
 * Hands DMARC reports that came to the address for them to the main thread, which adds them up.
 *
 * Runs in:   engine threads, while a message waits for its verdict anyway.
 * Specs:     RFC 9990 §3.5.2 (a report passes DMARC itself).
 * Limits:    a message waits `intakeMsMax` for it.
 * Invariant: what a report says is on disk before its message is accepted; killed between, it comes again and is the
 *            same report. The mail is taken whatever becomes of what it says.
 */

import type { Answer, AskUpwards } from '../../actors/ask.ts';
import { type DmarcMail, dmarcIntakeAsk } from '../../actors/asks/dmarc-intake-asks.ts';
import { noShard, systemAsk } from '../../actors/asks/system.ts';
import type { Log } from '../../base/log.ts';
import { secondMs } from '../../base/units.ts';
import type { MessageToPrepare } from './prepare.ts';

export interface DmarcIntake {
  /** In lower case. */
  readonly address: string;
  readonly uplink: AskUpwards;
  readonly log: Log;
}

export const intakeMsMax = 20 * secondMs;

export function isReportMail({ envelope }: MessageToPrepare, intake: DmarcIntake): boolean {
  return envelope.recipients.some(({ address }) => address.toLowerCase() === intake.address);
}

/** Never rejects. */
export async function takeReports(
  { uplink, log }: DmarcIntake,
  body: Uint8Array,
  mail: DmarcMail,
): Promise<void> {
  const ask = { ...systemAsk(dmarcIntakeAsk, noShard, mail), body: [body] };
  const answer: Answer = await uplink(ask);
  if (!answer.ok) log.warn({ ...mail, code: answer.code }, 'a DMARC report was not counted');
}
