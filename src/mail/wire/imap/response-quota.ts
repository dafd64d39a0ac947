/**
 * Writes QUOTA and QUOTAROOT responses.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9208 §4.2.
 */

import { parenClose, space } from './octets.ts';
import type { ResponseWriter } from './response.ts';

/** Units are the resource's own: STORAGE counts 1,024 octets (RFC 9208 §5.1). */
export interface QuotaResource {
  readonly name: 'STORAGE' | 'MESSAGE';
  readonly used: number;
  readonly limit: number;
}

/** `* QUOTA root (STORAGE 10 512)`; a resource without limit is not among them. */
export function writeQuota<Handle>(
  writer: ResponseWriter<Handle>,
  root: string,
  resources: readonly QuotaResource[],
): void {
  writer.text('* QUOTA ').string(root).text(' (');
  resources.forEach(({ name, used, limit }, i) => {
    if (i > 0) writer.octet(space);
    writer.text(name).octet(space).number(used).octet(space).number(limit);
  });
  writer.octet(parenClose).crlf();
}

/** `* QUOTAROOT INBOX root`. */
export function writeQuotaRoot<Handle>(
  writer: ResponseWriter<Handle>,
  mailbox: string,
  root: string,
): void {
  writer.text('* QUOTAROOT ').mailbox(mailbox).octet(space).string(root).crlf();
}
