/**
 * Decides what follows from what came back: which message and recipient it is about, what is told, who is suppressed.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 8058 §3.2, RFC 6650 §4.4 (a complaint ends the mail), RFC 5321 §4.5.5 (bounces have a null sender).
 * Limits:    `candidatesMax` addresses of a report are compared.
 * Invariant: the suppression and the fact to be told are one commit, made before the answer. A report is believed for
 *            the recipient its signed address was made for, and for no other; a complaint for any of the tenant whose
 *            secret address it came to.
 */

import type { FeedbackTaken, RecipientsFailed } from '../../actors/asks/feedback-asks.ts';
import { eventNumbers, type FeedbackEvent } from '../../actors/asks/trace-asks.ts';
import { type TenantId, tenantId } from '../../base/ids.ts';
import type { Complaint } from '../../mail/formats/feedback/complaint.ts';
import type { BounceReport } from '../../mail/formats/feedback/read-feedback.ts';
import {
  type BounceFacts,
  FeedbackTokens,
  isRecipientOf,
  type UnsubscribeFacts,
} from '../../mail/trust/feedback/tokens.ts';
import type { Path } from '../../mail/wire/smtp/path.ts';
import type { Clock } from '../../ports/clock.ts';
import {
  type Suppression,
  type SuppressionList,
  type SuppressionReason,
  suppressionNoteLengthMax,
} from '../../ports/suppressions.ts';
import type { FeedbackAddresses, RecipientDecision } from '../guard/recipient-policy.ts';
import type { BounceDomains } from './bounce-domains.ts';
import type { FeedbackKeys } from './keys.ts';
import { Replays } from './replays.ts';
import { type FeedbackTeller, factOf } from './teller.ts';

const candidatesMax = 200;
const unsubscribeName = 'unsubscribe';
/** Reports of these kinds are no reader's complaint. */
const harmlessTypes: ReadonlySet<string> = new Set(['not-spam', 'auth-failure', 'dmarc', 'virus']);
/** What a mailbox that is gone comes down to. */
const goneReasons: ReadonlySet<string> = new Set(['address', 'domain', 'inactive']);

export interface FeedbackRules {
  /** 0: not at all. */
  readonly hardBounceMs: number;
  /** 0: never. */
  readonly softBounceCount: number;
  readonly softBounceWindowMs: number;
}

export interface DeskParts {
  readonly list: SuppressionList;
  readonly teller: Pick<FeedbackTeller, 'drain'>;
  readonly clock: Clock;
  readonly rules: () => FeedbackRules;
  readonly domains: () => BounceDomains;
  /** Recipients of a message, as its events name them. */
  readonly recipientsOf: (id: string) => Promise<readonly string[]>;
}

export class FeedbackDesk implements FeedbackAddresses {
  readonly #parts: DeskParts;
  readonly #replays = new Replays();
  #tokens: FeedbackTokens;

  constructor(parts: DeskParts, { keys, root }: FeedbackKeys) {
    this.#parts = parts;
    this.#tokens = new FeedbackTokens(keys, root);
  }

  setKeys({ keys, root }: FeedbackKeys): void {
    this.#tokens = new FeedbackTokens(keys, root);
  }

  get tokens(): FeedbackTokens {
    return this.#tokens;
  }

  /** At RCPT: all of a bounce domain is ours, and what we did not sign is nobody. */
  decide(path: Path, sender: string): RecipientDecision | undefined {
    const domains = this.#parts.domains();
    if (!domains.has(path.domain)) return undefined;
    const { localPart, address, domain } = path;
    const isFor = (tenant: TenantId) => domains.isFor(domain, tenant);
    const taken = (tenant: TenantId | undefined): RecipientDecision => ({
      tenant,
      destinations: [{ address, target: { kind: 'feedback' } }],
    });
    const bounce = this.#tokens.readBounce(localPart, this.#parts.clock.nowMs());
    if (bounce !== undefined && isFor(bounce.tenant)) {
      // What has a sender is an answer by a program, and there is nobody who reads it.
      if (sender !== '') return 'permission-missing';
      return this.#replays.isSpent(bounce) ? 'policy-refused' : taken(bounce.tenant);
    }
    const complainedTo = this.#tokens.readComplaint(localPart);
    if (complainedTo !== undefined && isFor(complainedTo)) return taken(complainedTo);
    if (localPart.toLowerCase() === unsubscribeName) return taken(undefined);
    // RFC 5321 §4.5.1: somebody reads postmaster, by the ways of all domains of ours.
    if (/^(?:postmaster|abuse)$/i.test(localPart)) return undefined;
    return 'account-missing';
  }

  /** Undefined: there is no domain for them. */
  addressesOf(tenant: TenantId) {
    const domain = this.#parts.domains().of(tenant);
    if (domain === '') return undefined;
    return {
      complaints: `${this.#tokens.complaintLocalPart(tenant)}@${domain}`,
      unsubscribe: `${unsubscribeName}@${domain}`,
    };
  }

