/**
 * Where the text of a domain's MTA-STS policy comes from.
 *
 * Contract: `fetch` answers within the adapter's time limit and never rejects. The text came from
 * `https://mta-sts.DOMAIN/.well-known/mta-sts.txt` under a certificate that fits that name, as text/plain with status
 * 200, without any redirect (RFC 8461 §3.3), and is `bytesMax` octets at most.
 */

export type PolicyText =
  | { readonly ok: true; readonly text: string }
  | {
      readonly ok: false;
      readonly detail: string;
      /** The host's certificate does not fit, or nobody known vouches for it. */
      readonly isUntrusted?: boolean;
    };

export interface PolicyHosts {
  /** `domain` in lower-case A-labels. */
  fetch(domain: string, bytesMax: number): Promise<PolicyText>;
}
