/**
 * How TLS with a host went, in the words of TLS reports.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 8460 §4.3 (result types), §4.4 (policy types).
 */

export type TlsPolicyType = 'tlsa' | 'sts' | 'no-policy-found';

/** RFC 8460 §4.3; those our checks can tell. */
export type TlsResultType =
  | 'starttls-not-supported'
  | 'certificate-host-mismatch'
  | 'certificate-expired'
  | 'certificate-not-trusted'
  | 'validation-failure'
  | 'dnssec-invalid'
  | 'tlsa-invalid'
  | 'sts-policy-fetch-error'
  | 'sts-policy-invalid'
  | 'sts-webpki-invalid';

/** The policy that sessions were held to. */
export interface TlsPolicyFacts {
  readonly type: TlsPolicyType;
  /** Of `tlsa` the name its records stand under, else the recipients' domain. */
  readonly domain: string;
  /** The policy's lines, or the TLSA records. */
  readonly strings: readonly string[];
  /** Hosts or patterns the policy names. */
  readonly hosts: readonly string[];
}

export interface TlsFailureFacts {
  readonly resultType: TlsResultType;
  readonly sendingAddress: string;
  readonly host: string;
  readonly address: string;
  readonly reason: string;
}

export const reasonCharsMax = 200;

const expired = /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|certificate has expired|not yet valid/i;
const otherName = /ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate|certificate is not for/i;
const notTrusted =
  /SELF_SIGNED|self.signed|UNABLE_TO_(?:GET|VERIFY)|unable to (?:get|verify)|CERT_UNTRUSTED|CERT_REVOKED|INVALID_CA/i;

/** One line of ASCII. */
export function reasonOf(fault: string): string {
  return fault.replace(/[^ -~]+/g, ' ').slice(0, reasonCharsMax);
}

/** What was wrong, from the words of whoever checked. RFC 8460 §4.3.1: all else is a general failure. */
export function resultTypeOf(fault: string): TlsResultType {
  if (expired.test(fault)) return 'certificate-expired';
  if (otherName.test(fault)) return 'certificate-host-mismatch';
  return notTrusted.test(fault) ? 'certificate-not-trusted' : 'validation-failure';
}
