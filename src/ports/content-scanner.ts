/**
 * A program beside ours that looks at a message and says what it is: a virus scanner, a spam filter, a milter, a hook.
 *
 * Contract:
 * - `scan` and `check` never reject. Whatever keeps a scanner from a verdict is `failed`: nothing was learnt of the
 *   message, and what becomes of it is the asker's policy.
 * - They end in the time the scanner was set up with, whatever the other side does.
 * - The message is read until the verdict is there, and never kept or changed.
 * - What comes back is somebody else's: names and texts are printable ASCII within the limits below, numbers are finite.
 * - A message above the scanner's size is scanned up to it (`scannedBytes` says how far) or `skipped`.
 */

import type { Metrics } from '../base/metrics.ts';
import type { CarriedScans } from './carried-scans.ts';
import type { Clock } from './clock.ts';
import type { Dns } from './dns.ts';

/** Rule and virus names in a verdict; what is over is left out. */
export const findingsMax = 256;
/** Characters of a name, and of a text for the remote. */
export const findingCharsMax = 256;
/** Changes asked for by one verdict; more are no verdict. */
export const editsMax = 1_000;

/** In the words of RFC 8601 §2.7. */
export interface TrustVerdicts {
  readonly spf: string;
  readonly dkim: string;
  readonly arc: string;
  readonly dmarc: string;
  readonly dmarcPolicy: 'none' | 'quarantine' | 'reject';
  readonly dkimDomains: readonly string[];
}

/** A message with what its envelope says. */
export interface ScanSubject {
  /** In SMTP's canonical form. May be the beginning alone, with the whole header in it. */
  readonly message: Uint8Array;
  /** Of the whole message. */
  readonly wholeBytes: number;
  readonly queueId: string;
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly helo: string;
  /** "" is the null reverse-path. */
  readonly sender: string;
  readonly recipients: readonly string[];
  /** Who logged in; "": nobody. */
  readonly user: string;
  readonly tls?: { readonly version: string; readonly cipher: string };
  /** What this server calls itself. */
  readonly hostname: string;
  readonly receivedMs: number;
  /** What filters found about the stranger that brought it; absent: nobody looked. */
  readonly filterPoints?: number;
  /** Of the conversation that the session had with this very scanner; absent: none that goes on. */
  readonly carriedId?: number;
  /** Who vouches for it; absent: nobody looked. Scanners beside ours find out by themselves. */
  readonly verdicts?: TrustVerdicts;
}

/** `add-header`: it is taken, marked as spam. `defer` is a greylist too: later, the same message may pass. */
export type ScanAction =
  | 'accept'
  | 'add-header'
  | 'rewrite-subject'
  | 'quarantine'
  | 'discard'
  | 'defer'
  | 'reject';

export interface FiredRule {
  readonly name: string;
  /** Absent: the scanner does not say. */
  readonly score?: number;
}

/** A change of the message or its envelope. Values are one line each, or folded with CRLF. */
export type ScanEdit =
  /** `at` counts fields from 0 at the top; absent: behind the last. */
  | {
      readonly kind: 'add-field';
      readonly name: string;
      readonly value: string;
      readonly at?: number;
    }
  /** The `nth` of that name, from 1; an empty value takes it out. */
  | {
      readonly kind: 'change-field';
      readonly name: string;
      readonly value: string;
      readonly nth: number;
    }
  /** All of that name. */
  | { readonly kind: 'remove-fields'; readonly name: string }
  | { readonly kind: 'replace-body'; readonly body: Uint8Array }
  | { readonly kind: 'change-sender'; readonly address: string }
  | { readonly kind: 'add-recipient' | 'remove-recipient'; readonly address: string };

/** Whose fault, in the scanner's time: `broken` spoke no sense, `unable` said that it cannot. */
export type ScanFault =
  | 'unreachable'
  | 'timed-out'
  | 'broken'
  | 'unable'
  /** It takes no message of this size: the message's doing, not the scanner's. */
  | 'too-large'
  /** All of our connections are taken, and the queue for them is full or was too slow. */
  | 'busy'
  /** It failed so often that it is left alone for now. */
  | 'circuit-open'
  | 'closed';

