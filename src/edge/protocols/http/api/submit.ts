/**
 * Hands a message of the API to the engine, under the policy that submission has: its sender is the tenant's, its
 * recipients are there, and the answer comes once it is on disk.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 6409 §6.1, RFC 5321 §4.2.5.
 * Limits:    `recipientsMax` of SMTP; room for the bytes is reserved before they are kept.
 * Invariant: nothing is accepted before every recipient of the message is known to be good.
 */

import { domainToASCII } from 'node:url';
import type { DeliveryTerms } from '../../../../actors/asks/delivery-terms.ts';
import type {
  EnvelopeRecipient,
  ReceivedMessage,
  Reception,
} from '../../../../actors/asks/reception.ts';
import type { ErrorCode } from '../../../../base/errors.ts';
import type { MessageId, TenantId } from '../../../../base/ids.ts';
import { secondMs } from '../../../../base/units.ts';
import type { AccountDirectory, ApiKey } from '../../../../ports/account-directory.ts';
import type { Clock } from '../../../../ports/clock.ts';
import type { SuppressionReason } from '../../../../ports/suppressions.ts';
import { decideRecipient } from '../../../guard/recipient-policy.ts';
import type { RateReached, SendRates } from '../../../guard/send-rates.ts';
import type { RecipientToJudge, SuppressionGuard } from '../../../guard/suppression-guard.ts';
import type { MailboxGiven } from './addresses.ts';
import { ApiFault } from './fault.ts';
import type { ApiPolicy } from './limits.ts';

export interface SubmitParts {
  readonly directory: AccountDirectory;
  readonly reception: Reception;
  readonly clock: Clock;
  readonly suppression: SuppressionGuard;
  /** Absent: as many recipients as they like. */
  readonly sendRates?: SendRates | undefined;
  readonly policy: () => ApiPolicy;
}

export interface SuppressedRecipient {
  readonly address: string;
  readonly reason: SuppressionReason;
  readonly place: string;
}

export interface ResolvedRecipients {
  readonly recipients: readonly EnvelopeRecipient[];
  readonly suppressed: readonly SuppressedRecipient[];
}

export interface Peer {
  readonly address: string;
  readonly port: number;
  readonly isTls: boolean;
}

export interface Submission {
  readonly key: ApiKey;
  readonly peer: Peer;
  readonly id: MessageId;
  readonly sender: string;
  readonly recipients: readonly EnvelopeRecipient[];
  readonly terms: DeliveryTerms;
  /** Domains that From may name. */
  readonly authorDomains: readonly string[];
  readonly body: Uint8Array;
  readonly idempotency: string | undefined;
}

/** The sender and each author are of a domain of the tenant. @throws ApiFault */
export async function checkDomain(
  directory: AccountDirectory,
  tenant: TenantId,
  domain: string,
  path: string,
): Promise<void> {
  const found = await directory.domain(comparable(domain));
  if (found?.tenant === tenant) return;
  throw new ApiFault('sender-not-allowed', `${domain} is no domain of this tenant`, { path });
}

/** Whose message it is. */
interface Sending extends Omit<RecipientToJudge, 'address'> {
  readonly isDryRun: boolean;
}

/** @throws ApiFault that names the recipient. */
export async function resolveRecipients(
  { directory, policy, suppression }: SubmitParts,
  { isDryRun, ...from }: Sending,
  given: readonly Pick<MailboxGiven, 'path' | 'place'>[],
): Promise<ResolvedRecipients> {
  const { recipientsMax } = policy();
  if (given.length > recipientsMax) {
    throw new ApiFault('recipients-too-many', `a message has at most ${recipientsMax} recipients`);
  }
  const found = new Map<string, EnvelopeRecipient>();
  const suppressed: SuppressedRecipient[] = [];
  for (const { path, place } of given) {
    const { address } = path;
    const recipient = { ...from, address };
    const reason = isDryRun ? suppression.reason(recipient) : suppression.refusal(recipient);
    if (reason !== undefined) {
      suppressed.push({ address, reason, place });
      continue;
    }
    const decision = await decideRecipient(directory, path, true, {
      ...{ kind: 'tenant', tenant: from.tenant },
    });
    if (typeof decision === 'string') {
      throw new ApiFault(decision, recipientWords[decision] ?? 'this address is not taken', {
        path: place,
      });
    }
    for (const destination of decision.destinations) found.set(destination.address, destination);
  }
  return { recipients: [...found.values()], suppressed };
}

