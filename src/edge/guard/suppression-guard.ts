/**
 * Decides whether a tenant's mail may go to an address, and tells of what was refused.
 *
 * Runs in:   edge (main thread); hot: a tenant without entries costs one look into a map.
 * Specs:     RFC 5321 §3.3 (a server may refuse a recipient for reasons of policy), RFC 3463 §3.8 (X.7.1).
 * Invariant: only mail that the tenant itself sends is judged. Reports and answers (from the null sender) are not: what
 *            they tell must not be lost.
 */

import { eventNumbers, type FeedbackEvent } from '../../actors/asks/trace-asks.ts';
import type { MessageId, TenantId } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SuppressionReader, SuppressionReason } from '../../ports/suppressions.ts';

export interface SuppressionGuardParts {
  readonly list: SuppressionReader;
  readonly clock: Clock;
  /** Names what was refused in the event stream: no message has it. */
  readonly nextId: () => MessageId;
  readonly tell: (event: FeedbackEvent) => void;
}

export interface RecipientToJudge {
  readonly tenant: TenantId;
  /** "" where it is not known yet. */
  readonly stream: string;
  readonly sender: string;
  readonly address: string;
}

export class SuppressionGuard {
  readonly #parts: SuppressionGuardParts;

  constructor(parts: SuppressionGuardParts) {
    this.#parts = parts;
  }

  /** Why it would not be taken; nobody is told. */
  reason({ tenant, stream, sender, address }: RecipientToJudge): SuppressionReason | undefined {
    if (sender === '') return undefined;
    const { list, clock } = this.#parts;
    return list.find(tenant, stream, address, clock.nowMs());
  }

  /** Why it is not taken; undefined: it may go. */
  refusal(recipient: RecipientToJudge): SuppressionReason | undefined {
    const reason = this.reason(recipient);
    if (reason === undefined) return undefined;
    const { clock, nextId, tell } = this.#parts;
    const { tenant, stream, sender, address } = recipient;
    const nowMs = clock.nowMs();
    const { suppressed } = eventNumbers;
    tell([suppressed, nowMs, nextId(), tenant, sender, [address], reason, stream, '', '']);
    return reason;
  }
}
