/**
 * What all sessions of a listener share of its filters, and what one stranger's connection is found to be.
 *
 * Runs in:   edge (main thread).
 * Limits:    a look-up takes `lookUpMsMax`; a connection's name is looked up `namesLookedUpMax` times.
 * Invariant: nothing here throws or rejects: what cannot be known counts nothing, and the mail goes on.
 */

import type { FilterMarks } from '../../actors/asks/reception.ts';
import { defaultTenant } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import type { NetworkSet } from '../../base/networks.ts';
import type { AccountDirectory } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Dns } from '../../ports/dns.ts';
import type { Greylist, GreylistAnswer } from '../../ports/greylist.ts';
import type { NetworkLabels } from '../../ports/network-labels.ts';
import type { Judgement } from '../../settings/filters.ts';
import type { Settings } from '../../settings/schema.ts';
import { networkAround } from '../guard/ban-networks.ts';
import type { RateReached, SendRates } from '../guard/send-rates.ts';
import { askList, listText } from './address-lists.ts';
import { type Finding, type Verdict, verdictOf } from './findings.ts';
import { faultOfName, type HeloFault, heloWhys, isLocalName, isUnresolved } from './helo.ts';
import { lookBack } from './reverse.ts';
import { within } from './within.ts';

/** A client that changes its name for each message has the DNS asked so often, not more. */
const namesLookedUpMax = 5;
const greylistNetwork = { v4: 24, v6: 64 } as const;

/** May change while sessions run; a connection keeps what it began with. */
export interface FilterPolicy {
  readonly hostname: string;
  readonly settings: Settings['filters'];
  /** No filter is about them. */
  readonly allowed: NetworkSet;
  /** Settings ask for none: nobody is looked at. */
  readonly isOff: boolean;
}

/** How a recipient fared. */
export type FilterAnswer = 'refused' | 'greylisted' | 'rated' | 'early' | 'passed';

export interface FilterObserver {
  found(word: string): void;
  lookUpFailed(word: string): void;
  answered(answer: FilterAnswer): void;
}

export interface FilterParts {
  readonly dns: Dns;
  readonly clock: Clock;
  readonly log: Log;
  readonly directory: Pick<AccountDirectory, 'isLocalDomain'>;
  readonly labels: NetworkLabels;
  /** Absent: nobody has to come again. */
  readonly greylist?: Greylist;
  /** Absent: strangers name as many recipients as they like. */
  readonly rates?: SendRates;
  readonly observer: FilterObserver;
}

export class ConnectionFilters {
  readonly parts: FilterParts;
  policy: FilterPolicy;

  constructor(parts: FilterParts, policy: FilterPolicy) {
    this.parts = parts;
    this.policy = policy;
  }

  /** A stranger has connected, or a proxy told of one. Undefined: nothing is to be asked about it. */
  begin(address: string): PeerFilters | undefined {
    if (this.policy.isOff || this.policy.allowed.has(address)) return undefined;
    return new PeerFilters(this.parts, this.policy, address);
  }
}

export class PeerFilters {
  /** What was found up to now, as the message is told of it; undefined: nothing was asked yet. */
  told: FilterMarks | undefined;
  readonly policy: FilterPolicy;
  readonly observer: FilterObserver;
  readonly #parts: FilterParts;
  readonly #address: string;
  /** Of the connection, whatever name it gives. */
  readonly #ofPeer: Promise<readonly Finding[]>;
  #early: Finding | undefined;
  #name: { readonly name: string; readonly findings: Promise<readonly Finding[]> } | undefined;
  #namesLookedUp = 0;

  constructor(parts: FilterParts, policy: FilterPolicy, address: string) {
    this.#parts = parts;
    this.policy = policy;
    this.observer = parts.observer;
    this.#address = address;
    this.#ofPeer = this.#lookAtPeer();
  }

  get log(): Log {
    return this.#parts.log;
  }

  /** It talked before it was greeted; answers what that is worth. */
  talkedEarly(): Judgement {
    const { talked } = this.policy.settings.early;
    this.#early = { word: 'early', judgement: talked, why: 'You talked before you were greeted' };
    this.#noteFound([this.#early]);
    return talked;
  }

