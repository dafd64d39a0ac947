/**
 * What may be wrong with a domain, by name: its records, how its questions are answered, its MTA-STS policy.
 *
 * Runs in:   sink; data.
 * Specs:     RFC 7505 (null MX), RFC 7672 (DANE), RFC 8461 (MTA-STS), RFC 2181 §10.1 (aliases).
 */

import type { CertificateKind } from './model.ts';

export interface PolicyVariant {
  readonly mode?: 'enforce' | 'testing' | 'none';
  /** The policy's `mx`, in place of the domain's own host. */
  readonly mx?: string;
  readonly certificate?: CertificateKind;
  readonly act?: 'redirect' | 'oversized' | 'stall' | 'missing' | 'garbage';
}

export interface DnsVariant {
  readonly summary: string;
  /** What every question of the domain gets in place of records. */
  readonly rcode?: 'SERVFAIL' | 'NXDOMAIN' | 'REFUSED';
  readonly isSilent?: boolean;
  readonly delayMs?: number;
  /** Over UDP nothing but the TC bit; `'always'`: over TCP, too. */
  readonly truncated?: 'udp' | 'always';
  /** Refers to other name servers, as one that does not have the zone. */
  readonly isLame?: boolean;
  /** Default: one host of the domain's own. */
  readonly mx?: 'none' | 'null' | 'nowhere' | 'alias-loop' | 'many' | 'literal';
  /** AD: a resolver has validated this. */
  readonly isSecure?: boolean;
  readonly tlsa?: 'right' | 'wrong' | 'servfail';
  readonly policy?: PolicyVariant;
}

const sts = (policy: PolicyVariant, what: string): DnsVariant => ({
  summary: `MTA-STS: ${what}`,
  policy,
});

export const dnsVariants: Readonly<Record<string, DnsVariant>> = {
  ok: { summary: 'one MX that leads to the sink' },
  servfail: { summary: 'SERVFAIL', rcode: 'SERVFAIL' },
  refused: { summary: 'REFUSED', rcode: 'REFUSED' },
  nxdomain: { summary: 'no such domain', rcode: 'NXDOMAIN' },
  timeout: { summary: 'no answer', isSilent: true },
  slow: { summary: 'an answer after 2 s', delayMs: 2_000 },
  truncated: { summary: 'by UDP only the TC bit; by TCP whole', truncated: 'udp' },
  'truncated-always': { summary: 'the TC bit by TCP, too', truncated: 'always' },
  lame: { summary: 'a referral to servers that are not there', isLame: true },
  'no-mx': { summary: 'no MX, an address', mx: 'none' },
  'null-mx': { summary: 'takes no mail (RFC 7505)', mx: 'null' },
  nowhere: { summary: 'an MX without an address', mx: 'nowhere' },
  'alias-loop': { summary: 'an MX whose CNAMEs go in a circle', mx: 'alias-loop' },
  'many-mx': { summary: 'forty MX, the last leads to the sink', mx: 'many' },
  'literal-mx': { summary: 'an MX that is an address, not a name', mx: 'literal' },
  'dane-right': { summary: 'DANE: TLSA fits, AD', isSecure: true, tlsa: 'right' },
  'dane-wrong': { summary: 'DANE: TLSA of another key, AD', isSecure: true, tlsa: 'wrong' },
  'dane-insecure': { summary: 'DANE: TLSA of another key, no AD', tlsa: 'wrong' },
  'dane-servfail': { summary: 'DANE: SERVFAIL for TLSA', isSecure: true, tlsa: 'servfail' },
  'sts-enforce': sts({ mode: 'enforce' }, 'enforce'),
  'sts-testing': sts(
    { mode: 'testing', mx: 'other.test' },
    'testing, with an mx that does not fit',
  ),
  'sts-none': sts({ mode: 'none', mx: 'other.test' }, 'none, with an mx that does not fit'),
  'sts-wrong-mx': sts(
    { mode: 'enforce', mx: 'other.test' },
    'enforce, with an mx that does not fit',
  ),
  'sts-expired': sts({ mode: 'enforce', certificate: 'expired' }, 'an expired certificate'),
  'sts-wrong-name': sts({ mode: 'enforce', certificate: 'wrong-name' }, 'a certificate of another'),
  'sts-redirect': sts({ mode: 'enforce', act: 'redirect' }, 'a redirect (not to be followed)'),
  'sts-oversized': sts({ mode: 'enforce', act: 'oversized' }, 'a policy of 1 MiB'),
  'sts-stall': sts({ mode: 'enforce', act: 'stall' }, 'half a policy, then nothing'),
  'sts-missing': sts({ mode: 'enforce', act: 'missing' }, 'a record, but 404'),
  'sts-garbage': sts({ mode: 'enforce', act: 'garbage' }, 'no policy but HTML'),
};
