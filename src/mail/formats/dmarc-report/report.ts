/**
 * What a DMARC aggregate report says.
 *
 * Runs in:   anywhere; plain data only.
 * Specs:     RFC 9990 §3.1.1.
 */

export interface OverrideReason {
  /** RFC 9990 §3.1.6: `local_policy`, `mailing_list`, `other`, `policy_test_mode`, `trusted_forwarder`, or what an older report says: `forwarded`, `sampled_out`. */
  readonly type: string;
  readonly comment: string;
}

/** RFC 9990 §3.1.1.5; "" is what was not said. */
export interface PublishedPolicy {
  /** Where the record stands. */
  readonly domain: string;
  readonly p: string;
  readonly sp: string;
  readonly np: string;
  readonly adkim: string;
  readonly aspf: string;
  readonly fo: string;
  readonly isTesting: boolean;
  readonly discovery: string;
}

export interface DkimResult {
  readonly domain: string;
  readonly selector: string;
  readonly result: string;
}

export interface SpfResult {
  readonly domain: string;
  readonly result: string;
}

/** Messages of one address that fared alike. */
export interface DmarcRecord {
  readonly sourceAddress: string;
  readonly count: number;
  /** RFC 9990 §3.1.1.9: `none` failed and was let through; `pass` passed. */
  readonly disposition: string;
  /** Whether a signature that passed is aligned. */
  readonly dkim: string;
  readonly spf: string;
  readonly reasons: readonly OverrideReason[];
  readonly headerFrom: string;
  readonly envelopeFrom: string;
  readonly envelopeTo: string;
  readonly dkimResults: readonly DkimResult[];
  readonly spfResults: readonly SpfResult[];
}

export interface DmarcReport {
  readonly organization: string;
  readonly contact: string;
  readonly extraContact: string;
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly errors: readonly string[];
  readonly generator: string;
  readonly policy: PublishedPolicy;
  readonly records: readonly DmarcRecord[];
}