  /** A mail came to one of these addresses. */
  async take({ to, atMs, read }: FeedbackTaken): Promise<void> {
    const at = to.lastIndexOf('@');
    const localPart = to.slice(0, at);
    // It was good when it came; how long it lay here is no matter.
    const bounce = this.#tokens.readBounce(localPart, atMs);
    if (bounce !== undefined) {
      if (read.bounce?.action === 'failed')
        await this.#bounced(bounce, read.bounce, read.addresses);
      this.#replays.taken(bounce);
      return;
    }
    const tenant = this.#tokens.readComplaint(localPart);
    if (tenant !== undefined) {
      if (read.complaint !== undefined) await this.#complained(tenant, read.complaint, atMs);
      return;
    }
    const words = read.subject.split(/[\s,;:<>]+/);
    const facts = words.map((word) => this.#tokens.readUnsubscribe(word)).find((each) => each);
    if (facts !== undefined) await this.unsubscribe(facts, 'mail');
  }

  /** Answers when it is on disk. */
  async unsubscribe(facts: UnsubscribeFacts, way: 'one-click' | 'page' | 'mail'): Promise<void> {
    const { tenant, stream, recipient } = facts;
    const { list, clock } = this.#parts;
    const nowMs = clock.nowMs();
    // Said again, it is no news.
    const known = list.page({
      tenant,
      address: recipient,
      stream,
      reason: 'unsubscribe',
      limit: 1,
      nowMs,
    });
    if (known.entries.length > 0) return;
    const entry = entryOf({
      tenant,
      address: recipient,
      stream,
      reason: 'unsubscribe',
      nowMs,
      note: way,
    });
    const event = [eventNumbers.unsubscribe, nowMs, '', tenant, '', [recipient]] as const;
    await this.#write([entry], [...event, way, stream, '', '']);
  }

  /** Servers refused these for good while mail was handed over: the event is the attempt's. */
  async failed({ tenant, recipients }: RecipientsFailed): Promise<void> {
    const { hardBounceMs } = this.#parts.rules();
    if (hardBounceMs === 0) return;
    const nowMs = this.#parts.clock.nowMs();
    const entries = recipients.map(({ address, reply }) =>
      this.#hardBounce(tenantId(tenant), address, reply, nowMs),
    );
    await this.#parts.list.add(entries);
  }

  async #bounced(
    facts: BounceFacts,
    report: BounceReport,
    candidates: readonly string[],
  ): Promise<void> {
    const { list, clock, rules } = this.#parts;
    const { hardBounceMs, softBounceCount, softBounceWindowMs } = rules();
    const { tenant, message } = facts;
    const nowMs = clock.nowMs();
    const recipient = await this.#recipientOf(facts, candidates);
    const { why, words, from } = report;
    const entries: Suppression[] = [];
    if (recipient !== undefined && hardBounceMs > 0) {
      let isSuppressed = goneReasons.has(why);
      if (!isSuppressed && softBounceCount > 0) {
        const sinceMs = nowMs - softBounceWindowMs;
        // Once for each message, however often and by whomever it is told of.
        const count = await list.countBounce(tenant, recipient, message, nowMs, sinceMs);
        isSuppressed = count >= softBounceCount;
      }
      if (isSuppressed) entries.push(this.#hardBounce(tenant, recipient, words, nowMs));
    }
    const named = recipient === undefined ? [] : [recipient];
    const event = [eventNumbers.bounce, nowMs, message, tenant, '', named] as const;
    await this.#write(entries, [...event, why, '', words, from]);
  }

  async #complained(tenant: TenantId, complaint: Complaint, atMs: number): Promise<void> {
    const { type, reporter, recipients, returnPaths, unsubscribe } = complaint;
    const nowMs = this.#parts.clock.nowMs();
    const bounces = returnPaths.map((path) =>
      this.#tokens.readBounce(path.slice(0, path.lastIndexOf('@')), atMs),
    );
    const bounce = bounces.find((facts) => facts?.tenant === tenant);
    const token = unsubscribe === '' ? undefined : this.#tokens.readUnsubscribe(unsubscribe);
    const own = token?.tenant === tenant ? token : undefined;
    // What we signed goes before what the report says, which providers black out.
    let recipient = own?.recipient;
    if (recipient === undefined && bounce !== undefined) {
      recipient = await this.#recipientOf(bounce, recipients);
    }
    recipient ??= recipients[0];
    const entries: Suppression[] = [];
    if (recipient !== undefined && !harmlessTypes.has(type)) {
      const note = `${type} ${reporter}`;
      entries.push(
        entryOf({ tenant, address: recipient, stream: '', reason: 'complaint', nowMs, note }),
      );
    }
    const named = recipient === undefined ? [] : [recipient];
    const message = bounce?.message ?? '';
    const event = [eventNumbers.complaint, nowMs, message, tenant, '', named] as const;
    await this.#write(entries, [...event, type, own?.stream ?? '', '', reporter]);
  }

  /** The one recipient the address was made for, as soon as anybody names it. */
  async #recipientOf(facts: BounceFacts, named: readonly string[]): Promise<string | undefined> {
    const isIt = (address: string) => isRecipientOf(facts, address);
    const found = named.slice(0, candidatesMax).find(isIt);
    return found ?? (await this.#parts.recipientsOf(facts.message)).find(isIt);
  }

  #hardBounce(tenant: TenantId, address: string, words: string, nowMs: number): Suppression {
    const untilMs = nowMs + this.#parts.rules().hardBounceMs;
    const shared = {
      tenant,
      address,
      stream: '',
      reason: 'hard-bounce',
      nowMs,
      note: words,
    } as const;
    return { ...entryOf(shared), untilMs };
  }

  async #write(entries: readonly Suppression[], event: FeedbackEvent): Promise<void> {
    await this.#parts.list.add(entries, [factOf(event)]);
    void this.#parts.teller.drain();
  }
}

interface Entry {
  readonly tenant: TenantId;
  readonly address: string;
  readonly stream: string;
  readonly reason: SuppressionReason;
  readonly nowMs: number;
  readonly note: string;
}

function entryOf({ nowMs, note, ...entry }: Entry): Suppression {
  const words = note.slice(0, suppressionNoteLengthMax).trim();
  return { ...entry, sinceMs: nowMs, untilMs: 0, note: words };
}
