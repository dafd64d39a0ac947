/**
 * Bounds of an IMAP session. Settings give those with a name there.
 *
 * Runs in: edge (main thread).
 */

import { kibibyte, mebibyte, minuteMs } from '../../../base/units.ts';

export interface ImapLimits {
  /** Of a command's lines, its literals not counted; the second before log-in: the longest ID fits (RFC 2971 §3.3). */
  readonly lineBytesMax: number;
  readonly earlyLineBytesMax: number;
  /** Commands without a log-in. */
  readonly earlyCommandsMax: number;
  /** `imap.commandsPerMinuteMax`; more wait for the next minute. 0: no limit. */
  readonly commandsPerMinuteMax: number;
  /** Of a command's literals before log-in, and after. A message of APPEND is not counted. */
  readonly earlyLiteralBytesMax: number;
  readonly literalBytesMax: number;
  /** `imap.messageBytesMax`. */
  readonly messageBytesMax: number;
  /** `imap.errorsMax`. */
  readonly errorsMax: number;
  /** How long a session may last without a log-in. */
  readonly earlyMsMax: number;
  /** `imap.idleMsMax`; RFC 9051 §5.4: at least 30 minutes once logged in. */
  readonly idleMsMax: number;
  /** A client that takes nothing of what it asked for is cut off after this long. */
  readonly stallMsMax: number;
  /** What the client left unread; above it no further answer is asked for. */
  readonly unsentBytesMax: number;
  /** `imap.allUnsentBytesMax`: what all clients left unread; above it the slowest readers end. */
  readonly allUnsentBytesMax: number;
  /** What came while a command runs; above it nothing more is read. */
  readonly unreadBytesMax: number;
  /** Mailboxes of an account that NOTIFY watches. */
  readonly notifiedMailboxesMax: number;
  /** `imap.compressedSessionsMax`; 0: none. */
  readonly compressedSessionsMax: number;
  /** `imap.messagesPerCommandMax`: a command is worked on the newest so many of its messages; 0: on all. */
  readonly messagesPerCommandMax: number;
  /** `imap.savedMessagesPerCommandMax`: of COPY and APPEND alone, where the one above is 0; 0: no limit. */
  readonly savedMessagesPerCommandMax: number;
  /** What a client may make of an octet it sends, one message of any ratio aside. */
  readonly inflateRatioMax: number;
}

export const defaultImapLimits: ImapLimits = {
  lineBytesMax: 64 * kibibyte,
  earlyLineBytesMax: 32 * kibibyte,
  earlyCommandsMax: 100,
  commandsPerMinuteMax: 60_000,
  earlyLiteralBytesMax: 8 * kibibyte,
  literalBytesMax: 512 * kibibyte,
  messageBytesMax: 50 * mebibyte,
  errorsMax: 20,
  earlyMsMax: minuteMs,
  idleMsMax: 31 * minuteMs,
  stallMsMax: 5 * minuteMs,
  unsentBytesMax: 64 * kibibyte,
  allUnsentBytesMax: 128 * mebibyte,
  unreadBytesMax: 64 * kibibyte,
  notifiedMailboxesMax: 1_000,
  compressedSessionsMax: 5_000,
  messagesPerCommandMax: 0,
  savedMessagesPerCommandMax: 0,
  inflateRatioMax: 200,
};
