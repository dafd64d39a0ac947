/**
 * DMARC reports that came by mail, on their way from engine threads to where they are added up.
 *
 * Runs in: both sides; plain data only.
 */

/** To the main thread. meta: `DmarcMail`, body: the message. Answered when what it says is on disk, or is not kept. */
export const dmarcIntakeAsk = 'dmarc-report.take';

/** A job. body: the message; value: `readonly MailedDmarcReport[]`. */
export const dmarcReadJob = 'dmarc-report.read';

export interface DmarcMail {
  /** Domain of the mail's author, in lower case; "": not to be found out. */
  readonly reporter: string;
  /** DMARC passed: the author's domain did send it. */
  readonly isProven: boolean;
}

export interface DmarcSourceCount {
  readonly sourceAddress: string;
  readonly messages: number;
  /** By aligned DKIM, SPF, or both. */
  readonly passed: number;
  readonly dkim: number;
  readonly spf: number;
  readonly quarantined: number;
  readonly rejected: number;
}

/** What one report says, by address. */
export interface MailedDmarcReport {
  readonly id: string;
  /** Where the policy stands that it is about. */
  readonly domain: string;
  readonly startMs: number;
  readonly sources: readonly DmarcSourceCount[];
}