/** What was found, without the measures. */
export type ScanFinding =
  | { readonly kind: 'clean' }
  | { readonly kind: 'infected'; readonly names: readonly string[] }
  | {
      readonly kind: 'scored';
      readonly score: number;
      /** From here on it is spam. */
      readonly threshold: number;
      readonly rules: readonly FiredRule[];
      readonly action: ScanAction;
      /** What to tell the remote; "": our own words. */
      readonly text: string;
      readonly edits: readonly ScanEdit[];
    }
  | {
      readonly kind: 'decided';
      readonly action: ScanAction;
      /** An SMTP reply as `550 5.7.1 text`, or why it is held; "": our own words. */
      readonly text: string;
      readonly edits: readonly ScanEdit[];
    }
  | { readonly kind: 'failed'; readonly fault: ScanFault; readonly detail: string }
  | { readonly kind: 'skipped'; readonly detail: string };

export type ScanVerdict = ScanFinding & {
  /** Waiting for a connection included. */
  readonly ms: number;
  /** Given to the scanner, from the beginning; 0: nothing was. */
  readonly scannedBytes: number;
};

export type ScannerChecked =
  /** What it calls itself. */
  | { readonly ok: true; readonly version: string; readonly ms: number }
  | { readonly ok: false; readonly fault: ScanFault; readonly detail: string; readonly ms: number };

export interface ContentScanner {
  readonly name: string;
  scan(subject: ScanSubject): Promise<ScanVerdict>;
  /** Whether it answers, asked without a message and past an open circuit. */
  check(): Promise<ScannerChecked>;
  /** Ends what is under way; afterwards each scan fails as `closed`. */
  close(): Promise<void>;
}

/** What a scanner is made of besides its settings. */
/** The server's own spam score: pure, given to whoever plays the scanner. */
export interface SpamScorer {
  readonly modelBytesMax: number;
  /** In place of the model before. @throws where it is none: that stays */
  load(bytes: Uint8Array): void;
  score(subject: ScanSubject): FoundScore;
}

export interface FoundScore {
  readonly points: number;
  readonly rules: readonly FiredRule[];
  /** Hosts its links lead to, as lists in the DNS name them; bounded. */
  readonly hostsToAsk: readonly string[];
  /** What speaks for phishing, in words for programs. */
  readonly phishing: readonly string[];
}

/**
 * What may be wrong with an attachment. `type`: its extension. `disguised`: a program under another name, or a name that
 * reads as another. `encrypted`: nobody can look inside. `deep`: an archive holds more than is looked at.
 */
export type AttachmentFindingKind =
  | 'type'
  | 'disguised'
  | 'macro'
  | 'encrypted'
  | 'damaged'
  | 'deep';

export type AttachmentOutcome = 'accept' | 'mark' | 'quarantine' | 'reject';

/** Texts are printable ASCII. */
export interface AttachmentFinding {
  readonly kind: AttachmentFindingKind;
  /** Of the file, or of what is in it. */
  readonly name: string;
  readonly detail: string;
}

export interface AttachmentRules {
  /** Extensions in lower case, without their dots. */
  readonly types: ReadonlySet<string>;
  /** The end of the message is missing: an archive cut by that is not damaged. */
  readonly isCut: boolean;
}

/** Never rejects, whatever the bytes. */
export type AttachmentCheck = (
  message: Uint8Array,
  rules: AttachmentRules,
) => Promise<readonly AttachmentFinding[]>;

/** What becomes of mail by what was found. */
export interface AttachmentsSetting
  extends Readonly<Record<AttachmentFindingKind, AttachmentOutcome>> {
  readonly types: readonly string[];
}

export interface ScannerSurroundings {
  /** Absent: no session has conversations that go on. */
  readonly carried?: CarriedScans;
  readonly checkAttachments: AttachmentCheck;
  readonly dns: Pick<Dns, 'a'>;
  readonly newScorer: () => SpamScorer;
  readonly clock: Clock;
  readonly metrics: Metrics;
}