  /** What it is, by the name it gives now. */
  async judge(heloName: string): Promise<Verdict> {
    if (this.#name?.name !== heloName) {
      this.#name = { name: heloName, findings: this.#lookAtName(heloName) };
    }
    const early = this.#early === undefined ? [] : [this.#early];
    const findings = [...early, ...(await this.#ofPeer), ...(await this.#name.findings)];
    const verdict = verdictOf(findings, this.policy.settings.rejectPoints);
    this.told = verdict.marks;
    return verdict;
  }

  /** What a refused client hears; where a list refuses it, in the list's words. */
  async whyOf({ why, textAt }: Finding): Promise<string> {
    if (textAt === undefined) return why;
    const text = await this.#within(listText(this.#parts.dns, textAt), '');
    return text === '' ? why : `${why}: ${text}`;
  }

  /** Undefined: it may be let in. Answers how long it is to wait, in ms. */
  async greylist(sender: string, recipient: string, points: number): Promise<number | undefined> {
    const { greylist } = this.#parts;
    const { mode, points: pointsMin, sender: by } = this.policy.settings.greylist;
    if (greylist === undefined || mode === 'off') return undefined;
    if (mode === 'points' ? points < pointsMin : points < 0) return undefined;
    const network = networkAround(this.#address, greylistNetwork);
    if (network === undefined) return undefined;
    const from = sender === '' ? '<>' : sender.toLowerCase();
    const key = {
      network,
      sender: by === 'domain' ? from.slice(from.lastIndexOf('@') + 1) : from,
      recipient: recipient.toLowerCase(),
    };
    let answer: GreylistAnswer;
    try {
      answer = await greylist.ask(key);
    } catch (error) {
      this.#parts.log.error({ error: String(error) }, 'the greylist cannot be asked');
      return undefined;
    }
    if (answer.kind === 'wait') return answer.waitMs;
    const { points: before = 0, words = [] } = this.told ?? {};
    const word = `greylist:${answer.kind}`;
    if (!words.includes(word)) this.told = { points: before, words: [...words, word] };
    return undefined;
  }

  /** Counts a recipient; undefined: there may be one more. */
  async rate(sender: string): Promise<RateReached | undefined> {
    const { rates, clock } = this.#parts;
    const from = { tenant: defaultTenant, account: undefined, sender, peerAddress: this.#address };
    return await rates?.take(from, 1, clock.nowMs());
  }

  async #lookAtPeer(): Promise<readonly Finding[]> {
    const found = await Promise.all([
      ...this.policy.settings.lists.map(async (list) => {
        const answer = await this.#within(askList(this.#parts.dns, list, this.#address), 'failed');
        if (answer === 'failed') this.observer.lookUpFailed(`list:${list.name}`);
        return typeof answer === 'string' ? [] : [answer];
      }),
      this.#lookBack(),
      this.#lookAtLabels(),
    ]);
    return this.#noteFound(found.flat());
  }

  async #lookBack(): Promise<readonly Finding[]> {
    const { missing, mismatch } = this.policy.settings.reverse;
    if (missing === 0 && mismatch === 0) return [];
    const result = await this.#within(lookBack(this.#parts.dns, this.#address), 'failed');
    if (result === 'failed') this.observer.lookUpFailed('reverse');
    if (result === 'missing' && missing !== 0) {
      const why = `The DNS knows no name of ${this.#address}`;
      return [{ word: 'reverse.missing', judgement: missing, why }];
    }
    if (result !== 'mismatch' || mismatch === 0) return [];
    const why = `The name of ${this.#address} in the DNS does not lead back to it`;
    return [{ word: 'reverse.mismatch', judgement: mismatch, why }];
  }

  async #lookAtLabels(): Promise<readonly Finding[]> {
    const rules = this.policy.settings.labels.points;
    if (rules.length === 0) return [];
    const looking = (async () => await this.#parts.labels.of(this.#address))();
    const labels = (await this.#within(looking, undefined)) ?? [];
    return rules
      .filter(({ label, judgement }) => judgement !== 0 && labels.includes(label))
      .map(({ label, judgement }) => ({
        ...{ word: `label:${label}`, judgement },
        why: `No mail is taken from where ${this.#address} is`,
      }));
  }

  async #lookAtName(name: string): Promise<readonly Finding[]> {
    const fault = await this.#faultOf(name);
    if (fault === undefined) return [];
    const judgement = this.policy.settings.helo[fault];
    if (judgement === 0) return [];
    return this.#noteFound([{ word: `helo.${fault}`, judgement, why: heloWhys[fault] }]);
  }

  async #faultOf(name: string): Promise<HeloFault | undefined> {
    const { helo } = this.policy.settings;
    const fault = faultOfName(name, this.#address, this.policy.hostname);
    if (fault !== undefined && (fault !== 'notQualified' || helo.notQualified !== 0)) return fault;
    if (name.startsWith('[')) return undefined;
    if (helo.ownName !== 0) {
      const isOurs = await this.#within(isLocalName(this.#parts.directory, name), false);
      if (isOurs) return 'ownName';
    }
    if (helo.unresolved === 0 || this.#namesLookedUp >= namesLookedUpMax) return undefined;
    this.#namesLookedUp++;
    return (await this.#within(isUnresolved(this.#parts.dns, name), false))
      ? 'unresolved'
      : undefined;
  }

  #noteFound(findings: readonly Finding[]): readonly Finding[] {
    for (const { word } of findings) this.observer.found(word);
    return findings;
  }

  #within<T, O>(looking: Promise<T>, otherwise: O): Promise<T | O> {
    return within(this.#parts.clock, this.policy.settings.lookUpMsMax, looking, otherwise);
  }
}
