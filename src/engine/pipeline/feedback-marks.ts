/**
 * How mail is marked so that what comes back finds it: return paths of each recipient's own, and the fields of one-click
 * unsubscription.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 8058 §3.1, §4 (both fields are signed), RFC 2369 §3.2, RFC 3461 §5.2.1 (NOTIFY).
 * Invariant: a recipient's return path is the same at each try of a message, or greylisting would begin anew.
 */

import type { FeedbackPolicy } from '../../actors/asks/policy-snapshot.ts';
import { latin1 } from '../../base/bytes.ts';
import type { TenantId } from '../../base/ids.ts';
import { fieldName, findField } from '../../mail/formats/headers/fields.ts';
import type { HeaderScan } from '../../mail/formats/headers/scan.ts';
import { FeedbackTokens } from '../../mail/trust/feedback/tokens.ts';
import { releasedMs, type SpoolMessage, type SpoolRecipient } from '../spool/message.ts';
import type { MessageToPrepare } from './prepare.ts';

const listUnsubscribe = fieldName('list-unsubscribe');
const none: readonly Uint8Array[] = [];

export class FeedbackMarks {
  readonly #policy: FeedbackPolicy;
  readonly #tokens: FeedbackTokens;
  readonly #streams: ReadonlySet<string>;

  constructor(policy: FeedbackPolicy) {
    this.#policy = policy;
    this.#tokens = new FeedbackTokens(policy.keys, policy.root);
    this.#streams = new Set(policy.unsubscribeUrl === '' ? [] : policy.unsubscribeStreams);
  }

  /** Whether return paths are ours: of mail of our own senders, not of reports, nor of strangers' mail that goes on. */
  tracks({ envelope, arrival }: MessageToPrepare): boolean {
    return envelope.sender !== '' && this.#domainOf(arrival.tenant) !== '';
  }

  #domainOf(tenant: TenantId): string {
    const { bounceDomain, tenantBounceDomains } = this.#policy;
    return tenantBounceDomains[tenant] ?? bounceDomain;
  }

  /** Undefined: the sender's own. */
  returnPath(message: SpoolMessage, { address, notify }: SpoolRecipient): string | undefined {
    const { id, tenant } = message;
    // Reports that a sender asked for are the sender's.
    if (notify !== undefined || message.terms?.isTracked !== true) return undefined;
    const bounceDomain = this.#domainOf(tenant);
    if (bounceDomain === '') return undefined;
    const localPart = this.#tokens.bounceLocalPart(tenant, id, address, releasedMs(message));
    return `${localPart}@${bounceDomain}`;
  }

  /** Fields to add; none where the sender has its own, or the message is not one reader's. */
  unsubscribeFields(
    { envelope, arrival }: MessageToPrepare,
    header: HeaderScan,
    campaign: string,
  ): readonly Uint8Array[] {
    const stream = envelope.terms?.campaign ?? campaign;
    if (this.#streams.size === 0 || stream === '' || !arrival.trusted) return none;
    const { tenant } = arrival;
    const [recipient, ...others] = envelope.recipients;
    if (recipient === undefined || others.length > 0) return none;
    if (!this.#streams.has(`${tenant}/${stream}`)) return none;
    if (findField(header, listUnsubscribe) >= 0) return none;
    const { unsubscribeUrl } = this.#policy;
    const bounceDomain = this.#domainOf(tenant);
    const token = this.#tokens.unsubscribeToken({ tenant, stream, recipient: recipient.address });
    const mailto =
      bounceDomain === '' ? '' : `,\r\n <mailto:unsubscribe@${bounceDomain}?subject=${token}>`;
    return [
      latin1(`List-Unsubscribe: <${unsubscribeUrl}/u/${token}>${mailto}\r\n`),
      latin1('List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n'),
    ];
  }
}
