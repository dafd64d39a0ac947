/**
 * Bounds of a ManageSieve session. Settings give those with a name there.
 *
 * Runs in: edge (main thread).
 */

import { kibibyte, mebibyte, minuteMs } from '../../../base/units.ts';

export interface ManageSieveLimits {
  /** Answers of AUTHENTICATE are the longest lines. */
  readonly lineBytesMax: number;
  /** `sieve.scriptBytesMax`. */
  readonly literalBytesMax: number;
  /** A larger script is read and refused; beyond this the session ends. */
  readonly skipBytesMax: number;
  /** `managesieve.commandsPerMinuteMax`; more wait for the next minute. 0: no limit. */
  readonly commandsPerMinuteMax: number;
  /** `managesieve.errorsMax`. */
  readonly errorsMax: number;
  /** How long a session may last without a log-in. */
  readonly earlyMsMax: number;
  /** `managesieve.idleMsMax`; RFC 5804 §1.2: at least 30 minutes. */
  readonly idleMsMax: number;
  /** `managesieve.stallMsMax`. */
  readonly stallMsMax: number;
  readonly unsentBytesMax: number;
  /** `managesieve.allUnsentBytesMax`. */
  readonly allUnsentBytesMax: number;
}

export const defaultManageSieveLimits: ManageSieveLimits = {
  lineBytesMax: 16 * kibibyte,
  literalBytesMax: 64 * kibibyte,
  skipBytesMax: 4 * mebibyte,
  commandsPerMinuteMax: 6_000,
  errorsMax: 20,
  earlyMsMax: minuteMs,
  idleMsMax: 30 * minuteMs,
  stallMsMax: 5 * minuteMs,
  unsentBytesMax: 256 * kibibyte,
  allUnsentBytesMax: 64 * mebibyte,
};
