/**
 * Submits reports to other domains by our own spool.
 *
 * Runs in:   main thread.
 * Specs:     RFC 8460 §5.3 and RFC 9990 §3.5.2: a report by mail is signed by the domain that reports.
 * Invariant: submitted again under its key, a report is the same message.
 */

import type { PolicySnapshot } from '../actors/asks/policy-snapshot.ts';
import type { Reception } from '../actors/asks/reception.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { latin1 } from '../base/bytes.ts';
import { defaultTenant } from '../base/ids.ts';
import { idempotencyHash } from '../edge/guard/idempotency.ts';
import { submitterOf } from '../mail/formats/tls-report/write.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import { resolveAddress } from './destinations.ts';

export interface ReportSubmitParts {
  readonly reception: Reception;
  readonly directory: AccountDirectory;
  readonly policy: () => PolicySnapshot;
}

export interface ReportToSubmit {
  readonly to: string;
  readonly text: string;
  readonly key: string;
  /** Its author: the domain must be ours and have a key. */
  readonly contact: string;
  readonly isTlsOptional: boolean;
}

/** Why it could not be taken, or "". */
export async function submitReport(
  { reception, directory, policy }: ReportSubmitParts,
  { to, text, key, contact, isTlsOptional }: ReportToSubmit,
): Promise<string> {
  const { domains, hostname } = policy();
  const domain = submitterOf(contact);
  // What the reporting domain did not sign is ignored.
  if ((domains[domain]?.dkim.length ?? 0) === 0) return `${domain} has no DKIM key here`;
  const recipients = await resolveAddress(directory, to);
  if (typeof recipients === 'string') return recipients;
  const body = latin1(text);
  const refusal = reception.reserve(body.byteLength);
  if (refusal !== undefined) return refusal.code;
  const answer = await reception.accept(
    {
      envelope: {
        // Nobody is told of a report that does not arrive.
        ...{ sender: '', recipients, body: '7bit', smtputf8: false },
        ...(isTlsOptional ? { terms: { isTlsOptional } } : {}),
      },
      arrival: {
        ...{ id: reception.nextId(), receivedMs: nodeClock.nowMs() },
        ...{ listener: 'socket', protocol: 'ESMTP', peerAddress: '127.0.0.1', peerPort: 0 },
        ...{ helo: hostname, trusted: true, tenant: defaultTenant },
      },
      idempotency: idempotencyHash(defaultTenant, key),
      ...{ body: [body], bodyBytes: body.byteLength },
    },
    body.byteLength,
  );
  return answer.ok ? '' : answer.code;
}
