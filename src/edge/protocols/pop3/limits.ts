/**
 * Bounds of a POP3 session. Settings give those with a name there.
 *
 * Runs in: edge (main thread).
 */

import { kibibyte, mebibyte, minuteMs } from '../../../base/units.ts';

export interface Pop3Limits {
  /** RFC 2449 §4 asks for 255; answers of AUTH are longer (RFC 5034 §4). */
  readonly lineBytesMax: number;
  /** `pop3.commandsPerMinuteMax`; more wait for the next minute. 0: no limit. */
  readonly commandsPerMinuteMax: number;
  /** `pop3.errorsMax`. */
  readonly errorsMax: number;
  /** `pop3.messagesMax`; 0 is all. */
  readonly messagesMax: number;
  /** How long a session may last without a log-in. */
  readonly earlyMsMax: number;
  /** `pop3.idleMsMax`; RFC 1939 §3: at least 10 minutes. */
  readonly idleMsMax: number;
  /** `pop3.stallMsMax`. */
  readonly stallMsMax: number;
  /** What the client left unread; above it no further answer is asked for. */
  readonly unsentBytesMax: number;
  /** `pop3.allUnsentBytesMax`: what all clients left unread; above it the slowest readers end. */
  readonly allUnsentBytesMax: number;
  /** What came while a command runs; above it nothing more is read. */
  readonly unreadBytesMax: number;
}

export const defaultPop3Limits: Pop3Limits = {
  lineBytesMax: 12 * kibibyte,
  commandsPerMinuteMax: 60_000,
  errorsMax: 20,
  messagesMax: 0,
  earlyMsMax: minuteMs,
  idleMsMax: 10 * minuteMs,
  stallMsMax: 5 * minuteMs,
  unsentBytesMax: 64 * kibibyte,
  allUnsentBytesMax: 128 * mebibyte,
  unreadBytesMax: 64 * kibibyte,
};
