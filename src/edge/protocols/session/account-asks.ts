/**
 * Asks of sessions, addressed to their account's actor.
 *
 * Runs in:   edge (main thread).
 * Limits:    an ask is waited for `askMsMax`, a long one `longAskMsMax`.
 */

import type { Answer, Ask, AskClass } from '../../../actors/ask.ts';
import { accountActor } from '../../../actors/asks/mailbox-asks.ts';
import type { MessageId } from '../../../base/ids.ts';
import { minuteMs } from '../../../base/units.ts';
import type { Account } from '../../../ports/account-directory.ts';
import type { Clock } from '../../../ports/clock.ts';
import { ShardBodyStream } from '../../body-stream.ts';

const askMsMax = 2 * minuteMs;
const longAskMsMax = 10 * minuteMs;

export interface AskOptions {
  readonly class?: AskClass;
  readonly key?: string;
  readonly body?: readonly Uint8Array[];
}

export class AccountAsks {
  readonly #router: { ask(ask: Ask): Promise<Answer> };
  readonly #clock: Clock;

  constructor(router: { ask(ask: Ask): Promise<Answer> }, clock: Clock) {
    this.#router = router;
    this.#clock = clock;
  }

  ask(account: Account, name: string, meta: unknown, options: AskOptions = {}): Promise<Answer> {
    const { class: kind = 'short', key = '', body = [] } = options;
    return this.#router.ask({
      shard: account.shard,
      actor: accountActor(account.id),
      name,
      key,
      class: kind,
      lane: 'normal',
      deadlineMs: this.#clock.nowMs() + (kind === 'long' ? longAskMsMax : askMsMax),
      meta,
      body,
    });
  }

  /** Takes a text to the account's shard as it comes; the append that names `id` finds it there. */
  openText({ shard }: Account, id: MessageId): ShardBodyStream {
    const target = { shard, id, isOwnMessage: false, recipients: [], isEach: false };
    const parts = { ask: (ask: Ask) => this.#router.ask(ask), clock: this.#clock };
    return new ShardBodyStream(parts, id, [target]);
  }
}