/** @throws ApiFault where nobody is left. */
export function refuseNobody({ recipients, suppressed: [first] }: ResolvedRecipients): void {
  if (recipients.length > 0 || first === undefined) return;
  const words = `this address is suppressed: ${first.reason}`;
  throw new ApiFault('recipient-suppressed', words, { path: first.place });
}

const recipientWords: Partial<Record<ErrorCode, string>> = {
  'account-missing': 'there is no such user here',
  'account-disabled': 'this account takes no mail',
  'account-over-quota': 'this account is full',
  'group-closed': 'this group takes mail of its members only',
};

/** What becomes of a message that is handed in. @throws ApiFault */
export type HandIn<T> = (parts: SubmitParts, submission: Submission) => Promise<T>;

/** Resolves once the message is on disk: to its id, or that of the first with its key. */
export const submit: HandIn<MessageId> = async (parts, submission) => {
  const { key, peer, sender, recipients } = submission;
  const from = { ...{ tenant: key.tenant, account: undefined }, sender, peerAddress: peer.address };
  const reached = await parts.sendRates?.take(from, recipients.length, parts.clock.nowMs());
  if (reached !== undefined) throw overRate(reached);
  reserve(parts, submission);
  const { body, id } = submission;
  const answer = await parts.reception.accept(messageOf(parts, submission), body.byteLength);
  if (answer.ok) return answer.earlierId ?? id;
  if (answer.code !== 'tenant-over-quota') throw new ApiFault(answer.code, wordsFor(answer.code));
  throw overQuota(parts.reception.quotaWaitMs(submission.key.tenant, 1));
};

/** Whose rate it is, and for how long. */
export function overRate({ kind, max, endsInMs }: RateReached): ApiFault {
  const words = `more recipients than this ${kind} may name for now: ${max}`;
  const retryAfterSeconds = Math.max(1, Math.ceil(endsInMs / secondMs));
  return new ApiFault('send-rate-exceeded', words, { retryAfterSeconds });
}

export function overQuota(waitMs: number): ApiFault {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / secondMs));
  const words = 'the tenant’s quota of messages is used up, or its queue is full';
  return new ApiFault('tenant-over-quota', words, { retryAfterSeconds });
}

/** What would be sent, as things stand. */
export interface Judged {
  readonly from: string;
  readonly to: readonly string[];
  readonly bytes: number;
}

/** Nothing is kept: resolves to what `submit` would have done, or rejects as it would have. */
export const judge: HandIn<Judged> = async (parts, submission) => {
  reserve(parts, submission);
  const { sender, recipients, body } = submission;
  const { reception } = parts;
  const answer = await reception
    .judge(messageOf(parts, submission))
    .finally(() => reception.release(body.byteLength));
  if (!answer.ok) throw new ApiFault(answer.code, wordsFor(answer.code));
  return { from: sender, to: recipients.map(({ address }) => address), bytes: body.byteLength };
};

/** @throws ApiFault */
function reserve({ reception, policy }: SubmitParts, { body }: Submission): void {
  const { messageBytesMax } = policy();
  if (body.byteLength > messageBytesMax) {
    throw new ApiFault('message-too-large', `a message has at most ${messageBytesMax} bytes`);
  }
  const refusal = reception.reserve(body.byteLength);
  if (refusal !== undefined) throw new ApiFault(refusal.code, 'no room now');
}

function messageOf({ clock }: SubmitParts, submission: Submission): ReceivedMessage {
  const { key, peer, id, sender, recipients, terms, body, idempotency } = submission;
  return {
    envelope: {
      sender,
      recipients,
      body: '8bitmime',
      smtputf8: [sender, ...recipients.map((each) => each.address)].some(isUtf8),
      ...(Object.keys(terms).length === 0 ? {} : { terms }),
    },
    arrival: {
      id,
      receivedMs: clock.nowMs(),
      listener: 'http',
      protocol: peer.isTls ? 'HTTPS' : 'HTTP',
      peerAddress: peer.address,
      peerPort: peer.port,
      helo: '',
      trusted: true,
      tenant: key.tenant,
    },
    fromAllowed: submission.authorDomains.map((domain) => `*@${comparable(domain)}`),
    ...(idempotency === undefined ? {} : { idempotency }),
    body: [body],
    bodyBytes: body.byteLength,
  };
}

function wordsFor(code: ErrorCode): string {
  if (code === 'sender-not-allowed') return 'the message names an author who is not the tenant’s';
  return code.replaceAll('-', ' ');
}

function comparable(domain: string): string {
  return (domainToASCII(domain) || domain).toLowerCase();
}

function isUtf8(address: string): boolean {
  return /[^\x00-\x7f]/.test(address);
}
