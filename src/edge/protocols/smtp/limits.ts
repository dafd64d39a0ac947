/**
 * Bounds of SMTP sessions: what operators set, and what is design.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5321 §4.5.3.1 (least sizes), §4.5.3.2 (time-outs).
 */

import { kibibyte, minuteMs, secondMs } from '../../../base/units.ts';
import type { Settings } from '../../../settings/schema.ts';

/** RFC 4954 §4. */
export const authLineBytesMax = 12_288;
/** What one turn runs at most: others have sessions too, and a command costs 1 to 3 µs. */
export const turnCommandsMax = 500;
/** Replies leave at the latest when there are so many, so that few octets of ours cannot ask for much memory. */
export const writeBytesMax = 16_384;

export interface SmtpLimits {
  readonly messageBytesMax: number;
  /** RFC 5321 §4.5.3.1.4: at least 512 and what extensions add. */
  readonly commandLineBytesMax: number;
  /** RFC 5321 §4.5.3.1.6 says 1,000 with CRLF; real mail has longer lines, so we take up to this. */
  readonly textLineBytesMax: number;
  /** RFC 5321 §4.5.3.1.8: at least 100. */
  readonly recipientsMax: number;
  /** Refused commands in one session before it ends. */
  readonly errorsMax: number;
  readonly messagesMax: number;
  /** RFC 5321 §4.5.3.2.7: at least 5 minutes. */
  readonly idleMsMax: number;
  /** From 354 (or the first BDAT) to the end of data. */
  readonly dataMsMax: number;
  /** How long a session may last without a log-in, where one is asked for. */
  readonly logInMsMax: number;
  readonly sessionMsMax: number;
  /** Going down: for the rest of a message whose text is coming. */
  readonly drainDataMsMax: number;
  /** Replies a peer has not read before we stop reading from it. */
  readonly unsentBytesMax: number;
  /** Octets that came while an answer is under way before we stop reading. */
  readonly undigestedBytesMax: number;
}

export function smtpLimits(smtp: Settings['smtp']): SmtpLimits {
  return {
    messageBytesMax: smtp.messageBytesMax,
    commandLineBytesMax: 2 * kibibyte,
    textLineBytesMax: smtp.lineBytesMax,
    recipientsMax: smtp.recipientsMax,
    errorsMax: smtp.errorsMax,
    messagesMax: smtp.messagesMax === 0 ? Number.MAX_SAFE_INTEGER : smtp.messagesMax,
    idleMsMax: smtp.idleMsMax,
    dataMsMax: 30 * minuteMs,
    logInMsMax: smtp.logInMsMax,
    sessionMsMax: smtp.sessionMsMax,
    drainDataMsMax: 20 * secondMs,
    unsentBytesMax: 64 * kibibyte,
    undigestedBytesMax: 256 * kibibyte,
  };
}
