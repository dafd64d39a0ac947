/**
 * The messages of a request in JSON, one by one: whom each is for, and how it is made and handed in.
 *
 * Runs in:   edge (main thread).
 * Invariant: what the request alone can tell of any of its messages is judged before the first is made.
 */

import type { MessageParts } from '../../../../actors/asks/compose-job.ts';
import type { DeliveryTerms } from '../../../../actors/asks/delivery-terms.ts';
import { domainOf } from '../../../../base/address-parts.ts';
import type { Result } from '../../../../base/errors.ts';
import type { Caller } from './caller.ts';
import { type Draft, type MessageGiven, readDraft } from './draft.ts';
import { ApiFault } from './fault.ts';
import { Rendering } from './rendering.ts';
import {
  checkDomain,
  type HandIn,
  type ResolvedRecipients,
  refuseNobody,
  resolveRecipients,
  type SubmitParts,
} from './submit.ts';

/** Builds a message, off this thread. */
export type ComposeMessage = (
  parts: MessageParts,
) => Promise<Result<{ readonly body: Uint8Array }>>;

export interface MessageRouteParts extends SubmitParts {
  readonly compose: ComposeMessage;
}

/** Who asks, and for which pool of sources. */
export interface Asker extends Caller {
  readonly pool: string | undefined;
}

export interface TakeOptions<T> {
  readonly handIn: HandIn<T>;
  /** The hash of its idempotency key. */
  readonly idempotency: string | undefined;
}

export class Drafted {
  readonly #parts: MessageRouteParts;
  readonly #asker: Asker;
  readonly #draft: Draft;
  readonly #rendering: Rendering;

  private constructor(parts: MessageRouteParts, asker: Asker, given: MessageGiven) {
    const { messageBytesMax, holdMsMax } = parts.policy();
    this.#parts = parts;
    this.#asker = asker;
    this.#draft = readDraft(given, holdMsMax, parts.clock.nowMs());
    this.#rendering = new Rendering(this.#draft, messageBytesMax);
    this.#rendering.check();
  }

  /** @throws ApiFault that says where the request is wrong. */
  static async read(parts: MessageRouteParts, asker: Asker, given: MessageGiven): Promise<Drafted> {
    const drafted = new Drafted(parts, asker, given);
    const { from, sender } = drafted.#draft;
    const { tenant } = asker.key;
    await checkDomain(parts.directory, tenant, from.path.domain, '/from');
    await checkDomain(parts.directory, tenant, domainOf(sender), '/returnPath');
    return drafted;
  }

  /** The envelope sender. */
  get sender(): string {
    return this.#draft.sender;
  }

  get count(): number {
    return this.#draft.copies.length;
  }

  /** Whom it goes to as things stand. @throws ApiFault that names who cannot have it. */
  async resolve(index: number, isDryRun: boolean): Promise<ResolvedRecipients> {
    const { terms, sender, copies } = this.#draft;
    const { tenant } = this.#asker.key;
    const from = { tenant, stream: terms.campaign ?? '', sender, isDryRun };
    return await resolveRecipients(this.#parts, from, copies[index]!.recipients);
  }

  /** Makes it and hands it in. @throws ApiFault where nobody is left, or as `handIn`. */
  async take<T>(
    index: number,
    resolved: ResolvedRecipients,
    { handIn, idempotency }: TakeOptions<T>,
  ): Promise<T> {
    refuseNobody(resolved);
    const { reception, clock, policy, compose } = this.#parts;
    const { shared, sender, from, terms, copies } = this.#draft;
    const copy = copies[index]!;
    const id = reception.nextId();
    const messageId = `<${id}@${policy().hostname}>`;
    const rendered = { ...shared, ...this.#rendering.of(copy), to: copy.to };
    const composed = await compose({ ...rendered, messageId, dateMs: clock.nowMs() });
    if (!composed.ok) throw new ApiFault(composed.code, 'the message was not built');
    return await handIn(this.#parts, {
      ...this.#asker,
      ...{ id, sender, recipients: resolved.recipients },
      terms: withPool(terms, this.#asker),
      authorDomains: [from.path.domain],
      ...{ body: composed.body, idempotency },
    });
  }
}

export function withPool(terms: DeliveryTerms, { pool }: Asker): DeliveryTerms {
  return pool === undefined ? terms : { ...terms, pool };
}
